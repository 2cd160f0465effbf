"""Two directories as one file system, so that a protocol can copy between them."""

import os
from typing import Final
from weakref import finalize

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode, Status
from imapbox.disk.naming import naming, path_beneath

# What begins with this lies in the second directory. No store has such a name.
THERE: Final = "there:"


def is_there(error: OSError) -> bool:
    """Say whether an error names a file in the second directory."""
    return isinstance(error.filename, str) and error.filename.startswith(THERE)


class TwoRoots(DiskFileSystem):
    """The real file system below two directories.

    Errors name a file as it was asked for, so that it can be told in which of the
    two it lies.

    Args:
        here: What paths are relative to.
        there: What paths behind `THERE` are relative to.
    """

    def __init__(self, here: str, there: str) -> None:
        super().__init__(here)
        self._there_fd = os.open(there, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._closing_there = finalize(self, os.close, self._there_fd)

    def release(self) -> None:
        """Give both roots back; that happens by itself at the end."""
        super().release()
        self._closing_there()

    def open(self, path: str, mode: Mode) -> int:
        """See `FileSystem`."""
        with naming(path):
            return super().open(path, mode)

    def exists(self, path: str) -> bool:
        """See `FileSystem`."""
        with naming(path):
            return super().exists(path)

    def status(self, path: str) -> Status:
        """See `FileSystem`."""
        with naming(path):
            return super().status(path)

    def _open_directory(self, path: str) -> int:
        with naming(path):
            return super()._open_directory(path)

    def _beneath(self, path: str) -> tuple[int, str]:
        if path == THERE:
            return self._there_fd, ""
        if path.startswith(f"{THERE}/"):
            return self._there_fd, path.removeprefix(f"{THERE}/")
        return super()._beneath(path)

    def _path_of(self, fd: int) -> str | None:
        here = super()._path_of(fd)
        if here is not None:
            return here
        path = path_beneath(self._there_fd, fd)
        return None if path is None else f"{THERE}/{path}"
