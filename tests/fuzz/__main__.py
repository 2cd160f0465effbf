"""``make fuzz``: each target for five minutes, from the corpus that is kept.

    python -m tests.fuzz [--seconds N] [--keep] [TARGET ...]

What is found lies below ``.fuzzed``: the inputs that reach more, and
``TARGET-crash-*`` where something is wrong. With ``--keep`` the smallest inputs
that reach as much become the corpus, which is run by ``make test``.
"""

import argparse
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Final

from tests.fuzz.reached import fewest
from tests.fuzz.targets import TARGETS

CORPUS: Final = Path(__file__).parent / "corpus"
FOUND: Final = Path(".fuzzed")
LONGEST: Final = 1024  # octets of an input


def fuzz(target: str, seconds: int) -> bool:
    """Fuzz one target; return whether all was well."""
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10")
    return _run(
        target,
        *options,
        *(
            "-print_final_stats=1",
            "-verbosity=1",
            f"-artifact_prefix={FOUND}/{target}-",
        ),
        *(str(found), str(CORPUS / target)),
    )


def keep(target: str) -> None:
    """Let the corpus be the small inputs that reach as much as all do."""
    corpus = CORPUS / target
    paths = [*corpus.iterdir(), *(FOUND / target).iterdir()]
    kept = fewest(TARGETS[target], [path.read_bytes() for path in paths])
    for path in corpus.iterdir():
        path.unlink()
    for octets in kept:
        name = blake2b(octets, digest_size=8).hexdigest()
        (corpus / name).write_bytes(octets)


def _run(target: str, *options: str) -> bool:
    command = [sys.executable, "-m", "tests.fuzz.one", target, *options]
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    """Do what the command line says; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], default=[])
    options = parser.parse_args()
    well = True
    for target in options.targets or TARGETS:
        well = fuzz(target, options.seconds) and well
        if options.keep:
            keep(target)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
