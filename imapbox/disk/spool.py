"""A message's octets while they arrive, and until they are stored.

Small ones stay in memory; beyond 256 KiB they go to a nameless file below the
store, in pieces, so that a connection costs a bounded amount of memory
whatever it sends. A crash leaves nothing.
"""

import zlib
from collections.abc import Callable
from hashlib import blake2b
from typing import Final, Protocol, TypeVar

from twisted.python.failure import Failure

from imapbox.disk.driver import Driver
from imapbox.disk.failures import of_spool
from imapbox.disk.steps import Steps, close, open_unnamed, pread, pwrite

T = TypeVar("T")

MEMORY_LIMIT: Final = 256 * 1024
PIECE: Final = 1024 * 1024
_DIGEST_SIZE: Final = 16


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
    def digest(self) -> bytes:
        """Return BLAKE2b-128 of all octets."""
        if self._file is None:
            return blake2b(self.start, digest_size=_DIGEST_SIZE).digest()
        return self._file.digest.digest()

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
        self.digest = blake2b(digest_size=_DIGEST_SIZE)
        self._driver = driver
        self._directory = directory
        self._fd = -1

    def write(self, data: bytes, offset: int) -> Steps[None]:
        if self._fd < 0:
            self._fd = yield from open_unnamed(self._directory)
        yield from pwrite(self._fd, data, offset)
        self.digest.update(data)

    def read(self, size: int, offset: int) -> Steps[bytes]:
        data: bytes = yield from pread(self._fd, size, offset)
        return data

    def leave(self) -> None:
        self.users -= 1
        if not self.users and self._fd >= 0:
            self._driver.run(close(self._fd)).addErrback(_ignore)


def _ignore(_: Failure) -> None:
    """That a nameless file could not be closed concerns nobody."""


class Examiner(Protocol):
    """Looks at a message while it comes. It knows nothing of this room."""

    def is_quick(self, octets: bytes) -> bool:
        """Say whether ``octets``, a whole message, take no time to speak of."""
        ...

    def feed(self, octets: bytes) -> None:
        """Look at the next octets."""
        ...

    def finish(self) -> bytes:
        """Return what was found: `Content.card`."""
        ...


class Blind:
    """Finds nothing."""

    def is_quick(self, octets: bytes) -> bool:
        """See `Examiner`."""
        del octets
        return True

    def feed(self, octets: bytes) -> None:
        """See `Examiner`."""

    def finish(self) -> bytes:
        """See `Examiner`."""
        return b""


class Spool:
    """Takes in one message, piece by piece.

    Args:
        driver: Writes what is too much for the memory, and runs the examiner
            where that takes its time.
        directory: For the nameless file.
        examiner: Looks at what comes.
    """

    def __init__(
        self, driver: Driver, directory: str, examiner: Callable[[], Examiner] = Blind
    ) -> None:
        self.size = 0
        self._examiner = examiner()
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
            MailError: The file could not be written.
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
            MailError: The file could not be written.
        """
        if self._file is not None and self._unwritten:
            await self._flush()
        start = bytes(self._start)
        if self._file is None and self._examiner.is_quick(start):
            self._examiner.feed(start)
            card = self._examiner.finish()
        else:
            card = await self._run(self._end_examination(start))
        content = Content(start, self.size, self._crc, self._file, card)
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
        await self._run(self._write(file, data), file.leave)
        self._written += len(data)

    async def _run(self, work: Steps[T], ended: Callable[[], None] | None = None) -> T:
        try:
            return await self._driver.run(work, ended)
        except OSError as error:
            raise of_spool(error) from error

    def _write(self, file: _File, data: bytes) -> Steps[None]:
        yield from file.write(data, self._written)
        self._examiner.feed(data)

    def _end_examination(self, start: bytes) -> Steps[bytes]:
        if self._file is None:
            self._examiner.feed(start)
        yield from ()
        return self._examiner.finish()


class MemoryContent(Content):
    """A message that is in memory already."""

    def __init__(self, octets: bytes, card: bytes = b"") -> None:
        super().__init__(octets, len(octets), zlib.crc32(octets), None, card)
