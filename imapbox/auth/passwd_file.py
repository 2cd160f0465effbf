"""A passwd-file, read again when it changes.

Whether it changed is asked of the file's inode, size and times before each
use. A file that was written a moment ago is read again even if they did not
change: two writes can fall into one tick of the file system's clock.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.auth.passwd_lines import Users, parse_users
from imapbox.auth.threads import AuthThreads

_log = Logger()

# Longer than a tick of any file system's clock (FAT's takes two seconds).
SETTLED_SECONDS: Final = 3.0

_Signature = tuple[int, int, int, int, int]


class PasswdFile:
    """The users that a file names, as of now."""

    def __init__(
        self,
        path: Path,
        threads: AuthThreads,
        *,
        changed: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Read nothing yet.

        Args:
            path: Where the file is, or will be.
            threads: Where it is read.
            changed: Called when the file says something else than before.
            now: The wall clock that the file's times are compared with.
        """
        self._path = path
        self._threads = threads
        self._changed = changed
        self._now = now
        self._reading = DeferredLock()
        self._begun = 0  # readings, so far
        self._read_well = 0  # the number of the last that went well
        self._signature: _Signature | None = None
        self._content: bytes | None = None
        self._users = Users({}, (), None)
        self._trouble = ""

    async def users(self) -> Users:
        """Return what the file says now.

        Raises:
            AuthenticationUnavailable: It can not be read.
        """
        if not self._is_current():
            asked = self._begun
            async with self._reading:
                # What was begun after we asked is new enough.
                if self._read_well <= asked:
                    await self._read()
        return self._users

    def _is_current(self) -> bool:
        """Compare signatures: one stat on the reactor, some microseconds."""
        if self._signature is None:
            return False
        try:
            return _signature(self._path.stat()) == self._signature
        except OSError:
            return False

    async def _read(self) -> None:
        self._begun += 1
        begun = self._begun
        try:
            before, content = await self._threads.run(_read_file, self._path)
        except OSError as error:
            self._signature = None
            if self._trouble != str(error):
                self._trouble = str(error)
                _log.error("can not read the passwd-file: {error}", error=error)
            raise AuthenticationUnavailable("passwd-file") from error
        self._trouble = ""
        settled = before.st_ctime + SETTLED_SECONDS < self._now()
        if content != self._content:
            self._users = await self._threads.run(parse_users, content)
            self._content = content
            self._changed()
            for complaint in self._users.complaints:
                _log.warn(
                    "{path}, {complaint}", path=str(self._path), complaint=complaint
                )
        self._signature = _signature(before) if settled else None
        self._read_well = begun


def _read_file(path: Path) -> tuple[os.stat_result, bytes]:
    """Return the file's state from before it was read, and the file."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()), file.read()


def _signature(state: os.stat_result) -> _Signature:
    return (
        state.st_dev,
        state.st_ino,
        state.st_size,
        state.st_mtime_ns,
        state.st_ctime_ns,
    )
