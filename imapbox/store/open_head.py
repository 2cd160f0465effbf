"""The head of a log that is followed, open for as long as somebody follows it.

To look at it is one `pread`. That is not enough where somebody removed it: then
whoever misses it makes it anew, and what is open is never written to again. See
docs/decisions/heads-that-were-removed.md.
"""

from typing import Any, Final
from weakref import finalize

from imapbox.disk.filesystem import FileSystem, Mode
from imapbox.index.head import HEAD_SIZE
from imapbox.index.head_file import HEAD
from imapbox.store.drivers import Drivers

_NONE: Final = -1


class OpenHead:
    """The head of one log, in the reactor only.

    What a disk says that is gone is noticed (`Fence`).

    Attributes:
        path: Its path.
        fd: The open file; none is open before the first `open`.
    """

    def __init__(self, directory: str, drivers: Drivers) -> None:
        self.path = f"{directory}/{HEAD}"
        self.fd = _NONE
        self._drivers = drivers
        self._closing: finalize[[int], Any] | None = None
        self._is_elsewhere = False

    @property
    def is_open(self) -> bool:
        """Return whether a file is open."""
        return self.fd != _NONE

    def open(self) -> None:
        """Open what is there now, then give back what was open.

        Raises:
            OSError: It can't be opened. What was open stays so.
        """
        try:
            fd = self._filesystem.open(self.path, Mode.READ)
        except OSError as error:
            self._drivers.fence.notice(error)
            raise
        older = self._closing
        self._closing = finalize(self, self._filesystem.close, fd)
        self.fd = fd
        self._is_elsewhere = False
        if older is not None:
            older()  # if that fails, this one is held all the same

    def close(self) -> None:
        """Give the descriptor back; that happens by itself at the end."""
        closing, self._closing, self.fd = self._closing, None, _NONE
        self._is_elsewhere = False
        if closing is not None:
            closing()  # whatever comes of it, the descriptor is none any more

    def read(self) -> bytes:
        """Return its 64 octets, or what there is.

        Raises:
            OSError: It can't be read.
        """
        try:
            return self._filesystem.pread(self.fd, HEAD_SIZE, 0)
        except OSError as error:
            self._drivers.fence.notice(error)
            raise

    def is_replaced(self) -> bool:
        """Say whether it was removed, and perhaps made anew by who missed it.

        Raises:
            OSError: Nobody can tell.
        """
        try:
            return self._is_elsewhere or not self._filesystem.is_named(self.fd)
        except OSError as error:
            self._drivers.fence.notice(error)
            raise

    def look_at_path(self) -> None:
        """See that it is the file which its path names, for `is_replaced`.

        One that was moved elsewhere has a name still. This costs more than what is
        asked at each look.

        Raises:
            OSError: Nobody can tell.
        """
        try:
            self._is_elsewhere = not self._filesystem.same_file(self.fd, self.path)
        except OSError as error:
            self._drivers.fence.notice(error)
            raise

    @property
    def _filesystem(self) -> FileSystem:
        return self._drivers.filesystem
