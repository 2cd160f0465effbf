"""Keeping what is taken out of a store: below ``lost+found``, never deleted.

A file is copied there, synced, and only then removed. A crash in between leaves
both; whoever does it again takes the copy that is there, or finishes it. Blocks
that the disk can't read are zeros in the copy.
"""

from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.segment_scan import read_readable

LOST_FOUND: Final = "lost+found"

_PIECE: Final = 1024 * 1024
_SECTOR: Final = 512


def keep(directory: str, name: str) -> Steps[str]:
    """Copy a file to its place below ``lost+found``, durably; return that place."""
    above = yield from _make_directories(f"{LOST_FOUND}/{directory}".rstrip("/"))
    number = 1

    def copy(source: int) -> Steps[str | None]:
        path = f"{above}/{name}.{number}"

        def fill(fd: int) -> Steps[bool]:
            if not (yield from _may_become(source, fd)):
                return False
            yield from _fill(source, fd)
            return True

        return path if (yield from steps.opened(path, Mode.ENSURE, fill)) else None

    while True:
        path = yield from steps.opened(f"{directory}/{name}", Mode.READ, copy)
        if path is not None:
            yield from steps.sync_directory(above)
            return path
        number += 1


def _make_directories(path: str) -> Steps[str]:
    above = ""
    for part in path.split("/"):
        here = f"{above}/{part}" if above else part
        if not (yield from steps.exists(here)):
            yield from steps.make_directory(here)
        yield from steps.sync_directory(above)
        above = here
    return path


def _may_become(source: int, fd: int) -> Steps[bool]:
    """Say whether a file is a copy of another, or one that was not finished."""
    size = yield from steps.size(fd)
    if size > (yield from steps.size(source)):
        return False
    for start in range(0, size, _PIECE):
        wanted = yield from read_readable(source, _PIECE, start)
        found = yield from steps.pread(fd, _PIECE, start)
        if found == wanted[: len(found)]:
            continue
        for at in range(0, len(found), _SECTOR):
            sector = found[at : at + _SECTOR]
            if any(sector) and sector != wanted[at : at + len(sector)]:
                return False
    return True


def _fill(source: int, fd: int) -> Steps[None]:
    size = yield from steps.size(source)
    for start in range(0, size, _PIECE):
        wanted = yield from read_readable(source, _PIECE, start)
        found = yield from steps.pread(fd, _PIECE, start)
        if not any(wanted) and not any(found) and start + len(wanted) < size:
            continue  # a hole stays one
        if found != wanted:
            yield from steps.pwrite(fd, wanted, start)
    yield from steps.fdatasync(fd)
