"""What the processes of a server cost, as /proc tells it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")
# Fields of /proc/PID/stat counted from the state, which follows the name.
_PARENT: Final = 1
_TIMES: Final = slice(11, 15)  # utime, stime, and both of children waited for


def _stat(pid: int) -> list[str] | None:
    """Return the fields behind the process's name, or None if it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold spaces and parentheses: the last ")" ends it.
    return text.rpartition(")")[2].split()


def alive(pid: int) -> bool:
    """Say whether ``pid`` still runs. A zombie doesn't."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def family(roots: Iterable[int]) -> list[int]:
    """Return ``roots`` and all their descendants that are alive."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[_PARENT]), []).append(int(entry.name))
    found = list(roots)
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time of a server since its start, user and system.

    A child that ended counts: its time is in its parent's.
    """
    stats = [stat for pid in family(roots) if (stat := _stat(pid))]
    return sum(int(ticks) for stat in stats for ticks in stat[_TIMES]) * _TICK


def pss_kib(roots: Iterable[int]) -> int:
    """Return a server's memory in KiB, pages in common counted once.

    Needs the rights to read other users' /proc/PID/smaps_rollup.
    """
    total = 0
    for pid in family(roots):
        try:
            rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended since
        total += sum(
            int(line.split()[1])
            for line in rollup.splitlines()
            if line.startswith("Pss:")
        )
    return total
