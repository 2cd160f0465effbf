"""Whether a file system does what the store rests on.

Everything that the protocols take for granted of the calls in `FileSystem` is
tried on files of its own, by two who could be two processes: that a lock
excludes, that what one wrote the other reads, that a file is made once. What
can't be tried is whether a sync reaches the disk.

Two on one machine share the kernel's pages. On several machines that is
otherwise: through FUSE a page that was read once may be read again for ever,
whatever others wrote meanwhile, unless the file system is told to keep none
(ceph-fuse: ``fuse disable pagecache = true``). A file that can be mapped and
shared is one whose pages are kept, so that is looked at, too.
"""

import ctypes
import errno
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import FileSystem, Mode

# Linux <linux/magic.h>
_FUSE: Final = 0x65735546
# These tell of what is left of room, of descriptors or of memory, not of the mount.
_NOT_NOW: Final = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EROFS,
    }
)
_SIZE: Final = 64
_PAGE: Final = 4096
# struct statfs begins with the type; all of it is shorter than this.
_STATFS_SIZE: Final = 512

_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a file system, as the end of a sentence.

    Attributes:
        what: What it does, or doesn't.
        error: What the operating system said, if it did.
    """

    what: str
    error: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.error})" if self.error else self.what


@dataclass(frozen=True, slots=True)
class Proof:
    """Two who use one directory.

    Attributes:
        one: The one.
        other: The other; may be the same.
        directory: Empty; nothing is left in it.
        rounds: How often each writes and the other reads.
    """

    one: FileSystem
    other: FileSystem
    directory: str
    rounds: int = 3

    def flaws(self) -> Iterator[Flaw]:
        """Try everything, and return what is wrong.

        Raises:
            OSError: It can't be tried now: there is no room, descriptor or memory.
        """
        for what, check in _CHECKS.items():
            path = f"{self.directory}/{self.one.random(8).hex()}"
            opened: list[tuple[FileSystem, int]] = []
            try:
                if not check(self, path, opened):
                    yield Flaw(what)
            except OSError as error:
                if error.errno in _NOT_NOW:
                    raise
                yield Flaw(what, error.strerror or str(error))
            finally:
                for files, fd in opened:
                    with suppress(OSError):
                        files.close(fd)
                with suppress(OSError):
                    self.one.unlink(path)


_Opened = list[tuple[FileSystem, int]]


def _open(files: FileSystem, path: str, mode: Mode, opened: _Opened) -> int:
    fd = files.open(path, mode)
    opened.append((files, fd))
    return fd


def _is_made_once(proof: Proof, path: str, opened: _Opened) -> bool:
    _open(proof.one, path, Mode.CREATE, opened)
    try:
        _open(proof.other, path, Mode.CREATE, opened)
    except FileExistsError:
        return True
    return False


def _names_are_seen(proof: Proof, path: str, opened: _Opened) -> bool:
    if proof.other.exists(path):
        return False
    _open(proof.one, path, Mode.CREATE, opened)
    seen = proof.other.exists(path)
    fd = _open(proof.other, path, Mode.READ, opened)
    same = proof.other.same_file(fd, path)
    proof.one.unlink(path)
    return seen and same and not proof.other.exists(path)


def _locks_exclude(proof: Proof, path: str, opened: _Opened) -> bool:
    mine = _open(proof.one, path, Mode.CREATE, opened)
    theirs = _open(proof.other, path, Mode.WRITE, opened)
    if not proof.one.try_lock(mine) or proof.other.try_lock(theirs):
        return False
    return proof.other.is_locked(theirs)


def _locks_are_the_files(proof: Proof, path: str, opened: _Opened) -> bool:
    mine = _open(proof.one, path, Mode.CREATE, opened)
    theirs = _open(proof.other, path, Mode.WRITE, opened)
    another = proof.one.open(path, Mode.WRITE)
    try:
        excluded = proof.one.try_lock(mine) and not proof.one.try_lock(another)
    finally:
        proof.one.close(another)
    return excluded and not proof.other.try_lock(theirs)


def _locks_are_given_back(proof: Proof, path: str, opened: _Opened) -> bool:
    mine = _open(proof.one, path, Mode.CREATE, opened)
    theirs = proof.other.open(path, Mode.WRITE)
    try:
        proof.one.try_lock(mine)
        proof.one.unlock(mine)
        if not proof.other.try_lock(theirs):
            return False
    finally:
        proof.other.close(theirs)
    return proof.one.try_lock(mine)


def _writes_are_read(proof: Proof, path: str, opened: _Opened) -> bool:
    ends = [
        (proof.one, _open(proof.one, path, Mode.CREATE, opened)),
        (proof.other, _open(proof.other, path, Mode.WRITE, opened)),
    ]
    for _ in range(proof.rounds):
        for (writer, target), (reader, source) in (ends, ends[::-1]):
            octets = writer.random(_SIZE)
            writer.pwrite(target, octets, 0)
            if reader.pread(source, _SIZE, 0) != octets:
                return False
    return True


def _growth_is_seen(proof: Proof, path: str, opened: _Opened) -> bool:
    mine = _open(proof.one, path, Mode.CREATE, opened)
    theirs = _open(proof.other, path, Mode.READ, opened)
    for number in range(proof.rounds):
        octets = proof.one.random(_SIZE)
        proof.one.pwrite(mine, octets, number * _PAGE)
        if proof.other.size(theirs) != number * _PAGE + _SIZE:
            return False
        if proof.other.pread(theirs, _PAGE, number * _PAGE) != octets:
            return False
    proof.one.truncate(mine, _SIZE)
    return proof.other.size(theirs) == _SIZE


def _files_are_synced(proof: Proof, path: str, opened: _Opened) -> bool:
    fd = _open(proof.one, path, Mode.CREATE, opened)
    proof.one.pwrite(fd, b"x" * _SIZE, 0)
    proof.one.fdatasync(fd)
    return True


def _directories_are_synced(proof: Proof, path: str, opened: _Opened) -> bool:
    _open(proof.one, path, Mode.CREATE, opened)
    proof.one.sync_directory(proof.directory)
    return True


def _removed_files_are_read(proof: Proof, path: str, opened: _Opened) -> bool:
    fd = _open(proof.one, path, Mode.CREATE, opened)
    proof.one.pwrite(fd, b"x" * _SIZE, 0)
    theirs = _open(proof.other, path, Mode.READ, opened)
    proof.one.unlink(path)
    return proof.other.pread(theirs, _SIZE, 0) == b"x" * _SIZE


def _files_are_mapped(proof: Proof, path: str, opened: _Opened) -> bool:
    fd = _open(proof.one, path, Mode.CREATE, opened)
    proof.one.pwrite(fd, b"x" * _PAGE, 0)
    theirs = _open(proof.other, path, Mode.READ, opened)
    return len(proof.other.map_privately(theirs, _PAGE)) == _PAGE


# What is wrong where a check says no.
_CHECKS: Final[dict[str, Callable[[Proof, str, _Opened], bool]]] = {
    "two can make the same file: O_EXCL does not hold": _is_made_once,
    "one doesn't see at once what files another makes or removes": _names_are_seen,
    "two can hold one lock, or none can be taken": _locks_exclude,
    "a lock is not the open file's: F_OFD_SETLK does not hold": _locks_are_the_files,
    "a lock that was given back stays": _locks_are_given_back,
    "what one writes another does not read at once": _writes_are_read,
    "one doesn't see at once how long another made a file": _growth_is_seen,
    "files can not be synced": _files_are_synced,
    "directories can not be synced": _directories_are_synced,
    "who has a file open can't read it when it was removed": _removed_files_are_read,
    "files can not be mapped": _files_are_mapped,
}

PAGES_ARE_KEPT: Final = (
    "it is FUSE and keeps pages, so that machines read what was there before;"
    " mount it without its page cache"
    " (ceph-fuse: fuse disable pagecache = true; others: -o direct_io)"
)


def keeps_pages(files: DiskFileSystem, path: str) -> bool:
    """Say whether a FUSE file system keeps pages; others are taken at their word.

    Args:
        files: Below which root.
        path: Of a file that is made for it, and removed.
    """
    fd = files.open(path, Mode.CREATE)
    try:
        files.unlink(path)
        if _type_of(fd) != _FUSE:
            return False
        files.pwrite(fd, bytes(_PAGE), 0)
        try:
            mmap.mmap(fd, _PAGE, flags=mmap.MAP_SHARED).close()
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            raise
        return True
    finally:
        files.close(fd)


def _type_of(fd: int) -> int:
    answer = (ctypes.c_char * _STATFS_SIZE)()
    if _libc.fstatfs(fd, answer):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return ctypes.c_long.from_buffer(answer).value
