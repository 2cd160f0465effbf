"""Disk protocols as generators that yield their calls.

A protocol such as "commit" never does I/O itself. It yields a `Call` for each
call it wants made and is sent the result, or thrown the error; it yields a
`Pause` when it must wait for another process. Who drives it decides what the
calls mean: `driver` makes them in a thread, the tests' drivers step the same
code call by call on a simulated disk.
"""

import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from imapbox.disk.fence import Fence
from imapbox.disk.filesystem import FileSystem, Mode, Status


class Call(NamedTuple):
    """One method of `FileSystem` and what to call it with."""

    method: str
    arguments: tuple[Any, ...]


class Pause(NamedTuple):
    """Go on when ``path`` was written (a hint), or at ``until`` at the latest.

    Attributes:
        path: The file that is watched.
        until: A moment of `FileSystem.monotonic`.
    """

    path: str
    until: float


T = TypeVar("T")
Steps: TypeAlias = Generator[Call | Pause, Any, T]


class Unfinished(NamedTuple):
    """A protocol that waits."""

    pause: Pause


class Finished(NamedTuple):
    """What a protocol returned."""

    value: Any


_NOTHING_SENT: Final = None
# Whoever is cut off may do so: nobody else feels it.
_GIVES_BACK: Final = frozenset({"close", "unlock"})


def perform(steps: Steps[T], filesystem: FileSystem) -> T:
    """Make the calls of a protocol that never waits; return its result."""
    outcome = advance(steps, filesystem)
    if isinstance(outcome, Unfinished):
        steps.close()
        raise TypeError("this protocol waits; it needs a driver", outcome)
    value: T = outcome.value
    return value


def advance(
    steps: Steps[Any],
    filesystem: FileSystem,
    error: BaseException | None = None,
    fence: Fence | None = None,
) -> Unfinished | Finished:
    """Make the calls of a protocol until it waits or ends.

    Args:
        steps: The protocol, fresh or waiting.
        filesystem: Whose methods are called.
        error: Thrown into the protocol where it waits.
        fence: Told each error of a call, also those that the protocol minds. Once
            it is up, the protocol may give back what it has open, and no more.
    """
    try:
        call = steps.throw(error) if error else steps.send(_NOTHING_SENT)
        while isinstance(call, Call):
            try:
                if fence is not None and call.method not in _GIVES_BACK:
                    fence.check()
                result = getattr(filesystem, call.method)(*call.arguments)
            except OSError as failure:
                if fence is not None:
                    fence.notice(failure)
                call = steps.throw(failure)
            else:
                call = steps.send(result)
    except StopIteration as stop:
        return Finished(stop.value)
    return Unfinished(call)


def perform_patiently(steps: Steps[T], filesystem: FileSystem) -> T:
    """Make the calls of a protocol, and sleep where it waits.

    For a thread that has nothing else to do, as a command line's.
    """
    outcome = advance(steps, filesystem)
    while isinstance(outcome, Unfinished):
        wait = max(0.0, outcome.pause.until - filesystem.monotonic())
        time.sleep(wait)  # noqa: TID251 - no session is in this process
        outcome = advance(steps, filesystem)
    value: T = outcome.value
    return value


def opened(path: str, mode: Mode, body: Callable[[int], Steps[T]]) -> Steps[T]:
    """Run ``body`` with an open file, and close it on every way out."""
    fd = yield from open_file(path, mode)
    try:
        result = yield from body(fd)
    except GeneratorExit:
        raise  # the process died; no call can be made any more
    except BaseException:
        with suppress(OSError):  # the first error is the one that says something
            yield from close(fd)
        raise
    yield from close(fd)
    return result


def open_file(path: str, mode: Mode) -> Steps[int]:
    """Call `FileSystem.open`."""
    fd: int = yield Call("open", (path, mode))
    return fd


def open_unnamed(directory: str) -> Steps[int]:
    """Call `FileSystem.open_unnamed`."""
    fd: int = yield Call("open_unnamed", (directory,))
    return fd


def close(fd: int) -> Steps[None]:
    """Call `FileSystem.close`."""
    yield Call("close", (fd,))


def pread(fd: int, size: int, offset: int) -> Steps[bytes]:
    """Call `FileSystem.pread`."""
    data: bytes = yield Call("pread", (fd, size, offset))
    return data


