"""Small protocols with known answers, to test the explorer with."""

from collections.abc import Callable, Generator
from typing import Any

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Pause, Steps
from tests.simulation.disk import SimulatedDisk

FOREVER = float("inf")


def disk_with(**files: bytes) -> SimulatedDisk:
    """Return a disk with these files."""
    disk = SimulatedDisk()
    process = disk.process(99)
    for name, content in files.items():
        fd = process.open(name, Mode.CREATE)
        process.pwrite(fd, content, 0)
        process.close(fd)
    disk.settle()
    return disk


def acknowledge(token: Any) -> Steps[None]:
    """Promise something."""
    yield Call("acknowledge", (token,))


def acknowledged() -> Generator[Call | Pause, Any, tuple[Any, ...]]:
    """Return what was promised."""
    return (yield Call("acknowledged", ()))


def with_lock(section: Callable[[], Steps[Any]]) -> Steps[Any]:
    """Run a section under the lock of the file ``lock``, and ring then."""
    fd = yield from steps.open_file("lock", Mode.WRITE)
    while not (yield from steps.try_lock(fd)):
        now = yield from steps.monotonic()
        yield Pause("lock", now + 1)
    result = yield from section()
    yield from steps.unlock(fd)
    yield from steps.pwrite(fd, b"!", 0)
    yield from steps.close(fd)
    return result


def with_both_locks(first: str, second: str) -> Steps[None]:
    """Take a lock, and then wait for another one: wrong in any order."""
    files = []
    for path in (first, second):
        files.append((yield from steps.open_file(path, Mode.WRITE)))
        while not (yield from steps.try_lock(files[-1])):
            now = yield from steps.monotonic()
            yield Pause(path, now + 1)
    for fd in files:
        yield from steps.unlock(fd)


def increment() -> Steps[None]:
    """Add one to the number in the file ``count``."""
    fd = yield from steps.open_file("count", Mode.WRITE)
    (number,) = yield from steps.pread(fd, 1, 0)
    yield from steps.pwrite(fd, bytes([number + 1]), 0)
    yield from steps.close(fd)


def enter_by_looking(mine: str, other: str) -> Steps[None]:
    """Enter if the other's flag is down, then raise mine: wrong."""
    own = yield from steps.open_file(mine, Mode.WRITE)
    theirs = yield from steps.open_file(other, Mode.WRITE)
    if (yield from steps.pread(theirs, 1, 0)) == b"0":
        yield from steps.pwrite(own, b"1", 0)
        yield from _critical()
        yield from steps.pwrite(own, b"0", 0)


def enter_by_peterson(mine: str, other: str) -> Steps[None]:
    """Peterson's algorithm, waiting by pauses."""
    own = yield from steps.open_file(mine, Mode.WRITE)
    theirs = yield from steps.open_file(other, Mode.WRITE)
    turn = yield from steps.open_file("turn", Mode.WRITE)
    yield from steps.pwrite(own, b"1", 0)
    yield from steps.pwrite(turn, other.encode(), 0)
    while (yield from steps.pread(theirs, 1, 0)) == b"1":
        if (yield from steps.pread(turn, 1, 0)) != other.encode():
            break
        now = yield from steps.monotonic()
        yield Pause("turn", now + 1)
    yield from _critical()
    yield from steps.pwrite(own, b"0", 0)


def _critical() -> Steps[None]:
    inside = yield from steps.open_file("inside", Mode.WRITE)
    assert (yield from steps.pread(inside, 1, 0)) == b"0", "two are inside"
    yield from steps.pwrite(inside, b"1", 0)
    yield from steps.pwrite(inside, b"0", 0)
    yield from steps.close(inside)


def sleep_by_looking(flag: str) -> Steps[None]:
    """Look at a flag, then wait for it to be written: wrong."""
    fd = yield from steps.open_file(flag, Mode.READ)
    if (yield from steps.pread(fd, 1, 0)) == b"0":
        yield Pause(flag, FOREVER)


def raise_flag(flag: str) -> Steps[None]:
    """Write 1 into a flag."""
    fd = yield from steps.open_file(flag, Mode.WRITE)
    yield from steps.pwrite(fd, b"1", 0)


def append_record(*, locked: bool = True) -> Steps[None]:
    """Deliver as the server of design §1 did: the record, then the count."""

    def section() -> Steps[None]:
        index = yield from steps.open_file("index", Mode.WRITE)
        (count,) = yield from steps.pread(index, 1, 0)
        yield from steps.pwrite(index, b"r", 1 + count)
        yield from steps.pwrite(index, bytes([count + 1]), 0)

    yield from (with_lock(section) if locked else section())
    yield from acknowledge("250")


class Reader:
    """A session that is asked for news as the servers of design §1 were."""

    def __init__(self, rule: str) -> None:
        self.exists = 0
        self._rule = rule
        self._token: Any = None

    def noop(self) -> Steps[None]:
        """Report what there is; it must be all that was promised before."""
        promised = yield from acknowledged()
        if self._rule == "lock":
            yield from with_lock(lambda: self._read("count"))
        else:
            yield from self._read(self._rule)
        assert self.exists >= len(promised), "a NOOP missed a delivery"

    def _read(self, rule: str) -> Steps[None]:
        fd = yield from steps.open_file("index", Mode.READ)
        if rule == "count":
            token = None
        else:
            token = yield Call("mtime", ("index",))
            if rule == "mtime and size":
                token = (token, (yield from steps.size(fd)))
        if token is None or token != self._token:
            self._token = token
            (self.exists,) = yield from steps.pread(fd, 1, 0)
        yield from steps.close(fd)


def noops(rule: str, count: int) -> Steps[None]:
    """Run a session that asks ``count`` times after it opened the mailbox."""
    reader = Reader(rule)
    for _ in range(count + 1):
        yield from reader.noop()
