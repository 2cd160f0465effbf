"""Telling what is asked of messages, row by row. RFC 9051 §7.5.2.

What is in the index is told row by row; what is in cards, for many messages at a
time; octets are read for many small messages at a time, and in pieces for large
ones. All is told in the order in which it was asked for, at the client's speed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from imapbox.imap.answers import Refused
from imapbox.imap.facts import fact, makes_cards, needs_card
from imapbox.imap.octet_rows import OctetRows
from imapbox.imap.session import BATCH, Session
from imapbox.imap.settings import SLICE
from imapbox.imap.withheld import refuse_withheld
from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.messages import Message
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.fetch_items import (
    BinaryItem,
    BinarySizeItem,
    FetchAtt,
    FetchItem,
)

# A part is decoded from its beginning each time that some of it is asked for.
_MOST_DECODED: Final = 16


def check_parts(items: Sequence[FetchItem]) -> None:
    """See that not one part is to be decoded again and again.

    Raises:
        Refused: One is (LIMIT).
    """
    parts = [
        item.part for item in items if isinstance(item, BinaryItem | BinarySizeItem)
    ]
    if parts and max(Counter(parts).values()) > _MOST_DECODED:
        raise Refused("One part is asked for too often at once.", codes.LIMIT)


async def tell_rows(
    session: Session, items: Sequence[FetchItem], messages: Iterator[Message]
) -> None:
    """Tell these items of these messages.

    Raises:
        MessageGone, MessageDamaged: Something was expunged, or is not what was
            stored; all else has been told.
        Refused: Some parts could not be decoded; all else has been told.
    """
    atts = [item for item in items if isinstance(item, FetchAtt)]
    if len(atts) < len(items):
        await OctetRows(session, items).tell(messages)
    elif any(map(needs_card, atts)):
        await _tell_cards(session, atts, messages)
    else:
        await _tell_columns(session, atts, messages)


async def _tell_columns(
    session: Session, items: Sequence[FetchAtt], messages: Iterator[Message]
) -> None:
    selection = session.selection
    facts = [fact(selection, item) for item in items]
    output = session.output
    while batch := list(islice(messages, BATCH)):
        rows = [
            selection.row(each, [tell(each, None) for tell in facts]) for each in batch
        ]
        session.tell_keywords()
        output.write(b"".join(rows))
        await output.room()


async def _tell_cards(
    session: Session, items: Sequence[FetchAtt], messages: Iterator[Message]
) -> None:
    selection = session.selection
    facts = [fact(selection, item) for item in items]
    output = session.output
    withheld = []
    make = makes_cards(items)
    for batch in in_batches(messages, lambda message: message.card_size):
        cards = await read_cards(selection.mailbox, batch, make=make)
        for message, card in zip(batch, cards, strict=True):
            if card is None and make:
                withheld.append(message.uid)
                continue
            row = selection.row(message, [tell(message, card) for tell in facts])
            session.tell_keywords()
            # Of some messages an envelope is megabytes.
            for at in range(0, len(row), SLICE):
                output.write(row[at : at + SLICE])
                await output.room()
    refuse_withheld(selection.mailbox, withheld)
