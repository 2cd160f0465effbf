"""Reading the octets of messages, and their cards."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple, Self, TypeAlias

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.segment import segment_name
from imapbox.model.errors import MessageGone

# A message up to this size is read whole, whatever is asked of it: then its
# CRCs can be checked, at next to no cost.
READ_WHOLE: Final = 32 * 1024
# What lies between two things that are wanted is read along with them where
# that costs less than another call; no call reads more than this for many.
_GAP: Final = 16 * 1024
_AT_ONCE: Final = 256 * 1024


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


class Extent(NamedTuple):
    """Octets of a segment."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """Return where the octets behind them begin."""
        return self.offset + self.size

    @property
    def extent(self) -> Self:
        """Return what is to be read: itself."""
        return self

    def checked(self, octets: bytes) -> bytes | None:
        """Return ``octets`` if they are all of them."""
        return octets if len(octets) == self.size else None


class Span(NamedTuple):
    """Octets of a message: ``size`` from ``start`` on, fewer at its end."""

    place: Place
    start: int
    size: int

    @property
    def extent(self) -> Extent:
        """Return what is to be read."""
        place, start, size = self
        if place.size <= READ_WHOLE:
            return Extent(place.offset, place.size)
        return Extent(place.offset + start, max(0, min(size, place.size - start)))

    def checked(self, octets: bytes) -> bytes | None:
        """Return what was asked for of ``octets``; None if it is not there."""
        place, start, size = self
        wanted = self.extent.size
        if wanted < place.size:
            return octets if len(octets) == wanted else None
        return octets[start : start + size] if place.is_intact(octets) else None


class CardSpan(NamedTuple):
    """The card of a message."""

    place: Place

    @property
    def extent(self) -> Extent:
        """Return what is to be read."""
        size = self.place.card_size
        return Extent(self.place.offset - size, size)

    def checked(self, octets: bytes) -> bytes | None:
        """Return ``octets`` if they are the card."""
        good = zlib.crc32(octets) == self.place.card_crc
        return octets if self.place.card_size and good else None


_Wanted: TypeAlias = Span | CardSpan | Extent


def read_bodies(directory: str, spans: Sequence[Span]) -> Steps[list[bytes | None]]:
    """Return the octets of each span; None where they are gone.

    What is read whole, and all that is up to `READ_WHOLE`, is checked against
    its CRCs, and is gone if it is not what was written.
    """
    return (yield from _read(directory, spans))


def read_cards(directory: str, places: Sequence[Place]) -> Steps[list[bytes | None]]:
    """Return the card of each message; None where there is no good one."""
    return (yield from _read(directory, list(map(CardSpan, places))))


def read_extents(fd: int, extents: Sequence[Extent]) -> Steps[list[bytes]]:
    """Return the octets of each extent of an open segment.

    Raises:
        MessageGone: The segment is shorter.
    """
    found = yield from _read_here(fd, extents)
    whole = [octets for octets in found if octets is not None]
    if len(whole) < len(extents):
        raise MessageGone
    return whole


def _read(
    directory: str, wanted: Sequence[Span | CardSpan]
) -> Steps[list[bytes | None]]:
    found: list[bytes | None] = []
    for segment, group in groupby(wanted, key=lambda each: each.place.segment):
        here = list(group)
        path = f"{directory}/{segment_name(segment)}"
        try:
            found += yield from steps.opened(
                path, Mode.READ, partial(_read_here, wanted=here)
            )
        except FileNotFoundError:
            found += [None] * len(here)
    return found


def _read_here(fd: int, wanted: Sequence[_Wanted]) -> Steps[list[bytes | None]]:
    found: list[bytes | None] = []
    for near in _neighbours(wanted):
        start = near[0].extent.offset
        end = max(each.extent.end for each in near)
        data = yield from steps.pread(fd, end - start, start)
        for each in near:
            offset, size = each.extent
            at = offset - start
            found.append(each.checked(data[at : at + size]))
    return found


def _neighbours(wanted: Iterable[_Wanted]) -> Iterator[list[_Wanted]]:
    """Group what lies so close together that one call reads it all."""
    near: list[_Wanted] = []
    for each in wanted:
        extent = each.extent
        if near:
            start, before = near[0].extent.offset, near[-1].extent.end
            close = before <= extent.offset <= before + _GAP
            if not close or extent.end > start + _AT_ONCE:
                yield near
                near = []
        near.append(each)
    if near:
        yield near
