"""Streams that are compressed: DEFLATE without a header, both ways.

Nothing that comes in is made longer than who reads it asks for, however well it
was compressed.

See Also:
    RFC 1951 (DEFLATE), RFC 4978 §4 (as IMAP uses it).
"""

import zlib
from typing import Final

from imapbox.wire.errors import StreamBroken

# 64 KiB of memory for each stream that goes out, and 64 KiB of text in 2 ms. With
# all that zlib may take (256 KiB, 4 ms) it gets a tenth smaller.
_LEVEL: Final = 4
_WINDOW_BITS: Final = -13
_MEMORY_LEVEL: Final = 6
# What comes in may need the largest window: 32 KiB.
_LARGEST_WINDOW: Final = -15


class Inflater:
    """Makes octets of what comes, as many at a time as are asked for."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_LARGEST_WINDOW)
        self._unread = b""
        self._has_more = False

    @property
    def buffered(self) -> int:
        """How many octets have come that nobody asked for, as they came."""
        return len(self._unread)

    @property
    def pending(self) -> bool:
        """Whether `next` may have something, or find a mistake."""
        return bool(self._unread) or self._has_more

    def receive(self, data: bytes) -> None:
        """Take in what came."""
        self._unread += data

    def next(self, most: int) -> bytes:
        """Return at most so many octets of what came.

        Raises:
            StreamBroken: It is not compressed, or has ended by its own account.
        """
        try:
            octets = self._stream.decompress(self._unread, most)
        except zlib.error as error:
            raise StreamBroken("compressed stream") from error
        self._unread = self._stream.unconsumed_tail
        # There may be more of what was taken in already.
        self._has_more = len(octets) == most
        if self._stream.eof and not octets:
            raise StreamBroken("compressed stream")
        return octets


class Deflater:
    """Compresses what goes out."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(
            _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL
        )

    def deflate(self, data: bytes) -> bytes:
        """Return ``data`` so that all of it can be read at once."""
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
