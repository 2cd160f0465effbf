"""A disk in memory, with all that the product's `FileSystem` protocol offers.

Values are immutable and tables are shallow, so that a copy costs microseconds:
the explorer makes one for each step. A process sees the page cache; what a
power loss may leave of it is for `crash` to say, which reads the journal.

Three things are there for tests only: `acknowledge` and `acknowledged` (what
was promised to whom, as calls that a scheduler can see), and `mtime`, which
nobody but a broken reader asks for.
"""

import errno
import hashlib
from typing import Any, Final, NamedTuple

from imapbox.disk.filesystem import Mode, Status
from imapbox.disk.steps import Finished, Steps, advance
from tests.simulation.fault import LOOKS, Fault, failure

EPOCH: Final = 1_800_000_000.0
MOMENT: Final = 2**-16  # seconds, without rounding
ROOT: Final = 1
FIRST_FD: Final = 3
BLOCK: Final = 4096
OWNER: Final = 1000
# Those that change something fail where it is known what they leave.
_FAIL_HERE: Final = LOOKS | {"try_lock", "unlock", "close"}


def parent(path: str) -> str:
    """Return the directory that holds ``path``."""
    return path.rpartition("/")[0]


class OpenFile(NamedTuple):
    """An open file description."""

    inode: int
    path: str
    writable: bool


class Record(NamedTuple):
    """One call that was made, as a tracer would show it.

    Attributes:
        pid: Of the caller.
        method: Of `FileSystem`.
        path: Of the file, also where the call names a descriptor.
        numbers: Sizes and offsets, in the order of the arguments.
    """

    pid: int
    method: str
    path: str
    numbers: tuple[int, ...] = ()


class SimulatedDisk:
    """One machine's file system, its clock and its processes.

    Attributes:
        names: Path to inode, of files and directories.
        data: Content of each inode; None for a directory.
        locks: Inode to the open file (pid, descriptor) that holds the lock.
        clock: Seconds since the machine was made.
        tick: Resolution of a modification time, in seconds.
        moments: How often the clock was read, each time a moment later; None: it
            shows the same to all who read it while anybody runs.
        boot: Changes with each power loss.
        acknowledged: What was promised, in order.
        durable: Names and data as they were when ``journal`` began.
        promised_before: What was acknowledged then.
        journal: What was done to names and data since; None: not kept.
        calls: What was called; None: not kept.
        room: Bytes by which files may still grow; None: any number.
    """

    def __init__(self, *, seed: int = 0, boot: int = 1) -> None:
        self.seed = seed
        self.boot = boot
        self.names: dict[str, int] = {"": ROOT}
        self.data: dict[int, bytes | None] = {ROOT: None}
        self.mtimes: dict[int, float] = {}
        self.locks: dict[int, tuple[int, int]] = {}
        self.files: dict[tuple[int, int], OpenFile] = {}
        self.drawn: dict[int, int] = {}
        self.pids: frozenset[int] = frozenset()
        self.dead: frozenset[int] = frozenset()
        self.clock = 0.0
        self.tick = 0.004
        self.moments: int | None = None
        self.acknowledged: tuple[Any, ...] = ()
        self.next_inode = ROOT + 1
        self.durable: tuple[dict[str, int], dict[int, bytes | None]] = (
            dict(self.names),
            dict(self.data),
        )
        self.promised_before: tuple[Any, ...] = ()
        self.journal: list[tuple[Any, ...]] | None = []
        self.calls: list[Record] | None = []
        self.faults: tuple[Fault, ...] = ()
        self.room: int | None = None

    def copy(self) -> "SimulatedDisk":
        """Return the same disk, without journal and list of calls."""
        new = SimulatedDisk.__new__(SimulatedDisk)
        new.__dict__.update(self.__dict__)
        new.names = self.names.copy()
        new.data = self.data.copy()
        new.mtimes = self.mtimes.copy()
        new.locks = self.locks.copy()
        new.files = self.files.copy()
        new.drawn = self.drawn.copy()
        new.journal = new.calls = None
        return new

    def process(self, pid: int) -> "SimulatedFileSystem":
        """Return the file system as process ``pid`` sees it."""
        if pid not in self.pids:
            self.pids |= {pid}
        return SimulatedFileSystem(self, pid)

    def settle(self) -> None:
        """Make all of it durable, and begin journal and calls anew."""
        self.durable = (dict(self.names), dict(self.data))
        self.promised_before = self.acknowledged
        self.journal = []
        self.calls = []

    def kill(self, pid: int) -> None:
        """End a process: its descriptors and locks go, the cache stays."""
        self.dead |= {pid}
        for key in [key for key in self.files if key[0] == pid]:
            self.close(*key)

    def note(self, *entry: Any) -> None:
        """Write into the journal."""
        if self.journal is not None:
            self.journal.append(entry)

    def close(self, pid: int, fd: int) -> None:
        """Forget a descriptor, and the lock that its open file holds."""
        opened = self.files.pop((pid, fd))
        if self.locks.get(opened.inode) == (pid, fd):
            del self.locks[opened.inode]
        if self.names.get(opened.path) != opened.inode:
            self.forget(opened.inode)

    def forget(self, inode: int) -> None:
        """Drop a file without a name once nobody has it open."""
        if not any(file.inode == inode for file in self.files.values()):
            self.data.pop(inode, None)
            self.mtimes.pop(inode, None)

    def write(self, inode: int, data: bytes, offset: int) -> None:
        """Put bytes into a file; the gap behind its end becomes zeros."""
        old = self.data[inode]
        assert old is not None
        if not data:
            return
        self.note("write", inode, offset, data, len(old))
        gap = bytes(max(0, offset - len(old)))
        self.data[inode] = old[:offset] + gap + data + old[offset + len(data) :]
        self.mtimes[inode] = self.clock // self.tick * self.tick

    def advance_clock(self, seconds: float) -> None:
        """Let time pass."""
        self.clock += seconds

    def acknowledge(self, token: Any) -> None:
        """Remember that ``token`` was promised."""
        self.acknowledged += (token,)
        self.note("ack", token)

    def content(self, path: str) -> bytes:
        """Return a file as the page cache has it."""
        data = self.data[self.names[path]]
        assert data is not None
        return data

    def tree(self) -> dict[str, bytes | None]:
        """Return all paths and their content."""
        return {path: self.data[inode] for path, inode in self.names.items()}

    def fingerprint(self) -> int:
        """Return a number that differs where anything that matters differs.

        What follows from the results that a process was given (its
        descriptors, its random numbers) is left out.
        """
        return hash(
            (
                frozenset(self.names.items()),
                frozenset(self.data.items()),
                frozenset(self.mtimes.items()),
                frozenset(self.locks.items()),
                self.clock,
                self.moments,
                self.acknowledged,
                self.dead,
            )
        )


