"""So many at once: counted by all processes of a machine, freed by the kernel.

Each name (an address, a user) has seats. A seat is one octet of a file that
nobody reads or writes: who holds its lock sits there. The kernel gives the
seat back when its holder dies, however he dies, so there is nothing to be
cleaned up, and nothing that could be counted wrong.

The octets lie anywhere in 2^62: files stay empty, and a name's place comes
from its digest under the machine's boot id, so that nobody outside can choose
a name that shares another's seats. There are 64 files, since the kernel walks
through all locks of a file: with 20,000 seats taken, one more costs 50 µs.

The directory belongs into memory (/dev/shm): of a store on a network file
system each machine counts for itself, and no login waits for a network. All
stores of a user share it, so that nothing gathers there. Who can't use it
counts what is in his own process.

See Also:
    fcntl(2), "Open file description locks".
"""

import fcntl
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

FILES: Final = 64
MOST_SEATS: Final = 1 << 16
# Linux <asm-generic/fcntl.h>; struct flock: type, whence, start, length, pid.
_FLOCK: Final = struct.Struct("hhqqi4x")
_PLACES: Final = 1 << 46
_OTHERS: Final = 0o077


class NotOurs(Exception):
    """The directory belongs to another user, or is open to others."""


class Seats:
    """What one process holds, and how it asks for more."""

    def __init__(self) -> None:
        """Begin with seats of this process alone; `share` widens that."""
        self._taken: dict[int, set[int]] = {}
        self._files: tuple[int, ...] = ()
        self._whose = b""
        self._secret = b""

    def share(self, directory: Path, whose: str) -> None:
        """Count together with all processes that say the same.

        Before the first seat is taken, and after the process has become the
        user and the daemon that it will be.

        Args:
            directory: Made if need be, for its owner only.
            whose: For what is counted; others have other seats.

        Raises:
            NotOurs: Somebody else made it.
            OSError: It can not be used.
        """
        self._whose = whose.encode() + b"\0"
        self._secret = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
        self._files = _open_files(directory)

    def close(self) -> None:
        """Give all seats back."""
        files, self._files = self._files, ()
        for fd in files:
            os.close(fd)
        self._taken.clear()

    def take(self, name: str, most: int) -> Callable[[], None] | None:
        """Take one of the ``most`` seats of a name, or return None.

        Returns:
            What gives it back; to be called once.

        Raises:
            OSError: The kernel has no lock left (ENOLCK). No seat is taken.
        """
        named = self._whose + name.encode()
        digest = blake2b(named, key=self._secret, digest_size=8).digest()
        key = int.from_bytes(digest)
        mine = self._taken.get(key, set())
        most = min(most, MOST_SEATS)
        if len(mine) >= most:
            return None
        # Each process begins elsewhere, and so rarely meets another.
        first = os.getpid() * 7
        for number in range(most):
            seat = (first + number) % most
            if seat not in mine and self._lock(key, seat, fcntl.F_WRLCK):
                self._taken.setdefault(key, set()).add(seat)
                return partial(self._give_back, key, seat)
        return None

    def _give_back(self, key: int, seat: int) -> None:
        mine = self._taken.get(key, set())
        if seat in mine:
            mine.remove(seat)
            if not mine:
                del self._taken[key]
            with suppress(OSError):  # the kernel gives it up at our end
                self._lock(key, seat, fcntl.F_UNLCK)

    def _lock(self, key: int, seat: int, kind: int) -> bool:
        if not self._files:
            return True
        fd = self._files[key % FILES]
        octet = key // FILES % _PLACES * MOST_SEATS + seat
        flock = _FLOCK.pack(kind, os.SEEK_SET, octet, 1, 0)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, flock)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: taken
            return False
        return True


def _open_files(directory: Path) -> tuple[int, ...]:
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    top = os.open(directory, flags)
    files: list[int] = []
    try:
        status = os.fstat(top)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & _OTHERS:
            raise NotOurs(directory)
        for number in range(FILES):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            files.append(os.open(f"{number:02}", flags, 0o600, dir_fd=top))
    except BaseException:
        for fd in files:
            os.close(fd)
        raise
    finally:
        os.close(top)
    return tuple(files)
