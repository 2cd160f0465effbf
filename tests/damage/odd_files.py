"""What lies where a file should be, and is none; or nobody may read it."""

import errno
import os
from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path


class Odd(Enum):
    """Something in a file's place."""

    DIRECTORY = "directory"
    PIPE = "pipe"
    LINK = "link"
    UNREADABLE = "unreadable"

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
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def closed(paths: Collection[str]) -> Callable[[str, str], None]:
    """Return what makes a test's disk refuse to open files, also to root."""

    def steer(method: str, path: str) -> None:
        if method == "open" and path in paths:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    return steer
