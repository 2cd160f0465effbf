"""The calls that `FileSystem` names, made to the kernel."""

import ctypes
import errno
import fcntl
import mmap
import os
import secrets
import socket
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from weakref import finalize

from imapbox.disk.beneath import open_beneath
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import Mode, Status
from imapbox.disk.naming import naming, path_beneath

# Linux <asm-generic/fcntl.h>; struct flock: type, whence, start, length, pid.
_FLOCK: Final = struct.Struct("hhqqi4x")
# Linux <linux/falloc.h>; Python has no call for it.
_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2
_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int64,
    ctypes.c_int64,
)


class DiskFileSystem:
    """The real one, below the directory ``root``, which it holds open."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self._root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._closing = finalize(self, os.close, self._root_fd)
        self.node = socket.gethostname()
        self.boot = boot_number(self.node)

    def release(self) -> None:
        """Give the root back; that happens by itself at the end."""
        self._closing()

    @property
    def pid(self) -> int:
        """This process; asked anew, since twistd forks when it daemonizes."""
        return os.getpid()

    def open(self, path: str, mode: Mode) -> int:
        """See `FileSystem`."""
        root, path = self._beneath(path)
        return open_beneath(root, path, mode.value)

    def open_unnamed(self, directory: str) -> int:
        """See `FileSystem`."""
        path = f"{directory}/{secrets.token_hex(16)}"
        fd = self.open(path, Mode.CREATE)
        # Not O_TMPFILE: CephFS and others do not have it.
        self.unlink(path)
        return fd

    def close(self, fd: int) -> None:
        """See `FileSystem`."""
        os.close(fd)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """See `FileSystem`."""
        try:
            return os.pread(fd, size, offset)
        except OSError as error:
            self._name(error, fd)
            raise

    def map_privately(self, fd: int, size: int) -> memoryview:
        """See `FileSystem`."""
        try:
            if size <= 0:  # which would mean all of it
                raise ValueError(size)
            with self._naming(fd):
                return memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_COPY))
        except ValueError as error:  # the file is shorter, or empty
            why, path = os.strerror(errno.EINVAL), self._path_of(fd)
            raise OSError(errno.EINVAL, why, path) from error

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """See `FileSystem`."""
        try:
            return os.pwrite(fd, data, offset)
        except OSError as error:
            self._name(error, fd)
            raise

    def fdatasync(self, fd: int) -> None:
        """See `FileSystem`."""
        with self._naming(fd):
            os.fdatasync(fd)

    def size(self, fd: int) -> int:
        """See `FileSystem`."""
        return self._fstat(fd).st_size

    def truncate(self, fd: int, size: int) -> None:
        """See `FileSystem`."""
        with self._naming(fd):
            os.ftruncate(fd, size)

    def allocated(self, fd: int) -> int:
        """See `FileSystem`."""
        return self._fstat(fd).st_blocks * 512  # whatever its blocks are: stat(2)

    def punch(self, fd: int, offset: int, size: int) -> None:
        """See `FileSystem`."""
        while _libc.fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, offset, size):
            # A signal may interrupt it; os does this for the others: PEP 475.
            if (code := ctypes.get_errno()) != errno.EINTR:
                raise OSError(code, os.strerror(code), self._path_of(fd))

    def copy_range(self, source: int, fd: int, offset: int, size: int) -> int:
        """See `FileSystem`."""
        end = min(offset + size, self.size(source))
        if offset >= end:
            return 0
        with self._naming(source):
            data = _seek(source, offset, os.SEEK_DATA, end)
        if data > offset:
            self.truncate(fd, data)
            return data - offset
        with self._naming(source):
            here = min(_seek(source, offset, os.SEEK_HOLE, end), end) - offset
        try:
            copied = os.copy_file_range(source, fd, here, offset, offset)
        except OSError as error:
            if error.errno in CUT_OFF:
                raise  # without a name: to ask which of the two is a further call
            # The kernel can't, or one of the two failed: then this says which.
            copied = 0
        return copied or self.pwrite(fd, self.pread(source, here, offset), offset)

    def exists(self, path: str) -> bool:
        """See `FileSystem`."""
        root, path = self._beneath(path)
        try:
            os.stat(path, dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def status(self, path: str) -> Status:
        """See `FileSystem`."""
        root, path = self._beneath(path)
        found = os.stat(path or ".", dir_fd=root, follow_symlinks=False)
        mode = found.st_mode
        return Status(
            stat.S_ISREG(mode), stat.S_ISDIR(mode), stat.S_IMODE(mode), found.st_uid
        )

    def same_file(self, fd: int, path: str) -> bool:
        """See `FileSystem`."""
        root, path = self._beneath(path)
        try:
            named = os.stat(path, dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(self._fstat(fd), named)

    def is_named(self, fd: int) -> bool:
        """See `FileSystem`."""
        return self._fstat(fd).st_nlink > 0

    def unlink(self, path: str) -> None:
        """See `FileSystem`."""
        directory, _, name = path.rpartition("/")
        fd = self._open_directory(directory)
        try:
            with naming(path):
                os.unlink(name, dir_fd=fd)
        finally:
            os.close(fd)

    def make_directory(self, path: str) -> None:
        """See `FileSystem`."""
        directory, _, name = path.rpartition("/")
        fd = self._open_directory(directory)
        try:
            with naming(path):
                os.mkdir(name, 0o700, dir_fd=fd)
        finally:
            os.close(fd)

    def remove_directory(self, path: str) -> None:
        """See `FileSystem`."""
        directory, _, name = path.rpartition("/")
        fd = self._open_directory(directory)
        try:
            with naming(path):
                os.rmdir(name, dir_fd=fd)
        finally:
            os.close(fd)

    def list_directory(self, path: str) -> list[str]:
        """See `FileSystem`."""
        fd = self._open_directory(path)
        try:
            with naming(path):
                return sorted(os.listdir(fd))
        finally:
            os.close(fd)

    def sync_directory(self, path: str) -> None:
        """See `FileSystem`."""
        fd = self._open_directory(path)
        try:
            with naming(path):
                os.fsync(fd)
        finally:
            os.close(fd)

    def _open_directory(self, path: str) -> int:
        root, path = self._beneath(path)
        return open_beneath(root, path or ".", os.O_RDONLY | os.O_DIRECTORY)

    def _beneath(self, path: str) -> tuple[int, str]:
        """Return the root that a path is resolved beneath, and the path from there."""
        return self._root_fd, path

    def _fstat(self, fd: int) -> os.stat_result:
        try:
            return os.fstat(fd)
        except OSError as error:
            self._name(error, fd)
            raise

    def _path_of(self, fd: int) -> str | None:
        """Return what an open file is called, if the system knows."""
        return path_beneath(self._root_fd, fd)

    def _name(self, error: OSError, fd: int) -> None:
        if error.filename is None:
            error.filename = self._path_of(fd)

    @contextmanager
    def _naming(self, fd: int) -> Iterator[None]:
        """Let errors name an open file."""
        try:
            yield
        except OSError as error:
            self._name(error, fd)
            raise

    def try_lock(self, fd: int) -> bool:
        """See `FileSystem`.

        An open-file-description lock: it belongs to the open file, not to the
        process, so closing another descriptor of the file can not drop it and
        two users in one process exclude one another. The kernel frees it when
        the holder dies. fcntl(2), "Open file description locks".
        """
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            self._name(error, fd)
            raise
        return True

    def unlock(self, fd: int) -> None:
        """See `FileSystem`."""
        with self._naming(fd):
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK))

    def is_locked(self, fd: int) -> bool:
        """See `FileSystem`."""
        with self._naming(fd):
            answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK))
        kind: int = _FLOCK.unpack(answer)[0]
        return kind != fcntl.F_UNLCK

    def is_read_only(self) -> bool:
        """See `FileSystem`."""
        return bool(os.fstatvfs(self._root_fd).f_flag & os.ST_RDONLY)

    def now(self) -> float:
        """See `FileSystem`."""
        return time.time()

    def monotonic(self) -> float:
        """See `FileSystem`."""
        return time.monotonic()

    def random(self, size: int) -> bytes:
        """See `FileSystem`."""
        return secrets.token_bytes(size)

    def is_alive(self, pid: int) -> bool:
        """See `FileSystem`."""
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):  # a number that none can have
            return False
        except PermissionError:
            return True
        return True


def boot_number(node: str) -> int:
    """Return the number of this start of this machine."""
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        return zlib.crc32(file.read().strip(), zlib.crc32(node.encode()))


def _seek(fd: int, offset: int, what: int, end: int) -> int:
    """Return where the next data or hole begins; ``end`` if there is none before."""
    try:
        return min(os.lseek(fd, offset, what), end)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end  # nothing but a hole follows
        if error.errno == errno.EINVAL:  # it tells nothing of holes
            return offset if what == os.SEEK_DATA else end
        raise


def _flock(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
