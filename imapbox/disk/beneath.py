"""Opening a path beneath a directory, following no symbolic link.

openat2(2) does it in one call (Linux 5.6). Python has no name for it, so it is
called through libc's syscall(2); where the kernel has none, the path is walked
one component at a time.
"""

import ctypes
import errno
import os
from typing import Final

_OPENAT2: Final = 437  # the same number on every architecture: syscalls(2)
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08
_RESOLVE: Final = _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH
_FILE_MODE: Final = 0o600

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(root: int, path: str, flags: int) -> int:
    """Open ``path`` below the directory ``root`` and return its descriptor.

    Raises:
        OSError: As open(2); ELOOP where a component is a symbolic link, EXDEV
            where the path leads out of ``root``.
    """
    # A FIFO that somebody planted must not keep us waiting for its other end.
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    mode = _FILE_MODE if flags & os.O_CREAT else 0
    how = _OpenHow(flags, mode, _RESOLVE)
    fd: int = _syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(root),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd >= 0:
        return fd
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EPERM}:  # an old kernel, or a seccomp filter
        return open_by_steps(root, path, flags, mode)
    raise OSError(code, os.strerror(code), path)


def open_by_steps(root: int, path: str, flags: int, mode: int) -> int:
    """Do as `open_beneath` does, one component at a time."""
    *directories, name = path.split("/")
    if ".." in directories or name == "..":
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    at = os.dup(root)
    try:
        for directory in directories:
            below = os.open(
                directory,
                os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=at,
            )
            os.close(at)
            at = below
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=at)
    finally:
        os.close(at)
