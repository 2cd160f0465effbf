"""A message on its way into a foreign mailbox: a file, as `addMessage` wants it."""

from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

from imapbox.disk.failures import of_spool
from imapbox.disk.spool import MEMORY_LIMIT, Content, Spool


class FileSpool(Spool):
    """A spool that needs no store: beyond 256 KiB a file without a name in /tmp.

    It takes in one message only: MULTIAPPEND is not offered.
    """

    def __init__(self) -> None:
        self.size = 0
        self._octets: Any = SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - see discard

    async def write(self, data: bytes) -> None:
        """See `Spool`."""
        try:
            self._octets.write(data)
        except OSError as error:
            raise of_spool(error) from error
        self.size += len(data)

    async def finish(self) -> Content:
        """See `Spool`."""
        try:
            self._octets.flush()
        except OSError as error:
            raise of_spool(error) from error
        octets, self._octets = self._octets, None
        return FileContent(octets, self.size)

    def discard(self) -> None:
        """See `Spool`."""
        octets, self._octets = self._octets, None
        if octets is not None:
            with suppress(OSError):  # what could not be written is tried again
                octets.close()


class FileContent(Content):
    """What `FileSpool` took in.

    Attributes:
        file: All octets.
    """

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(b"", size, 0, None)
        self.file = file

    def discard(self) -> None:
        """Let go of the file, which the application may have kept."""
        self.file = None
