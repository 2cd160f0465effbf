"""Items of a FETCH that hold octets of one message, ready to be told.

Everything that can go wrong is found out when an answer is made; what remains is
the telling, which must not fail any more: a literal that was announced can't be
taken back.

A NUL has no place in what IMAP sends (RFC 9051 §4.3.1) but for the literal8 of
BINARY. Elsewhere it becomes 0x80, an octet that means as little, so that all sizes
and offsets are true: see docs/decisions/nul-is-0x80.md.
"""

from typing import Final, Protocol

from imapbox.imap.binary import Decoded
from imapbox.imap.octets import Octets
from imapbox.imap.output import Output
from imapbox.imap.sections import cut
from imapbox.imap.settings import SLICE
from imapbox.mailbox.cards import READ
from imapbox.wire.imap import responses
from imapbox.wire.imap.fetch_items import (
    FIELDS,
    BinaryItem,
    BinarySizeItem,
    BodyItem,
)

OctetItem = BodyItem | BinaryItem | BinarySizeItem

_EVERYTHING: Final = range(2**63)


class Answer(Protocol):
    """One item of one message."""

    async def tell(self, output: Output) -> None:
        """Write it.

        Raises:
            MessageGone: Its octets are there no longer.
        """
        ...


class Said:
    """What is known already."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    async def tell(self, output: Output) -> None:
        """See `Answer`."""
        # Of some messages an envelope is megabytes.
        for at in range(0, len(self._words), SLICE):
            output.write(self._words[at : at + SLICE])
            await output.room()


class _Stretch:
    """Octets as they lie in the message."""

    def __init__(self, label: bytes, octets: Octets, extent: range) -> None:
        self._label = label
        self._octets = octets
        self._extent = extent

    async def tell(self, output: Output) -> None:
        output.write(responses.literal_item(self._label, len(self._extent)))
        start, stop = self._extent.start, self._extent.stop
        for at in range(start, stop, READ):
            data = await self._octets.read(at, min(READ, stop - at))
            output.write(_without_nul(data))
            await output.room()


class _Fields:
    """Some fields of a header."""

    def __init__(self, item: BodyItem, octets: Octets, header: range) -> None:
        self._item = item
        self._octets = octets
        self._header = header

    async def tell(self, output: Output) -> None:
        # One after the other: a thousand of them may be asked for.
        item = self._item
        fields = await self._octets.select_fields(
            self._header, item.section, output.room
        )
        here = cut(range(len(fields)), item.partial)
        output.write(responses.literal_item(item.label, len(here)))
        output.write(_without_nul(fields[here.start : here.stop]))


class _DecodedOctets:
    """A part, decoded."""

    def __init__(self, label: bytes, decoded: Decoded) -> None:
        self._label = label
        self._decoded = decoded

    async def tell(self, output: Output) -> None:
        size, has_nul = await self._decoded.measure(output.room)
        begin = responses.literal8_item if has_nul else responses.literal_item
        output.write(begin(self._label, size))
        async for piece in self._decoded.pieces():
            output.write(piece)
            await output.room()


class _DecodedSize:
    """How large a part is when it is decoded."""

    def __init__(self, label: bytes, decoded: Decoded) -> None:
        self._label = label
        self._decoded = decoded

    async def tell(self, output: Output) -> None:
        size, _ = await self._decoded.measure(output.room)
        output.write(responses.number_item(self._label, size))


async def answer_to(item: OctetItem, octets: Octets) -> Answer:
    """Return the answer to one item. What is not there is NIL, and has no octets.

    Raises:
        MessageGone: The octets are there no longer.
        UnknownCTE: The part's transfer encoding is not known.
    """
    if isinstance(item, BodyItem):
        place = await octets.find(item.section)
        if place is None:
            return Said(responses.nil_item(item.label))
        if item.section.text in FIELDS:
            return _Fields(item, octets, place)
        return _Stretch(item.label, octets, cut(place, item.partial))
    return _answer_decoded(item, octets)


def _answer_decoded(item: BinaryItem | BinarySizeItem, octets: Octets) -> Answer:
    encoded = octets.find_encoded(item.part)
    if isinstance(item, BinarySizeItem):
        if encoded is None:
            return Said(responses.number_item(item.label, 0))
        return _DecodedSize(item.label, Decoded(octets, encoded, _EVERYTHING))
    if encoded is None:
        return Said(responses.nil_item(item.label))
    wanted = cut(_EVERYTHING, item.partial)
    return _DecodedOctets(item.label, Decoded(octets, encoded, wanted))


def _without_nul(octets: bytes) -> bytes:
    return octets.replace(b"\0", b"\x80")
