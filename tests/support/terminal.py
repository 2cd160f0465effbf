"""A program that wants a terminal, with one that nobody looks at."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl

_PIECE = 65536


class StillRunning(Exception):
    """The program did not end in time. Holds what it wrote."""


def in_terminal(
    command: Sequence[str], *, env: Mapping[str, str], patience: float
) -> tuple[int, bytes]:
    """Run a program in a terminal of 80 by 50; return its status and its screen.

    Raises:
        StillRunning: It was killed after ``patience`` seconds.
    """
    terminal, end = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=end,
        stdout=end,
        stderr=end,
        env={**os.environ, "TERM": "vt100", **env},
        start_new_session=True,
    )
    os.close(end)
    give_up_at = time.monotonic() + patience
    screen = b""
    try:
        while time.monotonic() < give_up_at:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(terminal, _PIECE)
            except OSError:  # the terminal of a program that ended
                piece = b""
            if not piece:
                return process.wait(patience), screen
            screen += piece
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    raise StillRunning(screen)
