"""Keeping what is taken out of a store: below ``lost+found``, never deleted.

Where a store is the root of a file system, there may be one already into which only
root may write, for fsck(8). Then all is kept below ``lost+found.imapbox``.

A file is copied there, synced, and only then removed. A crash in between leaves
both; whoever does it again takes the copy that is there, or finishes it. Blocks
that the disk can't read are zeros in the copy.
"""

from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.segment_scan import read_readable

LOST_FOUND: Final = "lost+found"
INSTEAD: Final = "lost+found.imapbox"

_PIECE: Final = 1024 * 1024
_SECTOR: Final = 512


def place_to_keep() -> Steps[str]:
    """Return the directory below which everything is kept."""
    try:
        owner = (yield from steps.status(LOST_FOUND)).owner
    except FileNotFoundError:
        return LOST_FOUND
    ours = (yield from steps.status("")).owner
    return LOST_FOUND if owner == ours else INSTEAD


def keep(directory: str, name: str) -> Steps[str]:
    """Copy a file to its place, durably; return that place."""
    above = yield from _make_place(directory)
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
        source = f"{directory}/{name}".lstrip("/")
        path = yield from steps.opened(source, Mode.READ, copy)
        if path is not None:
            yield from steps.sync_directory(above)
            return path
        number += 1


def keep_octets(directory: str, name: str, octets: bytes) -> Steps[None]:
    """Write a file that is kept, durably. Its name says what is in it."""
    above = yield from _make_place(directory)

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, octets, 0)
        yield from steps.fdatasync(fd)

    yield from steps.opened(f"{above}/{name}", Mode.ENSURE, write)
    yield from steps.sync_directory(above)


class Below(NamedTuple):
    """What is at a path and below it.

    Attributes:
        directories: Those above come first.
        files: Of those, and at the path itself.
        others: What is neither.
    """

    directories: list[str]
    files: list[str]
    others: list[str]


def below(path: str) -> Steps[Below]:
    """Return what is at a path, be it a directory, and below it."""
    found = Below([], [], [])
    unseen = [path]
    while unseen:
        each = unseen.pop()
        status = yield from steps.status(each)
        if status.is_directory:
            found.directories.append(each)
            names = yield from steps.list_directory(each)
            unseen += [f"{each}/{name}" for name in names]
        else:
            (found.files if status.is_file else found.others).append(each)
    return found


def move(found: Below) -> Steps[None]:
    """Keep all of it, and take it away; what is neither file nor directory stays."""
    for path in found.directories:
        yield from _make_place(path)
    for path in found.files:
        directory, _, name = path.rpartition("/")
        yield from keep(directory, name)
        yield from steps.unlink(path)
        yield from steps.sync_directory(directory)
    for path in reversed(found.directories):
        yield from steps.remove_directory(path)
        yield from steps.sync_directory(path.rpartition("/")[0])


def _make_place(directory: str) -> Steps[str]:
    """Make the directory for what is kept of another; return it."""
    path = f"{(yield from place_to_keep())}/{directory}".rstrip("/")
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
