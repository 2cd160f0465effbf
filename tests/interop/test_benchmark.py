"""The benchmark runs, on a scale that says nothing about speed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.servers import FTS_XAPIAN
from benchmarks.table import ROWS
from tests.conftest import EFFORT
from tests.support.missing import give_up

ROOT = Path(__file__).parents[2]


# One process is measured by the same code as two.
SERVERS = (
    ("dovecot", "imapbox") if EFFORT == 1 else ("dovecot", "imapbox", "imapbox-one")
)


@pytest.mark.parametrize("server", SERVERS)
def test_every_row_is_measured(
    server: str,
    open_directory: Path,
    require_program: Callable[[str], str],
    require_root: Callable[[], None],
) -> None:
    """`make bench` fills each row of its table, and keeps what it measured."""
    require_program("strace")
    if server == "dovecot":
        require_root()
        require_program("dovecot")
        if not FTS_XAPIAN.exists():
            give_up(f"{FTS_XAPIAN} is not there: dovecot-fts-xapian")
    output = open_directory / "figures.json"
    options = ["--quick", "--runs", "1", "--servers", server]
    options += ["--directory", str(open_directory), "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(output.read_text())
    (figures,) = record["runs"][server]
    for row in ROWS:
        name, figure = row.figure
        assert isinstance(figures[name][figure], float | int), row
        assert f"| {row.title} |" in done.stdout
    assert "| - |" not in done.stdout, "a row without a figure"
    # Nothing durable is free, and nothing of what was started is left.
    assert figures["syncs 1x1"]["all"] >= 1
    assert list(open_directory.iterdir()) == [output]
    assert {"kernel", "cpu", "date", "file system"} <= record["machine"].keys()
