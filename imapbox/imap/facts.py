"""What FETCH tells of a message without reading its octets.

Some of it is in the index, and some on the message's card.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from imapbox.imap.selection import Selection
from imapbox.mailbox.messages import Message
from imapbox.model.message import InternalDate
from imapbox.wire.imap import responses
from imapbox.wire.imap.fetch_items import FetchAtt

# Of a message and its card; the latter is not looked at unless `needs_card`.
Fact = Callable[[Message, Any], bytes]

_IN_INDEX: Final[Mapping[FetchAtt, Fact]] = {
    FetchAtt.UID: lambda message, _: responses.uid_item(message.uid),
    FetchAtt.SIZE: lambda message, _: responses.size_item(message.size),
    FetchAtt.MODSEQ: lambda message, _: responses.modseq_item(message.modseq),
    FetchAtt.INTERNALDATE: lambda message, _: responses.internaldate_item(
        InternalDate(message.date, message.zone)
    ),
}
_ON_CARD: Final[Mapping[FetchAtt, Fact]] = {
    FetchAtt.ENVELOPE: lambda _, card: b"ENVELOPE " + card.envelope,
    FetchAtt.BODY: lambda _, card: b"BODY " + card.body,
    FetchAtt.BODYSTRUCTURE: lambda _, card: b"BODYSTRUCTURE " + card.bodystructure,
}


def needs_card(item: FetchAtt) -> bool:
    """Say whether an item is on the card."""
    return item in _ON_CARD


def fact(selection: Selection, item: FetchAtt) -> Fact:
    """Return what words an item of a message."""
    if item is FetchAtt.FLAGS:
        return lambda message, _: selection.flags_item(message)
    return _IN_INDEX.get(item) or _ON_CARD[item]
