"""Runs Dovecot and imapbox in alternation and compares them.

``python -m benchmarks.run --runs 5 --directory DIR`` prints a table in Markdown
and keeps every figure of every run in a JSON file. Each run starts its server
anew on an empty store under DIR, so that all of them are on one file system.
Needs root, for Dovecot; strace; and a machine that does nothing else.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.full_text import measure_full_text
from benchmarks.machine import machine
from benchmarks.measure import measure
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.servers import Server, dovecot, imapbox
from benchmarks.table import table

Start = Callable[[Path, Mapping[str, str]], AbstractContextManager[Server]]
SERVERS: Final[Mapping[str, Start]] = {
    "dovecot": dovecot,
    "imapbox": imapbox,
    "imapbox-one": partial(imapbox, deliverers=0),
}
# What each is when it keeps a full-text index; only Dovecot is told to.
WITH_INDEX: Final[Mapping[str, Start]] = {
    **SERVERS,
    "dovecot": partial(dovecot, full_text=True),
}
BASELINE: Final = "dovecot"


def run_once(name: str, directory: Path, scale: Scale) -> tuple[dict[str, Any], str]:
    """Measure the server ``name`` on a new store under ``directory``.

    Returns:
        Its figures and its version.
    """
    passwords = {f"user{number:02}": "secret" for number in range(scale.users)}
    store = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=directory))
    store.chmod(0o755)
    try:
        with SERVERS[name](store / "store", passwords) as server:
            figures = measure(server, scale)
            version = server.version
        with WITH_INDEX[name](store / "store", passwords) as server:
            figures.update(measure_full_text(server, scale))
        return figures, version
    finally:
        shutil.rmtree(store)


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    scale = QUICK if options.quick else FULL
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in options.servers}
    record: dict[str, Any] = {
        "machine": machine(options.directory),
        "scale": asdict(scale),
        "versions": {},
        "runs": runs,
    }
    for number in range(options.runs):
        # Who goes first has the cooler machine: everybody in turn.
        at = number % len(options.servers)
        for name in options.servers[at:] + options.servers[:at]:
            print(f"run {number + 1}: {name}", file=sys.stderr, flush=True)
            figures, version = run_once(name, options.directory, scale)
            runs[name].append(figures)
            record["versions"][name] = version
            # After each, so that nothing measured is lost.
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(_head(record))
    print(table(runs, baseline=BASELINE))
    print(f"all figures: {options.output}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where the stores are made; every user must be able to enter it",
    )
    parser.add_argument("--servers", type=_servers, default=["dovecot", "imapbox"])
    parser.add_argument(
        "--output",
        type=Path,
        help="the JSON file of all figures; else one in benchmarks/results",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test")
    options = parser.parse_args()
    if options.output is None:
        name = f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
        options.output = Path(__file__).parent / "results" / name
    return options


def _servers(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(SERVERS):
        raise argparse.ArgumentTypeError("no such server: " + ", ".join(unknown))
    return names


def _head(record: dict[str, Any]) -> str:
    facts = {
        **record["machine"],
        "versions": record["versions"],
        "scale": record["scale"],
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items()) + "\n"


if __name__ == "__main__":
    main()
