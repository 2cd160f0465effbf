"""Commands of `imapbox`, run as an administrator runs them."""

import subprocess
import sys
from pathlib import Path
from typing import Final

IMAPBOX: Final = Path(sys.executable).with_name("imapbox")
_PATIENCE: Final = 120


def run(command: str, store: Path, *arguments: str) -> tuple[int, str]:
    """Run a command; return its status, and what it said on either channel.

    Args:
        command: Its words, as "user add".
        store: Where the store is; who owns it is whom root becomes.
        arguments: What it is told besides.
    """
    done = subprocess.run(
        [IMAPBOX, *command.split(), "--store", store, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.decode()
