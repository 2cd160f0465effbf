"""A message's octets while they arrive, and until they are stored.

Small ones stay in memory; beyond 256 KiB they go to a nameless file below the
store, in pieces, so that a connection costs a bounded amount of memory
whatever it sends. A crash leaves nothing.
"""

import zlib
from typing import Final

from twisted.python.failure import Failure

from imapbox.disk.driver import Driver
from imapbox.disk.steps import Steps, close, open_unnamed, pread, pwrite

MEMORY_LIMIT: Final = 256 * 1024
PIECE: Final = 1024 * 1024


class Content:
    """A whole message, ready to be stored in any number of mailboxes.

    Attributes:
        size: In octets.
        crc: CRC-32 of all octets.
        start: The first octets, at most 256 KiB of them.
        card: What was found in it, to be stored beside it; opaque here.
    """

    def __init__(
        self,
        start: bytes,
        size: int,
        crc: int,
        spooled: "_File | None",
        card: bytes = b"",
    ) -> None:
        self.start = start
        self.size = size
        self.crc = crc
        self.card = card
        self._file = spooled

    @property
    def in_memory(self) -> bool:
        """Say whether `start` is all of it."""
        return self._file is None

    def read(self, size: int, offset: int) -> Steps[bytes]:
        """Return octets from the middle: all that were asked for."""
        if self._file is None:
            return self.start[offset : offset + size]
        return (yield from self._file.read(size, offset))

    def hold(self) -> None:
        """Keep the octets, though `discard` is called, until `release`."""
        if self._file is not None:
            self._file.users += 1

    def release(self) -> None:
        """End a `hold`."""
        if self._file is not None:
            self._file.leave()

    def discard(self) -> None:
        """Give the octets back once nobody holds them."""
        self.release()


class _File:
    """The nameless file, closed when its last user leaves."""

    def __init__(self, driver: Driver, directory: str) -> None:
        self.users = 1
        self._driver = driver
        self._directory = directory
        self._fd = -1

    def write(self, data: bytes, offset: int) -> Steps[None]:
        if self._fd < 0:
            self._fd = yield from open_unnamed(self._directory)
        yield from pwrite(self._fd, data, offset)

    def read(self, size: int, offset: int) -> Steps[bytes]:
        data: bytes = yield from pread(self._fd, size, offset)
        return data

    def leave(self) -> None:
        self.users -= 1
        if not self.users and self._fd >= 0:
            self._driver.run(close(self._fd)).addErrback(_ignore)


def _ignore(_: Failure) -> None:
    """That a nameless file could not be closed concerns nobody."""


class Spool:
    """Takes in one message, piece by piece."""

    def __init__(self, driver: Driver, directory: str) -> None:
        self.size = 0
        self._driver = driver
        self._directory = directory
        self._crc = 0
        self._start = bytearray()
        self._unwritten = bytearray()
        self._written = 0
        self._file: _File | None = None

    async def write(self, data: bytes) -> None:
        """Take ``data`` in. Call it again only when it has returned.

        Raises:
            OSError: The file could not be written.
        """
        self.size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        room = MEMORY_LIMIT - len(self._start)
        if room > 0:
            self._start += data[:room]
        self._unwritten += data
        if len(self._unwritten) > MEMORY_LIMIT:
            await self._flush()

    async def finish(self) -> Content:
        """Return what was written. The spool is then empty-handed.

        Raises:
            OSError: The file could not be written.
        """
        if self._file is not None and self._unwritten:
            await self._flush()
        content = Content(bytes(self._start), self.size, self._crc, self._file)
        self._file = None
        return content

    def discard(self) -> None:
        """Throw away what was written. May be called at any time."""
        if self._file is not None:
            self._file.leave()
            self._file = None

    async def _flush(self) -> None:
        data = bytes(self._unwritten)
        self._unwritten.clear()
        if self._file is None:
            self._file = _File(self._driver, self._directory)
        file = self._file
        file.users += 1
        # It leaves when the write has ended, which may be after a cancellation.
        await self._driver.run(file.write(data, self._written), file.leave)
        self._written += len(data)


class MemoryContent(Content):
    """A message that is in memory already."""

    def __init__(self, octets: bytes, card: bytes = b"") -> None:
        super().__init__(octets, len(octets), zlib.crc32(octets), None, card)