def map_privately(fd: int, size: int) -> Steps[memoryview]:
    """Call `FileSystem.map_privately`."""
    memory: memoryview = yield Call("map_privately", (fd, size))
    return memory


def pwrite(fd: int, data: bytes | memoryview, offset: int) -> Steps[None]:
    """Call `FileSystem.pwrite` until all of ``data`` is written."""
    taken: int = yield Call("pwrite", (fd, data, offset))
    while taken < len(data):
        rest = memoryview(data)[taken:]
        more: int = yield Call("pwrite", (fd, rest, offset + taken))
        taken += more


def fdatasync(fd: int) -> Steps[None]:
    """Call `FileSystem.fdatasync`."""
    yield Call("fdatasync", (fd,))


def size(fd: int) -> Steps[int]:
    """Call `FileSystem.size`."""
    length: int = yield Call("size", (fd,))
    return length


def truncate(fd: int, length: int) -> Steps[None]:
    """Call `FileSystem.truncate`."""
    yield Call("truncate", (fd, length))


def same_file(fd: int, path: str) -> Steps[bool]:
    """Call `FileSystem.same_file`."""
    same: bool = yield Call("same_file", (fd, path))
    return same


def allocated(fd: int) -> Steps[int]:
    """Call `FileSystem.allocated`."""
    taken: int = yield Call("allocated", (fd,))
    return taken


def punch(fd: int, offset: int, size: int) -> Steps[None]:
    """Call `FileSystem.punch`."""
    yield Call("punch", (fd, offset, size))


def copy_range(source: int, fd: int, offset: int, size: int) -> Steps[int]:
    """Call `FileSystem.copy_range`."""
    copied: int = yield Call("copy_range", (source, fd, offset, size))
    return copied


def exists(path: str) -> Steps[bool]:
    """Call `FileSystem.exists`."""
    found: bool = yield Call("exists", (path,))
    return found


def unlink(path: str) -> Steps[None]:
    """Call `FileSystem.unlink`."""
    yield Call("unlink", (path,))


def make_directory(path: str) -> Steps[None]:
    """Call `FileSystem.make_directory`."""
    yield Call("make_directory", (path,))


def status(path: str) -> Steps[Status]:
    """Call `FileSystem.status`."""
    found: Status = yield Call("status", (path,))
    return found


def is_directory(path: str) -> Steps[bool]:
    """Say whether there is a directory at ``path``; a link to one is none."""
    try:
        return (yield from status(path)).is_directory
    except FileNotFoundError:
        return False


def remove_directory(path: str) -> Steps[None]:
    """Call `FileSystem.remove_directory`."""
    yield Call("remove_directory", (path,))


def list_directory(path: str) -> Steps[list[str]]:
    """Call `FileSystem.list_directory`."""
    names: list[str] = yield Call("list_directory", (path,))
    return names


def sync_directory(path: str) -> Steps[None]:
    """Call `FileSystem.sync_directory`."""
    yield Call("sync_directory", (path,))


def try_lock(fd: int) -> Steps[bool]:
    """Call `FileSystem.try_lock`."""
    taken: bool = yield Call("try_lock", (fd,))
    return taken


def unlock(fd: int) -> Steps[None]:
    """Call `FileSystem.unlock`."""
    yield Call("unlock", (fd,))


def is_locked(fd: int) -> Steps[bool]:
    """Call `FileSystem.is_locked`."""
    held: bool = yield Call("is_locked", (fd,))
    return held


def is_read_only() -> Steps[bool]:
    """Call `FileSystem.is_read_only`."""
    answer: bool = yield Call("is_read_only", ())
    return answer


def now() -> Steps[float]:
    """Call `FileSystem.now`."""
    seconds: float = yield Call("now", ())
    return seconds


def monotonic() -> Steps[float]:
    """Call `FileSystem.monotonic`."""
    seconds: float = yield Call("monotonic", ())
    return seconds


def random(count: int) -> Steps[bytes]:
    """Call `FileSystem.random`."""
    data: bytes = yield Call("random", (count,))
    return data


def is_alive(pid: int) -> Steps[bool]:
    """Call `FileSystem.is_alive`."""
    there: bool = yield Call("is_alive", (pid,))
    return there
