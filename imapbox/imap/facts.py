"""What FETCH tells of a message without reading its octets.

Some of it is in the index, and some on the message's card.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from imapbox.imap.selection import Selection
from imapbox.mailbox.messages import Message
from imapbox.mime.message_ids import thread_id
from imapbox.model.message import InternalDate
from imapbox.wire.imap import responses
from imapbox.wire.imap.fetch_items import FetchAtt
from imapbox.wire.imap.object_ids import emailid, threadid

# Of a message and its card; the latter is not looked at unless `needs_card`, and
# may be None unless `makes_cards`.
Fact = Callable[[Message, Any], bytes]

_IN_INDEX: Final[Mapping[FetchAtt, Fact]] = {
    FetchAtt.UID: lambda message, _: responses.uid_item(message.uid),
    FetchAtt.SIZE: lambda message, _: responses.size_item(message.size),
    FetchAtt.MODSEQ: lambda message, _: responses.modseq_item(message.modseq),
    FetchAtt.INTERNALDATE: lambda message, _: responses.internaldate_item(
        InternalDate(message.date, message.zone)
    ),
    FetchAtt.EMAILID: lambda message, _: responses.objectid_item(
        b"EMAILID", emailid(message.emailid)
    ),
    FetchAtt.SAVEDATE: lambda message, _: responses.savedate_item(
        InternalDate(message.savedate, 0)
    ),
}
_ON_CARD: Final[Mapping[FetchAtt, Fact]] = {
    FetchAtt.THREADID: lambda _, card: responses.objectid_item(
        b"THREADID", threadid(thread_id(card))
    ),
    FetchAtt.ENVELOPE: lambda _, card: b"ENVELOPE " + card.envelope,
    FetchAtt.BODY: lambda _, card: b"BODY " + card.body,
    FetchAtt.BODYSTRUCTURE: lambda _, card: b"BODYSTRUCTURE " + card.bodystructure,
    FetchAtt.PREVIEW: lambda _, card: responses.preview_item(card.preview),
    FetchAtt.PREVIEW_LAZY: lambda _, card: responses.preview_item(
        None if card is None else card.preview
    ),
}


def needs_card(item: FetchAtt) -> bool:
    """Say whether an item is on the card."""
    return item in _ON_CARD


def makes_cards(items: Iterable[FetchAtt]) -> bool:
    """Say whether a card is to be made where none is stored: RFC 8970 §4.1."""
    return any(needs_card(item) and item is not FetchAtt.PREVIEW_LAZY for item in items)


def fact(selection: Selection, item: FetchAtt) -> Fact:
    """Return what words an item of a message."""
    if item is FetchAtt.FLAGS:
        return lambda message, _: selection.flags_item(message)
    return _IN_INDEX.get(item) or _ON_CARD[item]
