"""FETCH. RFC 9051 §6.4.5."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Done
from imapbox.imap.fetch_rows import check_parts, tell_rows
from imapbox.imap.resync import check_enabled, tell_vanished
from imapbox.imap.selection import Selection
from imapbox.imap.session import Session
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.wire.imap.commands.selected import Fetch
from imapbox.wire.imap.fetch_items import FetchAtt, FetchItem


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
    check_parts(command.items)
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
    await tell_rows(session, items, _messages(selection, command))
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
