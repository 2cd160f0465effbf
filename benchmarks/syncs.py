"""Counts the syncs that a server asks the kernel for, with strace."""

import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks.processes import family

_CALLS: Final = ("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")
_FILTER: Final = "--trace=" + ",".join(_CALLS)
_PATIENCE: Final = 10.0  # seconds until strace holds every thread
_CALL: Final = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


class NotTraced(Exception):
    """Strace did not get hold of the server."""


def syncs_during(work: Callable[[], None], roots: Iterable[int]) -> Counter[str]:
    """Do ``work`` and return how often the server synced meanwhile, by call.

    Raises:
        NotTraced: The figure would be wrong.
    """
    members = family(roots)
    with tempfile.NamedTemporaryFile() as record:
        traced = [argument for pid in members for argument in ("-p", str(pid))]
        strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", record.name, _FILTER, *traced],
            stderr=subprocess.PIPE,
        )
        try:
            _await_attached(strace, members)
            work()
        finally:
            # So that it lets go of the server; a SIGKILL would leave it stopped.
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        text = Path(record.name).read_text()
    # An interrupted call has a second line, but that one has no "name(".
    return Counter(_CALL.findall(text))


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
