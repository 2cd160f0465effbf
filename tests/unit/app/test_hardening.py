"""What a process gives up."""

import ctypes
import subprocess
import sys

import pytest

from imapbox.app.hardening import harden

# prctl(2): PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS.
PROGRAM = """
import ctypes
from imapbox.app.hardening import harden
ask = ctypes.CDLL(None).prctl
for _ in range(2):
    print(*(ask(option, 0, 0, 0, 0) for option in (3, 39)))
    harden()
print(*(ask(option, 0, 0, 0, 0) for option in (3, 39)))
"""


def test_no_core_and_no_privileges() -> None:
    """The kernel leaves no core of the process and lets it gain nothing; twice, too."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[1:] == ["0 1", "0 1"]
    assert done.stdout.startswith("1 ")


def test_where_there_is_no_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library knows no prctl, nothing happens."""
    asked: list[object] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: asked.append(name) or object())
    harden()
    assert asked == [None]
