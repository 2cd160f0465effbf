"""Who has the interpreter while threads are at work."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from imapbox.app.tap import Options, makeService
options = Options()
options.parseOptions(["--store", sys.argv[1], "--lmtp", "tcp:0"])
service = makeService(options)
print(sys.getswitchinterval())
"""


def test_threads_let_the_reactor_go_on_soon(tmp_path: Path) -> None:
    """In a server no thread keeps the interpreter for 5 ms, as Python has it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "store"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert float(done.stdout) < 0.001
