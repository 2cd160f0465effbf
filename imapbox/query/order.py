"""In which order messages come: a string of octets for each, sorted as such.

What several criteria say of a message is put into one string, one behind the
other, each so that octets compare as the messages do; in descending order each
octet is turned round. The last ones are the UID, which decides where nothing
else does, as the sequence number would.

See Also:
    RFC 5256 §2.2 (sent date), §3 (SORT); RFC 5957 §3 (DISPLAY sort value).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from imapbox.mime.card import Card
from imapbox.mime.casemap import collation_key, fold
from imapbox.mime.charsets import decode_bare
from imapbox.mime.encoded_words import decode_words
from imapbox.mime.first_address import AddressField, first_address
from imapbox.model.sorting import SortBy, SortKey

# The keys of a hundred thousand messages take up some ten MiB; where there are
# more, or longer texts, these are compared by fewer octets.
_ROOM: Final = 32 * 1024 * 1024
_LONGEST: Final = 1000
# Of an undecoded name or local part, so many octets are looked at.
_UNDECODED: Final = 4 * 1024
_SHORTEST: Final = 32

_TURNED: Final = bytes(range(255, -1, -1))
_HALF: Final = 2**63


class Row(Protocol):
    """What is known of a message without its card."""

    @property
    def uid(self) -> int:
        """Its UID."""
        ...

    @property
    def date(self) -> int:
        """INTERNALDATE, in seconds since 1970 UTC."""
        ...

    @property
    def size(self) -> int:
        """In octets."""
        ...


def sent(row: Row, card: Card | None) -> int:
    """Return the sent date in seconds since 1970 UTC. RFC 5256 §2.2."""
    date = None if card is None else card.sent
    return row.date if date is None else date.seconds


def _mailbox(field: AddressField) -> Callable[[Card], bytes]:
    def text(card: Card) -> bytes:
        address = first_address(card.envelope, field)
        return b"" if address is None else _collated(address.mailbox or b"")

    return text


def _display(field: AddressField) -> Callable[[Card], bytes]:
    """RFC 5957 §3."""

    def text(card: Card) -> bytes:
        address = first_address(card.envelope, field)
        if address is None:
            return b""
        name = decode_words((address.name or b"")[:_UNDECODED])
        if name:
            return collation_key(fold(name))
        parts = (address.mailbox, address.host)
        return _collated(b"@".join(part for part in parts if part is not None))

    return text


def _collated(octets: bytes) -> bytes:
    return collation_key(fold(decode_bare(octets[:_UNDECODED])))


_NUMBERS: Final[Mapping[SortKey, Callable[[Row, Card | None], int]]] = {
    SortKey.ARRIVAL: lambda row, _: row.date,
    SortKey.DATE: sent,
    SortKey.SIZE: lambda row, _: row.size,
}
_TEXTS: Final[Mapping[SortKey, Callable[[Card], bytes]]] = {
    SortKey.CC: _mailbox(AddressField.CC),
    SortKey.DISPLAYFROM: _display(AddressField.FROM),
    SortKey.DISPLAYTO: _display(AddressField.TO),
    SortKey.FROM: _mailbox(AddressField.FROM),
    SortKey.SUBJECT: lambda card: collation_key(card.base_subject),
    SortKey.TO: _mailbox(AddressField.TO),
}


class Order:
    """Says how messages are sorted.

    Args:
        by: The first criterion decides first.
        count: How many messages are sorted, about.
        relevancy: How relevant each message is, by UID: RFC 6203 §6.

    Attributes:
        needs_cards: Whether that can't be said without their cards.
    """

    def __init__(
        self,
        by: Sequence[SortBy],
        count: int,
        relevancy: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        self._relevancy = relevancy
        self._by: dict[SortKey, bool] = {}
        for each in by:
            # One that comes again decides nothing any more.
            self._by.setdefault(each.key, each.descending)
        self.needs_cards = bool(self._by.keys() & {SortKey.DATE, *_TEXTS})
        texts = len(self._by.keys() & _TEXTS.keys())
        room = _ROOM // max(1, count * texts)
        self._length = min(_LONGEST, max(_SHORTEST, room))

    def key(self, row: Row, card: Card | None) -> bytes:
        """Return octets that compare with others' as the messages do.

        Args:
            row: Of the message.
            card: The message's; None if it is gone, or not needed.
        """
        parts = []
        for key, is_turned in self._by.items():
            part = self._part(key, row, card)
            parts.append(part.translate(_TURNED) if is_turned else part)
        parts.append(row.uid.to_bytes(4))
        return b"".join(parts)

    def _part(self, key: SortKey, row: Row, card: Card | None) -> bytes:
        if key is SortKey.RELEVANCY:
            # The most relevant one is the first.
            return (_HALF - self._relevancy.get(row.uid, 0)).to_bytes(8)
        if key in _NUMBERS:
            return (_NUMBERS[key](row, card) + _HALF).to_bytes(8)
        text = b"" if card is None else _TEXTS[key](card)[: self._length]
        return text.replace(b"\0", b"") + b"\0"


def uids_of(keys: Iterable[bytes]) -> NDArray[np.uint32]:
    """Return the messages' UIDs."""
    octets = b"".join([key[-4:] for key in keys])
    return np.frombuffer(octets, ">u4").astype(np.uint32)
