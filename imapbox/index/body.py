"""Reading the octets of messages."""

import zlib
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import Content
from imapbox.disk.steps import Steps
from imapbox.index.segment import segment_name


class Place(NamedTuple):
    """Where a message's octets lie, and right before them its card.

    Attributes:
        segment: Which segment.
        offset: Of the first octet in it.
        size: Of the whole message.
        header_size: How many of its octets are our own header lines.
        header_crc: CRC-32 of these.
        content_crc: CRC-32 of the others.
        card_size: Of the card; 0: none was stored.
        card_crc: CRC-32 of the card.
    """

    segment: int
    offset: int
    size: int
    header_size: int
    header_crc: int
    content_crc: int
    card_size: int = 0
    card_crc: int = 0

    def is_intact(self, octets: bytes) -> bool:
        """Say whether these are all the message's octets, unchanged."""
        view = memoryview(octets)
        return (
            len(octets) == self.size
            and zlib.crc32(view[: self.header_size]) == self.header_crc
            and zlib.crc32(view[self.header_size :]) == self.content_crc
        )


class StoredContent(Content):
    """The octets of a stored message, behind our own header lines.

    Args:
        fd: The segment, open for as long as this is used.
        place: Where the message lies.
    """

    def __init__(self, fd: int, place: Place) -> None:
        size = place.size - place.header_size
        super().__init__(b"", size, place.content_crc, None)
        self._fd = fd
        self._offset = place.offset + place.header_size

    @property
    def in_memory(self) -> bool:
        """Say that `start` is not all of it."""
        return False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        """Return octets from the middle."""
        wanted = min(size, self.size - offset)
        octets: bytes = yield from steps.pread(self._fd, wanted, self._offset + offset)
        return octets


class Span(NamedTuple):
    """Octets of a message: ``size`` from ``start`` on, fewer at its end."""

    place: Place
    start: int
    size: int


def read_bodies(directory: str, spans: Sequence[Span]) -> Steps[list[bytes | None]]:
    """Return the octets of each span; None where they are gone.

    A message that is read whole is checked against its CRCs, and is gone if it
    is not what was written.
    """
    found: list[bytes | None] = []
    for segment, group in groupby(spans, key=lambda span: span.place.segment):
        here = list(group)
        path = f"{directory}/{segment_name(segment)}"
        try:
            found += yield from steps.opened(
                path, Mode.READ, partial(_read_spans, spans=here)
            )
        except FileNotFoundError:
            found += [None] * len(here)
    return found


def _read_spans(fd: int, spans: Sequence[Span]) -> Steps[list[bytes | None]]:
    octets: list[bytes | None] = []
    for place, start, size in spans:
        wanted = max(0, min(size, place.size - start))
        data = yield from steps.pread(fd, wanted, place.offset + start)
        whole = wanted == place.size
        intact = place.is_intact(data) if whole else len(data) == wanted
        octets.append(data if intact else None)
    return octets
