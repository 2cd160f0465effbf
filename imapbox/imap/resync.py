"""What happened while a client was away: QRESYNC. RFC 7162 §3.2.5, §3.2.6."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Final

from imapbox.imap.answers import Mistaken
from imapbox.imap.session import BATCH, Session
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.model.numbers import ModSeq
from imapbox.wire.imap import responses
from imapbox.wire.imap.select_parameters import Resync
from imapbox.wire.imap.sequence_set import uid_ranges

# Ranges in one response: a line of some 10 KB at most.
_MOST_RANGES: Final = 500
# So many pairs of a number and a UID are compared; a client names a dozen.
_MOST_PAIRS: Final = 10_000


def check_enabled(session: Session) -> None:
    """Raise `Mistaken` unless the client said that it knows QRESYNC."""
    if not session.dialect.tells_vanished:
        raise Mistaken("ENABLE QRESYNC comes first.")


async def tell_what_happened(session: Session, resync: Resync) -> None:
    """Tell who went and whose flags changed since the client was here."""
    mailbox = session.selection.mailbox
    if mailbox.uidvalidity != resync.uidvalidity:
        return  # what it knows is of another mailbox
    every = (range(1, mailbox.uidnext),)
    wanted = every if resync.uids is None else resync.uids.resolve(0)
    unknown = _behind(wanted, _known(resync, mailbox))
    await tell_vanished(session, resync.modseq, unknown)
    uids = mailbox.uids_by_uid(wanted)
    changed = mailbox.changed_since(uids, resync.modseq)
    messages = mailbox.messages_of(changed)
    while batch := list(islice(messages, BATCH)):
        for message in batch:
            session.output.write(session.selection.flags_row(message))
        await session.output.room()


async def tell_vanished(
    session: Session, modseq: ModSeq, within: Sequence[range]
) -> None:
    """Tell the UIDs that vanished since ``modseq``, and that are among these."""
    if not within:
        return
    first, last = session.selection.mailbox.vanished_since(modseq, within)
    for uids in uid_ranges(first, last, _MOST_RANGES):
        session.output.write(responses.vanished(uids, earlier=True))
        await session.output.room()


def _known(resync: Resync, mailbox: SelectedMailbox) -> int:
    """Return the UID up to which the client knows of all that went; 0 for none.

    That is where its sequence numbers are still right: RFC 7162 §3.2.5.2.
    """
    if resync.seqs_then is None or resync.uids_then is None:
        return 0
    seqs = chain.from_iterable(resync.seqs_then.resolve(0))
    uids = chain.from_iterable(resync.uids_then.resolve(0))
    known = 0
    for seq, uid in islice(zip(seqs, uids, strict=False), _MOST_PAIRS):
        if seq > mailbox.exists or mailbox.uids.at(seq - 1) != uid:
            break
        known = uid
    return known


def _behind(ranges: Sequence[range], uid: int) -> list[range]:
    """Return what of these ranges is greater than ``uid``."""
    behind = [range(max(each.start, uid + 1), each.stop) for each in ranges]
    return [each for each in behind if len(each)]
