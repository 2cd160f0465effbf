"""Cards: what is found in a message, made once, while it comes.

A card is an accelerator. Whatever goes wrong with one costs time and never the
message: where none was stored, or the stored one can't be read, it is made again
from the octets when somebody asks.
"""

import zlib
from functools import partial
from typing import Final

from twisted.logger import Logger

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import PIECE
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.segment import segment_name
from imapbox.mime.card import make_card
from imapbox.mime.scanner import Scanner
from imapbox.mime.structure import Part

# What is cheaper than these is looked at between two turns of the reactor: it
# takes a fraction of a millisecond, and at most a few of them.
_QUICK_HEADER: Final = 16 * 1024
_QUICK_BOUNDARIES: Final = 64


class CardMaker:
    """Makes the card of one message. See `disk.spool.Examiner`."""

    _log = Logger()

    def __init__(self) -> None:
        self._scanner = Scanner()
        self._broken = False

    def is_quick(self, octets: bytes) -> bool:
        """Say whether ``octets``, a whole message, take no time to speak of."""
        header_end = octets.find(b"\n\r\n", 0, _QUICK_HEADER)
        few = octets.count(b"\n--") <= _QUICK_BOUNDARIES
        return few and (header_end >= 0 or len(octets) <= _QUICK_HEADER)

    def feed(self, octets: bytes) -> None:
        """Look at the next octets."""
        if not self._broken:
            try:
                self._scanner.feed(octets)
            except Exception:  # noqa: BLE001 - logged
                self._fail()

    def finish(self) -> bytes:
        """Return the card; nothing if there is none."""
        if not self._broken:
            try:
                return make_card(self._scanner.finish())
            except Exception:  # noqa: BLE001 - logged
                self._fail()
        return b""

    def _fail(self) -> None:
        # A bug of ours must cost the card, never the message.
        self._broken = True
        self._log.failure("a message could not be taken apart")


def card_of_octets(octets: bytes) -> bytes:
    """Make the card of a whole message, our own header lines left out.

    What can't be taken apart is one opaque part.
    """
    maker = CardMaker()
    maker.feed(octets)
    return maker.finish() or _opaque(len(octets))


def card_of_stored(directory: str, place: Place) -> Steps[bytes | None]:
    """Make the card of a stored message; None if its octets are gone.

    What can't be taken apart is one opaque part.
    """
    path = f"{directory}/{segment_name(place.segment)}"
    try:
        return (
            yield from steps.opened(
                path, Mode.READ, partial(_card_of_stored, place=place)
            )
        )
    except FileNotFoundError:
        return None


def _card_of_stored(fd: int, place: Place) -> Steps[bytes | None]:
    maker = CardMaker()
    crc = 0
    at, end = place.offset + place.header_size, place.offset + place.size
    while at < end:
        octets = yield from steps.pread(fd, min(PIECE, end - at), at)
        if not octets:
            return None
        crc = zlib.crc32(octets, crc)
        maker.feed(octets)
        at += len(octets)
    if crc != place.content_crc:
        return None
    return maker.finish() or _opaque(place.size - place.header_size)


def _opaque(size: int) -> bytes:
    return make_card(Part(range(0), range(size), is_message=True, opaque=True))
