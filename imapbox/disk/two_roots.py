"""Two directories as one file system, so that a protocol can copy between them."""

import os
from typing import Final

from imapbox.disk.filesystem import DiskFileSystem

# What begins with this lies in the second directory. No store has such a name.
THERE: Final = "there:"


class TwoRoots(DiskFileSystem):
    """The real file system below two directories.

    Args:
        here: What paths are relative to.
        there: What paths behind `THERE` are relative to.
    """

    def __init__(self, here: str, there: str) -> None:
        super().__init__(here)
        self._there_fd = os.open(there, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def _beneath(self, path: str) -> tuple[int, str]:
        if path == THERE:
            return self._there_fd, ""
        if path.startswith(f"{THERE}/"):
            return self._there_fd, path.removeprefix(f"{THERE}/")
        return super()._beneath(path)
