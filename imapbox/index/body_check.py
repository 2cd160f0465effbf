"""Checking the octets of a large message, of which only some are read."""

import zlib
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.segment import segment_name

# Some milliseconds of a thread, and what is held of it at a time.
_AT_ONCE: Final = 4 * 1024 * 1024
_PIECE: Final = 256 * 1024


class BodyCheck:
    """Compares a message with its CRCs, a piece at a time.

    Args:
        directory: Of the log.
        place: Where the message lies.
    """

    def __init__(self, directory: str, place: Place) -> None:
        self._place = place
        self._path = f"{directory}/{segment_name(place.segment)}"
        self._at = 0
        self._header_crc = self._content_crc = 0

    def go_on(self) -> Steps[bool | None]:
        """Read on; say whether the message is what was stored, None if yet unknown."""
        try:
            is_whole = yield from steps.opened(self._path, Mode.READ, self._read)
        except FileNotFoundError:
            return False
        if not is_whole:
            return False
        if self._at < self._place.size:
            return None
        found = self._header_crc, self._content_crc
        return found == (self._place.header_crc, self._place.content_crc)

    def _read(self, fd: int) -> Steps[bool]:
        """Take in what one turn reads; say whether there was as much."""
        place = self._place
        end = min(self._at + _AT_ONCE, place.size)
        while self._at < end:
            size = min(_PIECE, end - self._at)
            octets = yield from steps.pread(fd, size, place.offset + self._at)
            if not octets:
                return False
            view = memoryview(octets)
            own = max(0, place.header_size - self._at)
            self._header_crc = zlib.crc32(view[:own], self._header_crc)
            self._content_crc = zlib.crc32(view[own:], self._content_crc)
            self._at += len(octets)
        return True
