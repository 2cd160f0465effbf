"""Messages' octets while they arrive, and until they are stored.

Small ones stay in memory; beyond 256 KiB they go to a nameless file below the
store, in pieces. Messages that come one after the other share both, so that a
connection costs a bounded amount of memory, and one descriptor, whatever it sends.
A crash leaves nothing.
"""

import zlib
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol, TypeVar

from imapbox.disk.driver import Driver
from imapbox.disk.failures import of_spool
from imapbox.disk.steps import Steps, close, open_unnamed, pread, pwrite

T = TypeVar("T")

MEMORY_LIMIT: Final = 256 * 1024
PIECE: Final = 1024 * 1024
# No less is written at a time, but at a message's end.
_LEAST: Final = 64 * 1024
_DIGEST_SIZE: Final = 16


class Content:
    """A whole message, ready to be stored in any number of mailboxes.

    Attributes:
        octets: All of them, if they are in memory; else none.
        size: In octets.
        crc: CRC-32 of all octets.
        card: What was found in it, to be stored beside it; opaque here. It may be
            left out: it can be found again.
    """

    def __init__(
        self,
        octets: bytes,
        size: int,
        crc: int,
        spooled: "_Stretch | None",
        card: bytes = b"",
    ) -> None:
        self.octets = octets
        self.size = size
        self.crc = crc
        self.card = card
        self._spooled = spooled

    @property
    def digest(self) -> bytes:
        """Return BLAKE2b-128 of all octets."""
        if self._spooled is None:
            return blake2b(self.octets, digest_size=_DIGEST_SIZE).digest()
        return self._spooled.digest

    @property
    def in_memory(self) -> bool:
        """Say whether `octets` is all of it."""
        return self._spooled is None

    def read(self, size: int, offset: int) -> Steps[bytes]:
        """Return octets from the middle: all that were asked for."""
        if self._spooled is None:
            return self.octets[offset : offset + size]
        # Behind it lies another message.
        size = max(0, min(size, self.size - offset))
        return (yield from self._spooled.file.read(size, self._spooled.offset + offset))

    async def beginning(self) -> bytes:
        """Return the first octets, at most 256 KiB of them.

        Raises:
            MailError: They can't be read.
        """
        if self._spooled is None:
            return self.octets
        self.hold()
        reading = self.read(MEMORY_LIMIT, 0)
        return await _told(self._spooled.file.driver.run(reading, self.release))

    def hold(self) -> None:
        """Keep the octets, though `discard` is called, until `release`."""
        if self._spooled is not None:
            self._spooled.file.users += 1

    def release(self) -> None:
        """End a `hold`."""
        if self._spooled is not None:
            self._spooled.file.leave()

    def discard(self) -> None:
        """Give the octets back once nobody holds them."""
        self.release()


class _File:
    """The nameless file, closed when its last user leaves.

    Attributes:
        driver: Of whoever reads it.
        users: How many there are.
        end: What comes next is written there.
    """

    def __init__(self, driver: Driver, directory: str) -> None:
        self.driver = driver
        self.users = 0
        self.end = 0
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
            self.driver.give_back(close(self._fd))


class _Stretch(NamedTuple):
    """Where in a file a message lies, and its BLAKE2b-128."""

    file: _File
    offset: int
    digest: bytes


async def _told(work: Awaitable[T]) -> T:
    try:
        return await work
    except OSError as error:
        raise of_spool(error) from error


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


class _Coming:
    """A message of which not all is there yet."""

    def __init__(self, examiner: Examiner) -> None:
        self.crc = 0
        self.unwritten = bytearray()
        self.offset: int | None = None
        self._examiner = examiner
        self._digest = blake2b(digest_size=_DIGEST_SIZE)

    def write(self, file: _File, data: bytes, offset: int) -> Steps[None]:
        yield from file.write(data, offset)
        self._digest.update(data)
        self._examiner.feed(data)

    def examine(self, octets: bytes) -> Steps[bytes]:
        """Look at the last octets; return what was found in all."""
        self._examiner.feed(octets)
        yield from ()
        return self._examiner.finish()

    def examine_if_quick(self, octets: bytes) -> bytes | None:
        """Do the same at once, if that takes no time to speak of."""
        if not self._examiner.is_quick(octets):
            return None
        self._examiner.feed(octets)
        return self._examiner.finish()

    def stretch_of(self, file: _File | None) -> _Stretch | None:
        if file is None or self.offset is None:
            return None
        return _Stretch(file, self.offset, self._digest.digest())


class Spool:
    """Takes in messages, one after the other, piece by piece.

    Those that are in memory take 256 KiB together. What comes takes what they left
    of that, or 64 KiB, before it is written. All others are in one file, which is
    closed when they were discarded.

    Args:
        driver: Writes what is too much for the memory, and runs the examiners
            where that takes its time.
        directory: For the nameless file.
        examiner: Makes one for each message, which looks at what comes.

    Attributes:
        size: Of the message that comes, so far.
    """

    def __init__(
        self, driver: Driver, directory: str, examiner: Callable[[], Examiner] = Blind
    ) -> None:
        self._new_examiner = examiner
        self._driver = driver
        self._directory = directory
        self._room = MEMORY_LIMIT
        self._file: _File | None = None
        self._begin()

    async def write(self, data: bytes) -> None:
        """Take ``data`` in. Call it again only when it has returned.

        Raises:
            MailError: The file could not be written.
        """
        coming = self._coming
        self.size += len(data)
        coming.crc = zlib.crc32(data, coming.crc)
        coming.unwritten += data
        if len(coming.unwritten) > max(self._room, _LEAST):
            await self._flush()

    async def finish(self) -> Content:
        """Return the message that was written; the next one may be.

        Raises:
            MailError: The file could not be written.
        """
        coming = self._coming
        left = len(coming.unwritten)
        if left and (coming.offset is not None or left > self._room):
            await self._flush()
        octets = bytes(coming.unwritten)
        card = None
        if coming.offset is None:
            card = coming.examine_if_quick(octets)
        if card is None:
            card = await _told(self._driver.run(coming.examine(octets)))
        self._room -= len(octets)
        content = Content(
            octets,
            self.size,
            coming.crc,
            coming.stretch_of(self._file),
            card,
        )
        self._begin()
        return content

    def discard(self) -> None:
        """Throw away the message that comes. May be called at any time."""
        if self._file is not None and self._coming.offset is not None:
            self._file.leave()
            # Some of it may just be written: nothing else goes there.
            self._file = None
        self._begin()

    def _begin(self) -> None:
        self.size = 0
        self._coming = _Coming(self._new_examiner())

    async def _flush(self) -> None:
        coming = self._coming
        data = bytes(coming.unwritten)
        coming.unwritten.clear()
        file = self._file
        if file is None or not file.users:
            file = self._file = _File(self._driver, self._directory)
        if coming.offset is None:
            coming.offset = file.end
            file.users += 1
        offset = file.end
        file.end += len(data)
        file.users += 1
        # It leaves when the write has ended, which may be after a cancellation.
        await _told(self._driver.run(coming.write(file, data, offset), file.leave))


class MemoryContent(Content):
    """A message that is in memory already."""

    def __init__(self, octets: bytes, card: bytes = b"") -> None:
        super().__init__(octets, len(octets), zlib.crc32(octets), None, card)