class SimulatedFileSystem:
    """`FileSystem` on a `SimulatedDisk`, for one process."""

    node = "simulated"

    def __init__(self, disk: SimulatedDisk, pid: int) -> None:
        self.disk = disk
        self.pid = pid

    @property
    def boot(self) -> int:
        return self.disk.boot

    def open(self, path: str, mode: Mode) -> int:
        self._record("open", path)
        return self._open(path, mode)

    def open_unnamed(self, directory: str) -> int:
        path = f"{directory}/{self._draw(16).hex()}"
        self._record("open_unnamed", directory)
        fd = self._open(path, Mode.CREATE)
        self._remove(path)
        return fd

    def close(self, fd: int) -> None:
        path = self._file(fd).path
        try:
            self._record("close", path)
        finally:
            self.disk.close(self.pid, fd)  # also if it fails: close(2)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        opened = self._file(fd)
        self._record("pread", opened.path, size, offset)
        return self._content(opened)[offset : offset + size]

    def map_privately(self, fd: int, size: int) -> memoryview:
        opened = self._file(fd)
        self._record("map_privately", opened.path, size)
        content = self._content(opened)
        if not 0 < size <= len(content):
            raise failure(errno.EINVAL, opened.path)
        return memoryview(bytearray(content[:size]))

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        opened = self._file(fd)
        self._record("pwrite", opened.path, len(data), offset)
        if not opened.writable:
            raise failure(errno.EBADF, opened.path)
        taken = self._room_for(opened, len(data), offset)
        self.disk.write(opened.inode, bytes(data[:taken]), offset)
        return taken

    def fdatasync(self, fd: int) -> None:
        opened = self._file(fd)
        self._record("fdatasync", opened.path)
        try:
            self._fail("fdatasync", opened.path)
        except OSError:
            self.disk.note("badsync", opened.inode)
            raise
        self.disk.note("sync", opened.inode)

    def size(self, fd: int) -> int:
        opened = self._file(fd)
        self._record("size", opened.path)
        return len(self._content(opened))

    def truncate(self, fd: int, size: int) -> None:
        opened = self._file(fd)
        self._record("truncate", opened.path, size)
        if not opened.writable:
            raise failure(errno.EINVAL, opened.path)
        self._fail("truncate", opened.path)
        self.disk.note("truncate", opened.inode, size)
        self.disk.data[opened.inode] = self._content(opened)[:size].ljust(size, b"\0")
        self.disk.mtimes[opened.inode] = self.disk.clock

    def allocated(self, fd: int) -> int:
        opened = self._file(fd)
        self._record("allocated", opened.path)
        content = self._content(opened)
        blocks = (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))
        return BLOCK * sum(any(block) for block in blocks)

    def punch(self, fd: int, offset: int, size: int) -> None:
        opened = self._file(fd)
        self._record("punch", opened.path, offset, size)
        self._fail("punch", opened.path)
        old = self._content(opened)
        zeros = bytes(max(0, min(size, len(old) - offset)))
        self.disk.note("punch", opened.inode, offset, zeros)
        self.disk.data[opened.inode] = old[:offset] + zeros + old[offset + len(zeros) :]

    def copy_range(self, source: int, fd: int, offset: int, size: int) -> int:
        copied, opened = self._file(source), self._file(fd)
        self._record("copy_range", opened.path, offset, size)
        data = self._content(copied)[offset : offset + size]
        taken = self._room_for(opened, len(data), offset)
        self.disk.write(opened.inode, data[:taken], offset)
        return taken

    def exists(self, path: str) -> bool:
        self._record("exists", path)
        return path in self.disk.names

    def status(self, path: str) -> Status:
        self._record("status", path)
        is_directory = self.disk.data[self._inode(path)] is None
        mode = 0o700 if is_directory else 0o600
        return Status(not is_directory, is_directory, mode, OWNER)

    def same_file(self, fd: int, path: str) -> bool:
        self._record("same_file", path)
        return self.disk.names.get(path) == self._file(fd).inode

    def is_named(self, fd: int) -> bool:
        opened = self._file(fd)
        self._record("is_named", opened.path)
        return opened.inode in self.disk.names.values()

    def unlink(self, path: str) -> None:
        self._record("unlink", path)
        self._fail("unlink", path)
        if self.disk.data[self._inode(path)] is None:
            raise failure(errno.EISDIR, path)
        self._remove(path)

    def make_directory(self, path: str) -> None:
        self._record("make_directory", path)
        self._fail("make_directory", path)
        self._make(path, None)

    def remove_directory(self, path: str) -> None:
        self._record("remove_directory", path)
        self._fail("remove_directory", path)
        if self.disk.data[self._inode(path)] is not None:
            raise failure(errno.ENOTDIR, path)
        if any(name.startswith(f"{path}/") for name in self.disk.names):
            raise failure(errno.ENOTEMPTY, path)
        self._remove(path)

    def list_directory(self, path: str) -> list[str]:
        self._record("list_directory", path)
        self._inode(path)
        start = f"{path}/" if path else ""
        return sorted(
            name.removeprefix(start)
            for name in self.disk.names
            if name and name.startswith(start) and "/" not in name[len(start) :]
        )

    def sync_directory(self, path: str) -> None:
        self._record("sync_directory", path)
        self._inode(path)
        try:
            self._fail("sync_directory", path)
        except OSError:
            self.disk.note("badsyncdir", path)
            raise
        self.disk.note("syncdir", path)

    def try_lock(self, fd: int) -> bool:
        opened = self._file(fd)
        self._record("try_lock", opened.path)
        if not opened.writable:
            raise failure(errno.EBADF, opened.path)
        holder = self.disk.locks.setdefault(opened.inode, (self.pid, fd))
        return holder == (self.pid, fd)

    def unlock(self, fd: int) -> None:
        opened = self._file(fd)
        self._record("unlock", opened.path)
        if self.disk.locks.get(opened.inode) == (self.pid, fd):
            del self.disk.locks[opened.inode]

    def is_locked(self, fd: int) -> bool:
        opened = self._file(fd)
        self._record("is_locked", opened.path)
        return self.disk.locks.get(opened.inode, (self.pid, fd)) != (self.pid, fd)

    def is_read_only(self) -> bool:
        return False

    def now(self) -> float:
        if self.disk.moments is None:
            return EPOCH + self.disk.clock
        self.disk.moments += 1
        return EPOCH + self.disk.clock + self.disk.moments * MOMENT

    def monotonic(self) -> float:
        return self.disk.clock

    def random(self, size: int) -> bytes:
        return self._draw(size)

    def is_alive(self, pid: int) -> bool:
        return pid not in self.disk.dead

    # For tests only.

    def mtime(self, path: str) -> float:
        """Return the modification time, as coarse as the disk's clock."""
        return self.disk.mtimes.get(self._inode(path), 0.0)

    def stat_size(self, path: str) -> int:
        """Return the length of the file at ``path``."""
        return len(self.disk.content(path))

    def acknowledge(self, token: Any) -> None:
        """Promise something to a client."""
        self.disk.acknowledge(token)

    def acknowledged(self) -> tuple[Any, ...]:
        """Return all that was promised so far."""
        return self.disk.acknowledged

    def _record(self, method: str, path: str, *numbers: int) -> None:
        if self.disk.calls is not None:
            self.disk.calls.append(Record(self.pid, method, path, numbers))
        if self.disk.faults and method in _FAIL_HERE:
            self._fail(method, path)

    def _file(self, fd: int) -> OpenFile:
        try:
            return self.disk.files[self.pid, fd]
        except KeyError:
            raise failure(errno.EBADF) from None

    def _content(self, opened: OpenFile) -> bytes:
        data = self.disk.data[opened.inode]
        if data is None:
            raise failure(errno.EISDIR, opened.path)
        return data

    def _inode(self, path: str) -> int:
        try:
            return self.disk.names[path]
        except KeyError:
            raise failure(errno.ENOENT, path) from None

    def _open(self, path: str, mode: Mode) -> int:
        disk = self.disk
        self._fail("open", path)
        inode = disk.names.get(path)
        if inode is None:
            if mode in {Mode.READ, Mode.WRITE}:
                raise failure(errno.ENOENT, path)
            inode = self._make(path, b"")
        elif mode is Mode.CREATE:
            raise failure(errno.EEXIST, path)
        elif mode is not Mode.READ and disk.data[inode] is None:
            raise failure(errno.EISDIR, path)
        fd = FIRST_FD
        while (self.pid, fd) in disk.files:
            fd += 1
        disk.files[self.pid, fd] = OpenFile(inode, path, mode is not Mode.READ)
        return fd

    def _make(self, path: str, data: bytes | None) -> int:
        disk = self.disk
        if disk.data[self._inode(parent(path))] is not None:
            raise failure(errno.ENOTDIR, path)
        if path in disk.names:
            raise failure(errno.EEXIST, path)
        inode = disk.next_inode
        disk.next_inode += 1
        disk.names[path] = inode
        disk.data[inode] = data
        disk.mtimes[inode] = disk.clock
        disk.note("link", path, inode, data is None)
        return inode

    def _remove(self, path: str) -> None:
        inode = self.disk.names.pop(path)
        self.disk.note("unlink", path)
        self.disk.forget(inode)

    def _draw(self, size: int) -> bytes:
        """Return random bytes that no other process's draws can change."""
        disk = self.disk
        number = disk.drawn[self.pid] = disk.drawn.get(self.pid, 0) + 1
        seed = f"{disk.seed} {disk.boot} {self.pid} {number}".encode()
        return hashlib.shake_128(seed).digest(size)

    def _fail(self, method: str, path: str, size: int = 0) -> int:
        """Raise what is due; return how many bytes a write may take."""
        for fault in self.disk.faults:
            if method not in fault.methods or not fault.where(path):
                continue
            if fault.fired and not fault.stays:
                continue
            fault.seen += 1
            if fault.seen < fault.number:
                continue
            halved = size > 1 or not fault.error
            if fault.short and fault.seen == fault.number and halved:
                fault.fired = not fault.error
                return size // 2 or size
            fault.fired = True
            fault.failed.add(method)
            if fault.full:
                self.disk.room = 0
            raise failure(fault.error, path)
        return size

    def _room_for(self, opened: OpenFile, size: int, offset: int) -> int:
        taken = self._fail("pwrite", opened.path, size)
        room = self.disk.room
        length = len(self._content(opened))
        if room is not None and offset + taken > length + room:
            taken = length + room - offset
            if taken <= 0:
                raise failure(errno.ENOSPC, opened.path)
        if room is not None:
            self.disk.room = room - max(0, offset + taken - length)
        return taken


def run(steps: Steps[Any], filesystem: SimulatedFileSystem) -> Any:
    """Run a protocol to its end; where it waits, time passes."""
    outcome = advance(steps, filesystem)
    while not isinstance(outcome, Finished):
        filesystem.disk.clock = max(filesystem.disk.clock, outcome.pause.until)
        outcome = advance(steps, filesystem)
    return outcome.value
