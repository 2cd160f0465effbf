"""Watches a running server's system calls with strace."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks.processes import family

_PATIENCE: Final = 10.0  # seconds until strace holds every thread


class NotTraced(Exception):
    """Strace did not get hold of the server."""


def traced(work: Callable[[], None], roots: Iterable[int], *options: str) -> str:
    """Do ``work`` and return what strace wrote of the server meanwhile.

    Args:
        work: What the server is made to do.
        roots: The server's first processes; their descendants are traced too.
        options: More of strace's, such as ``--trace=fsync``.

    Raises:
        NotTraced: Something of it would be missing.
    """
    members = family(roots)
    with tempfile.NamedTemporaryFile() as record:
        pids = [argument for pid in members for argument in ("-p", str(pid))]
        strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", record.name, *options, *pids],
            stderr=subprocess.PIPE,
        )
        try:
            _await_attached(strace, members)
            work()
        finally:
            # So that it lets go of the server; a SIGKILL would leave it stopped.
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        return Path(record.name).read_text()


def _await_attached(strace: subprocess.Popen[bytes], members: Iterable[int]) -> None:
    give_up_at = time.monotonic() + _PATIENCE
    while not all(_is_traced(pid) for pid in members):
        if strace.poll() is not None or time.monotonic() > give_up_at:
            raise NotTraced(strace.args)
        time.sleep(0.01)


def _is_traced(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task")
    try:
        states = [(task / "status").read_text() for task in tasks.iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return True  # it ended, or a thread of it did: nothing to hold
    return all("TracerPid:\t0\n" not in state for state in states)
