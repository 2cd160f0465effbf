"""Checking the octets of a large message, of which only some are read."""

import zlib
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.segment import segment_name

# Some milliseconds of a thread.
_AT_ONCE: Final = 4 * 1024 * 1024


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
            octets = yield from steps.opened(self._path, Mode.READ, self._read)
        except FileNotFoundError:
            return False
        if not octets:
            return False
        view = memoryview(octets)
        own = max(0, self._place.header_size - self._at)
        self._header_crc = zlib.crc32(view[:own], self._header_crc)
        self._content_crc = zlib.crc32(view[own:], self._content_crc)
        self._at += len(octets)
        if self._at < self._place.size:
            return None
        found = self._header_crc, self._content_crc
        return found == (self._place.header_crc, self._place.content_crc)

    def _read(self, fd: int) -> Steps[bytes]:
        size = min(_AT_ONCE, self._place.size - self._at)
        octets: bytes = yield from steps.pread(fd, size, self._place.offset + self._at)
        return octets
