"""Which octets of messages are read beforehand, for many messages at a time."""

from collections.abc import Iterator, Sequence
from typing import Final

from imapbox.imap.facts import needs_card
from imapbox.imap.parts import find_encoded, find_section
from imapbox.imap.sections import cut
from imapbox.mailbox.cards import READ
from imapbox.mailbox.messages import Message
from imapbox.mime.card import Card
from imapbox.wire.imap.fetch_items import (
    BinaryItem,
    BinarySizeItem,
    BodyItem,
    FetchAtt,
    FetchItem,
    SectionText,
)

# Most headers are shorter.
HEADER_GUESS: Final = 16 * 1024

_HEADERS: Final = frozenset(
    {
        SectionText.HEADER,
        SectionText.HEADER_FIELDS,
        SectionText.HEADER_FIELDS_NOT,
        SectionText.MIME,
    }
)


class Windows:
    """Knows what is worth reading of a message to answer ``items``.

    Attributes:
        needs_card: Whether that can't be said without the card.
        beyond_headers: Whether more is asked for than headers.
    """

    def __init__(self, items: Sequence[FetchItem]) -> None:
        self._in_parts: list[BodyItem | BinaryItem | BinarySizeItem] = []
        self._reach = 0
        self.needs_card = self.beyond_headers = False
        for item in items:
            if isinstance(item, FetchAtt):
                self.needs_card |= needs_card(item)
                continue
            if isinstance(item, BodyItem) and not item.section.part:
                self._reach = max(self._reach, _reach(item))
            else:
                self._in_parts.append(item)
            of_header = isinstance(item, BodyItem) and item.section.text in _HEADERS
            self.beyond_headers |= not of_header
        self.needs_card |= bool(self._in_parts)

    def of(self, message: Message, card: Card | None) -> range:
        """Return the octets of a message to be read: at most `READ`."""
        extents = [range(min(message.size, self._reach))] if self._reach else []
        if card is not None:
            extents += self._places(message, card)
        start = min((extent.start for extent in extents if extent), default=0)
        stop = max((extent.stop for extent in extents if extent), default=0)
        return range(start, min(stop, start + READ))

    def _places(self, message: Message, card: Card) -> Iterator[range]:
        header_size = message.header_size
        for item in self._in_parts:
            if isinstance(item, BodyItem):
                place = find_section(card, header_size, item.section)
                if place is not None:
                    yield cut(place, item.partial)
            elif encoded := find_encoded(card, header_size, item.part):
                yield encoded.extent


def _reach(item: BodyItem) -> int:
    if item.section.text in _HEADERS:
        return HEADER_GUESS
    if item.partial is not None and item.section.text is SectionText.ALL:
        return min(item.partial.start + item.partial.length, READ)
    return READ
