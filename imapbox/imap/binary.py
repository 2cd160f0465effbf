"""A part with its transfer encoding undone, of any size, in bounded memory.

How many octets there will be must be said before the first of them, and whether
a NUL is among them. So what is large is decoded twice: once to count, and once to
send, piece by piece in the threads that read.

See Also:
    RFC 3516 §4 (BINARY), RFC 9051 §6.4.5.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

from imapbox.imap.octets import Octets
from imapbox.imap.parts import Encoded
from imapbox.mailbox.cards import READ
from imapbox.mime.decode import TransferDecoder, open_transfer_decoder

# What is not larger is decoded at once, and kept until it was sent.
_SMALL: Final = 32 * 1024


class Measure(NamedTuple):
    """What must be known before the first octet is sent.

    Attributes:
        size: How many there are.
        has_nul: Whether a NUL is among them.
    """

    size: int
    has_nul: bool


class Decoded:
    """The decoded octets of a part, or those from one to another.

    Args:
        octets: The message.
        encoded: The part.
        wanted: Which of the decoded octets; it may go beyond the last of them.

    Raises:
        UnknownCTE: There is nothing that decodes it.
    """

    def __init__(self, octets: Octets, encoded: Encoded, wanted: range) -> None:
        open_transfer_decoder(encoded.encoding)
        self._octets = octets
        self._extent = encoded.extent
        self._encoding = encoded.encoding
        self._wanted = wanted
        self._whole: bytes | None = None

    async def measure(self, pause: Callable[[], Awaitable[None]]) -> Measure:
        """Find out what `pieces` will yield.

        Args:
            pause: Awaited between two pieces.

        Raises:
            MessageGone: The octets are there no longer.
        """
        if len(self._extent) <= _SMALL:
            pieces = [piece async for piece in self._decode()]
            self._whole = b"".join(pieces)
            return Measure(len(self._whole), b"\0" in self._whole)
        size, has_nul = 0, False
        async for piece in self._decode():
            size += len(piece)
            has_nul = has_nul or b"\0" in piece
            await pause()
        return Measure(size, has_nul)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the octets, at most about 256 KiB at a time.

        Raises:
            MessageGone: They are there no longer.
        """
        if self._whole is not None:
            yield self._whole
            return
        async for piece in self._decode():
            yield piece

    async def _decode(self) -> AsyncIterator[bytes]:
        decoder = open_transfer_decoder(self._encoding)
        passed = 0
        for at in range(self._extent.start, self._extent.stop, READ):
            size = min(READ, self._extent.stop - at)
            is_last = at + size == self._extent.stop
            work = decoder.feed if not is_last else _Last(decoder)
            piece = await self._octets.read_through(at, size, work)
            first = max(0, self._wanted.start - passed)
            yield piece[first : max(0, self._wanted.stop - passed)]
            passed += len(piece)
            if passed >= self._wanted.stop:
                return


class _Last:
    """Decodes the last piece."""

    def __init__(self, decoder: TransferDecoder) -> None:
        self._decoder = decoder

    def __call__(self, octets: bytes) -> bytes:
        return self._decoder.feed(octets) + self._decoder.finish()
