"""Finding messages where the index of them can't be read.

A message's card lies right before its octets, begins with a magic, and says what
is in them. Where a stretch of octets behind a card gives that very card when it is
made anew, it is the message. Nothing else tells a message from what else lies in
a broken segment, so what has no card is not found. Whose it is, that does not say.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from imapbox.mime.card import MAGIC

# The last of the 18 offsets at which a card's sections end.
_END = struct.Struct("<88xI")
_LARGEST_CARD: Final = 64 * 1024 * 1024
# Behind the last octets of a frame: zeros, and a trailer.
_TRAILER: Final = 16
_MOST_ENDS: Final = 4
# So many lines at most are our own.
_MOST_LINES: Final = 12


class FoundBody(NamedTuple):
    """A message that was found.

    Attributes:
        start: Where its first octet lies among those that were searched.
        card: Its card.
        size: Of the message, in octets.
        header_size: How many of these are our own header lines.
        header_crc: Their CRC-32.
        content_crc: Of the other octets.
        emailid: BLAKE2b-128 of all octets.
    """

    start: int
    card: bytes
    size: int
    header_size: int
    header_crc: int
    content_crc: int
    emailid: bytes


def find_bodies(
    octets: bytes, make_card: Callable[[bytes], bytes]
) -> Iterator[FoundBody]:
    """Return the messages among the octets of a gap.

    Args:
        octets: Of the gap.
        make_card: Makes a card of a message, our own header lines left out.
    """
    starts = _cards(octets)
    done = 0
    for number, (at, card) in enumerate(starts):
        if at < done:
            continue
        start = at + len(card)
        later = [each for each, _ in starts[number + 1 :] if each > start]
        ends = [*later[:_MOST_ENDS], _end_of_frame(octets, start)]
        for end in dict.fromkeys(ends):
            found = _matches(octets[start:end], card, make_card)
            if found is not None:
                done = end
                yield _body(start, card, octets[start:end], found)
                break


def _cards(octets: bytes) -> list[tuple[int, bytes]]:
    found = []
    at = octets.find(MAGIC)
    while at >= 0:
        if at + _END.size <= len(octets):
            (size,) = _END.unpack_from(octets, at)
            if _END.size <= size <= min(_LARGEST_CARD, len(octets) - at):
                found.append((at, octets[at : at + size]))
        at = octets.find(MAGIC, at + 1)
    return found


def _end_of_frame(octets: bytes, start: int) -> int:
    """Return where the last message of a frame ends: no message ends with NUL."""
    kept = octets[start : max(start, len(octets) - _TRAILER)].rstrip(b"\0")
    return start + len(kept)


def _matches(
    octets: bytes, card: bytes, make_card: Callable[[bytes], bytes]
) -> int | None:
    """Return how long our own header lines are, if these octets have this card."""
    own = 0
    for _ in range(_MOST_LINES):
        if make_card(octets[own:]) == card:
            return own
        own = octets.find(b"\r\n", own) + 2
        if own <= 1:
            return None
    return None


def _body(start: int, card: bytes, octets: bytes, header_size: int) -> FoundBody:
    return FoundBody(
        start,
        card,
        len(octets),
        header_size,
        zlib.crc32(octets[:header_size]),
        zlib.crc32(octets[header_size:]),
        blake2b(octets, digest_size=16).digest(),
    )
