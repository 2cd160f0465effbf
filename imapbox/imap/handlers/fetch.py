"""FETCH. RFC 9051 §6.4.5.

What is in the index is told row by row; what is in cards, for many messages at a
time; octets are read for many small messages at a time, and in pieces for large
ones. All is told in the order in which it was asked for, at the client's speed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Done, Refused
from imapbox.imap.facts import fact, makes_cards, needs_card
from imapbox.imap.octet_rows import OctetRows
from imapbox.imap.resync import check_enabled, tell_vanished
from imapbox.imap.selection import Selection
from imapbox.imap.session import BATCH, Session
from imapbox.imap.settings import SLICE
from imapbox.imap.withheld import refuse_withheld
from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.selected import Fetch
from imapbox.wire.imap.fetch_items import (
    BinaryItem,
    BinarySizeItem,
    FetchAtt,
    FetchItem,
)

# A part is decoded from its beginning each time that some of it is asked for.
_MOST_DECODED: Final = 16


async def fetch(session: Session, command: Fetch) -> Done:
    """Tell what is asked of the messages that are named.

    Raises:
        NoSuchMessage: A sequence number is nobody's.
        MessageGone, MessageDamaged: Something was expunged, or is not what was
            stored; all else has been told.
        Refused: Some parts could not be decoded; all else has been told. Or one
            part is to be decoded again and again (LIMIT).
    """
    selection = session.selection
    _check_parts(command.items)
    since = command.since
    if since is not None and since.vanished:
        check_enabled(session)
        within = selection.resolve_uids(command.messages)
        await tell_vanished(session, since.modseq, within)
    if since is not None or FetchAtt.MODSEQ in command.items:
        session.tell_modseqs()
    items = _items(session, command)
    if set(items) - {FetchAtt.UID} == {FetchAtt.FLAGS}:
        # What clients ask of whole mailboxes.
        rows = _marked_rows(selection, command)
        await session.tell_flags(rows, with_uid=FetchAtt.UID in items)
        return Done("Fetched.")
    messages = _messages(selection, command)
    atts = [item for item in items if isinstance(item, FetchAtt)]
    if len(atts) < len(items):
        await OctetRows(session, items).tell(messages)
    elif any(map(needs_card, atts)):
        await _tell_cards(session, atts, messages)
    else:
        await _tell_columns(session, atts, messages)
    return Done("Fetched.")


def _items(session: Session, command: Fetch) -> tuple[FetchItem, ...]:
    """Return what is asked, and what is to be told with it."""
    items: tuple[FetchItem, ...] = command.items
    dialect = session.dialect
    if dialect.tells_uid(by_uid=command.by_uid) and FetchAtt.UID not in items:
        items = (FetchAtt.UID, *items)
    tells_flags = FetchAtt.FLAGS in items and dialect.tells_modseqs
    if (tells_flags or command.since is not None) and FetchAtt.MODSEQ not in items:
        items = (*items, FetchAtt.MODSEQ)
    return items


def _marked_rows(selection: Selection, command: Fetch) -> Iterator[MarkedRow]:
    if command.partial is None:
        return selection.marked_rows(command.messages, by_uid=command.by_uid)
    return selection.mailbox.marks_of(_uids(selection, command))


def _messages(selection: Selection, command: Fetch) -> Iterator[Message]:
    if command.since is None and command.partial is None:
        return selection.messages(command.messages, by_uid=command.by_uid)
    return selection.mailbox.messages_of(_uids(selection, command))


def _uids(selection: Selection, command: Fetch) -> NDArray[np.uint32]:
    """Return which messages are meant: some of them, of these those that changed.

    RFC 9394 §3.3, §3.4.
    """
    uids = selection.uids(command.messages, by_uid=command.by_uid)
    if command.partial is not None:
        uids = uids[command.partial.of(len(uids))]
    if command.since is not None:
        uids = selection.mailbox.changed_since(uids, command.since.modseq)
    return uids


def _check_parts(items: Sequence[FetchItem]) -> None:
    parts = [
        item.part for item in items if isinstance(item, BinaryItem | BinarySizeItem)
    ]
    if parts and max(Counter(parts).values()) > _MOST_DECODED:
        raise Refused("One part is asked for too often at once.", codes.LIMIT)


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
