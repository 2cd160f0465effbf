"""STORE and EXPUNGE: what changes messages.

RFC 9051 §6.4.3, §6.4.6, §6.4.9; RFC 7162 §3.1.3.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Done, Refused
from imapbox.imap.number_sets import runs
from imapbox.imap.progress import in_progress
from imapbox.imap.session import BATCH, Session
from imapbox.model.errors import MailboxReadOnly, MessageGone, TooMuchAtOnce
from imapbox.model.numbers import Uid
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.selected import Expunge, Store
from imapbox.wire.imap.response_codes import ResponseCode
from imapbox.wire.imap.sequence_set import uid_ranges

# Messages that a STORE with UNCHANGEDSINCE may name.
MOST_CONDITIONAL: Final = 100_000
# So many ranges are worded before we look at the clock.
_AT_A_TIME: Final = 4096


async def store(session: Session, command: Store) -> Done:
    """Change flags, and tell what they are then, unless the client knows.

    Raises:
        TooMuchAtOnce: With UNCHANGEDSINCE: who is left alone, one line names.
        MessageGone: Flags are to be told by number, and some of the messages were
            expunged; the others' were changed and told. RFC 2180 §4.2.2, §4.2.3.
    """
    selection = session.selection
    mailbox = selection.mailbox
    if mailbox.read_only:
        raise MailboxReadOnly
    uids = selection.uids(command.messages, by_uid=command.by_uid)
    if command.unchanged_since is not None:
        if len(uids) > MOST_CONDITIONAL:
            raise TooMuchAtOnce
        session.tell_modseqs()
    with in_progress(session, "storing flags"):
        left_alone = await mailbox.set_flags(
            uids, command.change, command.flags, unchanged_since=command.unchanged_since
        )
    there = mailbox.remaining(uids)
    if session.dialect.tells_modseqs:
        await _tell_modseqs(session, command, there, set(left_alone))
    elif not command.silent:
        rows = mailbox.marks_of(there)
        with_uid = session.dialect.tells_uid(by_uid=command.by_uid)
        await session.tell_flags(rows, with_uid=with_uid)
    modified = await _modified(session, command, left_alone) if left_alone else None
    if len(there) < len(uids) and not (command.by_uid or command.silent):
        if modified is not None:
            raise Refused(MessageGone().sentence(), modified)
        raise MessageGone
    return Done("Flags stored.", modified)


async def _modified(
    session: Session, command: Store, left_alone: Sequence[Uid]
) -> ResponseCode:
    numbers = np.array(left_alone, np.uint32)
    if not command.by_uid:
        places = session.selection.mailbox.uids.places_of(numbers)
        numbers = (places + 1).astype(np.uint32)
    written = []
    for ranges in uid_ranges(*runs(numbers), _AT_A_TIME):
        written.append(ranges)
        await session.output.room()
    return codes.modified(written)


async def _tell_modseqs(
    session: Session, command: Store, uids: NDArray[np.uint32], left_alone: set[Uid]
) -> None:
    """Tell modseqs; flags, too, where the client can't know what they are."""
    selection = session.selection
    tells_uid = session.dialect.tells_uid(by_uid=command.by_uid)
    messages = selection.mailbox.messages_of(uids)
    while batch := list(islice(messages, BATCH)):
        session.tell_keywords()
        for message in batch:
            items = [responses.uid_item(message.uid)] if tells_uid else []
            if not command.silent or message.uid in left_alone:
                items.append(selection.flags_item(message))
            items.append(responses.modseq_item(message.modseq))
            session.output.write(selection.row(message, items))
        await session.output.room()


async def expunge(session: Session, command: Expunge) -> Done:
    r"""Remove what is ``\Deleted``; the dispatcher's sync tells what went."""
    selection = session.selection
    uids = None if command.uids is None else selection.resolve_uids(command.uids)
    with in_progress(session, "expunging"):
        await selection.mailbox.expunge(uids)
    return Done("Expunged.", code_then=session.highestmodseq)
