"""What the garbage collector of a server looks at."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc, sys
from imapbox.app.tap import Options, makeService
options = Options()
options.parseOptions(["--store", sys.argv[1], "--lmtp", "tcp:0"])
service = makeService(options)
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_stays_is_not_looked_at(tmp_path: Path) -> None:
    """A collection of all takes no time for the modules of a server that begins."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "store"],
        check=True,
        capture_output=True,
        text=True,
    )
    left_out, looked_at = map(int, done.stdout.split())
    assert left_out > 50_000
    assert looked_at < 100
