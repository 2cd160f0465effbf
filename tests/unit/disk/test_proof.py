"""A file system that does not do what the store rests on is found out."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.peer import Peer
from imapbox.disk.proof import _CHECKS, Proof, keeps_pages
from tests.simulation.disk import SimulatedDisk

DIRECTORY = "proof"


class LocksThatDoNothing(DiskFileSystem):
    def try_lock(self, fd: int) -> bool:
        del fd
        return True


class NoLocks(DiskFileSystem):
    def try_lock(self, fd: int) -> bool:
        del fd
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


class LocksOfTheProcess(DiskFileSystem):
    """fcntl(2)'s older locks: closing any descriptor of the file drops them."""

    def try_lock(self, fd: int) -> bool:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def unlock(self, fd: int) -> None:
        fcntl.lockf(fd, fcntl.LOCK_UN)


class LocksThatStay(DiskFileSystem):
    def unlock(self, fd: int) -> None:
        """Do nothing."""


class KeepsOctets(DiskFileSystem):
    """A page that was read is read again for ever."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._pages: dict[tuple[int, int], bytes] = {}

    def close(self, fd: int) -> None:
        super().close(fd)
        self._pages = {key: page for key, page in self._pages.items() if key[0] != fd}

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        if (fd, offset) not in self._pages:
            self._pages[fd, offset] = super().pread(fd, size, offset)
        return self._pages[fd, offset]


class KeepsSizes(DiskFileSystem):
    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._sizes: dict[int, int] = {}

    def size(self, fd: int) -> int:
        return self._sizes.setdefault(fd, super().size(fd))


class KeepsNames(DiskFileSystem):
    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._names: dict[str, bool] = {}

    def exists(self, path: str) -> bool:
        return self._names.setdefault(path, super().exists(path))


class MakesTwice(DiskFileSystem):
    def open(self, path: str, mode: Mode) -> int:
        return super().open(path, Mode.ENSURE if mode is Mode.CREATE else mode)


class SyncsNoFiles(DiskFileSystem):
    def fdatasync(self, fd: int) -> None:
        del fd
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class SyncsNoDirectories(DiskFileSystem):
    def sync_directory(self, path: str) -> None:
        del path
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class ForgetsRemovedFiles(DiskFileSystem):
    def pread(self, fd: int, size: int, offset: int) -> bytes:
        if not os.fstat(fd).st_nlink:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return super().pread(fd, size, offset)


class MapsNothing(DiskFileSystem):
    def map_privately(self, fd: int, size: int) -> memoryview:
        del fd, size
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


LIARS = {
    LocksThatDoNothing: "two can hold one lock, or none can be taken",
    NoLocks: "two can hold one lock, or none can be taken (No locks available)",
    LocksOfTheProcess: "a lock is not the open file's: F_OFD_SETLK does not hold",
    LocksThatStay: "a lock that was given back stays",
    KeepsOctets: "what one writes another does not read at once",
    KeepsSizes: "one doesn't see at once how long another made a file",
    KeepsNames: "one doesn't see at once what files another makes or removes",
    MakesTwice: "two can make the same file: O_EXCL does not hold",
    SyncsNoFiles: "files can not be synced (Invalid argument)",
    SyncsNoDirectories: "directories can not be synced (Invalid argument)",
    ForgetsRemovedFiles: (
        "who has a file open can't read it when it was removed (Stale file handle)"
    ),
    MapsNothing: "files can not be mapped (No such device)",
}


def flaws_of(one: object, other: object) -> list[str]:
    return [str(flaw) for flaw in Proof(one, other, DIRECTORY).flaws()]


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A directory with an empty one in it, which must be empty afterwards, too."""
    (tmp_path / DIRECTORY).mkdir()
    yield str(tmp_path)
    assert list((tmp_path / DIRECTORY).iterdir()) == []


def test_this_file_system_is_fit(root: str) -> None:
    """Nothing is wrong with a local disk, for one process and for two."""
    files = DiskFileSystem(root)
    assert flaws_of(files, files) == []
    with Peer(root) as peer:
        assert flaws_of(files, peer) == []
        assert flaws_of(peer, files) == []


def test_the_simulated_disk_is_fit() -> None:
    """What all proofs run on keeps the rules that a real disk is held to."""
    disk = SimulatedDisk()
    one, other = disk.process(1), disk.process(2)
    one.make_directory(DIRECTORY)
    assert flaws_of(one, other) == []
    assert one.list_directory(DIRECTORY) == []


@pytest.mark.parametrize("liar", LIARS)
def test_each_flaw_is_found(root: str, liar: type[DiskFileSystem]) -> None:
    """A file system that lies in one thing is named for that thing."""
    files = liar(root)
    assert LIARS[liar] in flaws_of(files, files)


def test_another_process_finds_it_too(root: str) -> None:
    """With two processes even locks of the process are told from the file's."""
    with Peer(root) as peer:
        found = flaws_of(LocksOfTheProcess(root), peer)
    assert found == [LIARS[LocksOfTheProcess]]


def test_no_check_is_idle() -> None:
    """For everything that is tried there is a file system that fails it."""
    told = {sentence.partition(" (")[0] for sentence in LIARS.values()}
    assert told == set(_CHECKS)


@pytest.mark.parametrize("wants", ["ENOSPC", "EFBIG", "ENOMEM"])
def test_no_room_is_no_flaw(root: str, wants: str) -> None:
    """A full disk, or a machine without memory, is not taken for one that is unfit."""
    code = getattr(errno, wants)

    class Full(DiskFileSystem):
        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            del fd, data, offset
            raise OSError(code, os.strerror(code))

    with pytest.raises(OSError, match=os.strerror(code)):
        flaws_of(Full(root), DiskFileSystem(root))


def test_a_local_disk_may_keep_pages(root: str) -> None:
    """Only of FUSE it is asked whether it keeps pages."""
    assert not keeps_pages(DiskFileSystem(root), "pages")
    assert not (Path(root) / "pages").exists()


def test_a_peer_that_ended_is_an_error(root: str) -> None:
    """Who asks another process that has ended is told so."""
    with Peer(root) as peer:
        fd = peer.open("x", Mode.CREATE)
        assert peer.pwrite(fd, b"octets", 0) == 6
        assert peer.pread(fd, 9, 0) == b"octets"
        with pytest.raises(FileExistsError):
            peer.open("x", Mode.CREATE)
        peer._process.kill()
        peer._process.wait()
        with pytest.raises(BrokenPipeError):
            peer.size(fd)
