"""What a call reads and writes, and which calls may change places."""

from typing import Any, Final, NamedTuple

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call
from tests.simulation.disk import OpenFile, SimulatedDisk, parent

END: Final = 1 << 62


class Touch(NamedTuple):
    """Bytes ``start`` to ``end`` of a thing, read or written."""

    thing: tuple[str, str]
    writes: bool
    start: int = 0
    end: int = END


def reads(kind: str, path: str, start: int = 0, end: int = END) -> Touch:
    """Return a touch that changes nothing."""
    return Touch((kind, path), writes=False, start=start, end=end)


def writes(kind: str, path: str, start: int = 0, end: int = END) -> Touch:
    """Return a touch that changes something."""
    return Touch((kind, path), writes=True, start=start, end=end)


def commute(some: tuple[Touch, ...], others: tuple[Touch, ...]) -> bool:
    """Say whether two steps may change places."""
    return not any(
        mine.thing == theirs.thing
        and (mine.writes or theirs.writes)
        and mine.start < theirs.end
        and theirs.start < mine.end
        for mine in some
        for theirs in others
    )


# Time stands still while anybody runs, unless moments are counted; each process
# draws its own random numbers, syncing shows to nobody, and who is alive changes
# by kills only.
_NOTHING: Final = frozenset(
    {
        "now",
        "monotonic",
        "random",
        "fdatasync",
        "sync_directory",
        "is_alive",
    }
)


def touches_of(disk: SimulatedDisk, pid: int, call: Call) -> tuple[Touch, ...]:
    """Return what a call of process ``pid`` touches."""
    method, arguments = call
    if method == "now" and disk.moments is not None:
        return (writes("clock", ""),)
    if method in _NOTHING:
        return ()
    if method.startswith("acknowledge"):
        return (Touch(("promises", ""), writes=method == "acknowledge"),)
    if isinstance(arguments[0], str):
        return _of_names(disk, method, *arguments)
    return _of_open(disk, pid, method, arguments)


def _of_open(
    disk: SimulatedDisk, pid: int, method: str, arguments: tuple[Any, ...]
) -> tuple[Touch, ...]:
    opened = disk.files.get((pid, arguments[0]))
    if opened is None:
        return ()
    locked = disk.locks.get(opened.inode) == (pid, arguments[0])
    if method == "close" and not locked:
        return ()
    length = len(disk.data.get(opened.inode) or b"")
    if method == "copy_range":
        _, fd, start, size = arguments
        target = disk.files[pid, fd].path
        return (
            reads("data", opened.path, start, start + size),
            writes("data", target, start, END),
        )
    return (_of_file(method, opened, length, arguments),)


def _of_file(
    method: str, opened: OpenFile, length: int, arguments: tuple[Any, ...]
) -> Touch:
    path = opened.path
    match method:
        case "pread":
            start = arguments[2]
            touch = reads("data", path, start, start + arguments[1])
        case "map_privately":
            touch = reads("data", path, 0, arguments[1])
        case "pwrite":
            start, end = arguments[2], arguments[2] + len(arguments[1])
            if end > length:
                start, end = min(length, start), END
            touch = writes("data", path, start, end)
        case "punch":
            touch = writes("data", path, arguments[1], arguments[1] + arguments[2])
        case "size" | "allocated":
            touch = reads("data", path, END - 1 if method == "size" else 0)
        case "truncate":
            touch = writes("data", path, arguments[1])
        case "same_file" | "is_named":
            touch = reads("name", path if method == "is_named" else arguments[1])
        case "is_locked" | "try_lock" | "unlock" | "close":
            touch = Touch(("lock", path), writes=method != "is_locked")
        case _:
            raise TypeError("what does it touch?", method)
    return touch


def _of_names(
    disk: SimulatedDisk, method: str, path: str, mode: Mode | None = None
) -> tuple[Touch, ...]:
    if method in {"mtime", "stat_size"}:
        return (reads("data", path), reads("name", path))
    if method in {"list_directory", "open_unnamed"}:
        return (reads("directory", path),)
    above = parent(path)
    makes = mode in {Mode.CREATE, Mode.ENSURE} and path not in disk.names
    if makes or method in {"make_directory", "unlink", "remove_directory"}:
        return reads("name", above), writes("name", path), writes("directory", above)
    return reads("name", above), reads("name", path)
