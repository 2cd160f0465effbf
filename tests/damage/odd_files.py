"""What lies where a file should be, and is none; or nobody may read it."""

import errno
import os
import stat
from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path


class Odd(Enum):
    """Something in a file's place."""

    DIRECTORY = "directory"
    PIPE = "pipe"
    LINK = "link"
    UNREADABLE = "unreadable"

    def is_at(self, path: Path) -> bool:
        """Say whether it is there."""
        mode = path.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG | 0o600
        return {
            Odd.DIRECTORY: stat.S_ISDIR(mode),
            Odd.PIPE: stat.S_ISFIFO(mode),
            Odd.LINK: stat.S_ISLNK(mode),
            Odd.UNREADABLE: not stat.S_IMODE(mode),
        }[self]

    def put(self, path: Path, content: bytes) -> None:
        """Put it there.

        Args:
            path: Where; nothing is there.
            content: What the file was.
        """
        if self is Odd.DIRECTORY:
            path.mkdir()
        elif self is Odd.PIPE:
            os.mkfifo(path)
        elif self is Odd.LINK:
            path.with_name("elsewhere").write_bytes(content)
            path.symlink_to("elsewhere")
        else:
            path.write_bytes(content)
            path.chmod(0)


def remove(path: Path) -> None:
    """Remove what was put somewhere, once."""
    if Odd.DIRECTORY.is_at(path):
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def closed(paths: Collection[str]) -> Callable[[str, str], None]:
    """Return what makes a test's disk refuse to open files, also to root."""

    def steer(method: str, path: str) -> None:
        if method == "open" and path in paths:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    return steer
