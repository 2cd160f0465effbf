"""Every call to the operating system that touches mail.

Paths are relative to the root of the store and are resolved beneath it
without following any symbolic link. Files are made 0600 and directories
0700, whatever the umask. Errors are the operating system's own `OSError`s, and
name the file or directory as seen from the root, also where it is open already.
"""

import os
from enum import Enum
from typing import NamedTuple, Protocol


class Mode(Enum):
    """How a file is opened."""

    READ = os.O_RDONLY
    WRITE = os.O_RDWR
    CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL
    ENSURE = os.O_RDWR | os.O_CREAT


class Status(NamedTuple):
    """What a name stands for.

    Attributes:
        is_file: Whether it is a file like any other.
        is_directory: Whether it is a directory.
        mode: Who may do what, as in 0o600.
        owner: Number of the user whose it is.
    """

    is_file: bool
    is_directory: bool
    mode: int
    owner: int


class FileSystem(Protocol):
    """The calls that imapbox makes. `DiskFileSystem` makes them for real.

    Attributes:
        boot: A number that changes when the machine starts anew: a head that
            bears another one may be older than the log behind it.
        node: The name of this machine.
    """

    boot: int
    node: str

    @property
    def pid(self) -> int:
        """Return this process."""
        ...

    def open(self, path: str, mode: Mode) -> int:
        """Open a file and return its descriptor."""
        ...

    def open_unnamed(self, directory: str) -> int:
        """Open a new file that has no name and goes when it is closed."""
        ...

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        ...

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to ``size`` bytes; fewer only at the end of the file."""
        ...

    def map_privately(self, fd: int, size: int) -> memoryview:
        """Return the first ``size`` bytes of the file, as a copy of one's own.

        Only what is written to is copied, and no write reaches the file. For
        files that nobody writes to any more or cuts: what is not there when it
        is touched, or can't be read, ends the process.
        """
        ...

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write, and return how many bytes were taken: perhaps not all."""
        ...

    def fdatasync(self, fd: int) -> None:
        """Make what was written durable. After an error nothing is known."""
        ...

    def size(self, fd: int) -> int:
        """Return the length of the file."""
        ...

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        ...

    def allocated(self, fd: int) -> int:
        """Return how many bytes of the disk the file takes, holes left out."""
        ...

    def punch(self, fd: int, offset: int, size: int) -> None:
        """Give back the blocks within a range, which then reads as zeros.

        The file stays as long as it is. EOPNOTSUPP where that can't be done.
        """
        ...

    def copy_range(self, source: int, fd: int, offset: int, size: int) -> int:
        """Copy octets of another open file to the same place of one that ends before.

        Blocks are shared where the file system can do that; holes stay holes.

        Returns:
            How many were copied, perhaps not all; 0 at the end of the source.
        """
        ...

    def exists(self, path: str) -> bool:
        """Say whether there is anything at ``path``."""
        ...

    def status(self, path: str) -> Status:
        """Say what is at ``path``; a link is not followed."""
        ...

    def same_file(self, fd: int, path: str) -> bool:
        """Say whether ``path`` still names the open file."""
        ...

    def is_named(self, fd: int) -> bool:
        """Say whether any path names the open file: nobody removed it."""
        ...

    def unlink(self, path: str) -> None:
        """Remove the file."""
        ...

    def make_directory(self, path: str) -> None:
        """Make one directory."""
        ...

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        ...

    def list_directory(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        ...

    def sync_directory(self, path: str) -> None:
        """Make the names in a directory durable."""
        ...

    def try_lock(self, fd: int) -> bool:
        """Take the whole file's exclusive lock if it is free. Never waits."""
        ...

    def unlock(self, fd: int) -> None:
        """Release the lock."""
        ...

    def is_locked(self, fd: int) -> bool:
        """Say whether some other open file holds the lock."""
        ...

    def is_read_only(self) -> bool:
        """Say whether nobody may write to the file system now."""
        ...

    def now(self) -> float:
        """Return seconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    def random(self, size: int) -> bytes:
        """Return ``size`` random bytes."""
        ...

    def is_alive(self, pid: int) -> bool:
        """Say whether a process of this node is there."""
        ...
