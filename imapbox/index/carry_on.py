"""Going on with a log of which one has lost sight.

Who was away for days may find the place where he stopped gone: compaction
removed the segment. The log is read anew then. If it is the same mailbox, what
happened meanwhile is the difference between the two states.

The older state may be the one that is not to be trusted, because the snapshot
rotted that it came from. What is needed of it is checked when it is read; if
it is not what was written, nobody can go on with it.
"""

import numpy as np
from numpy.typing import NDArray

from imapbox.index.changes import Changed
from imapbox.index.encoding import ranges_of
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.uid_roll import Uids
from imapbox.model.errors import StoreFailure
from imapbox.model.uid_arrays import union, without


def carry_on(older: MailboxState, newer: MailboxState) -> bool:
    """Let ``newer`` be to all readers what ``older`` was, and what changed since.

    Returns:
        Whether they are of one mailbox. If not, nothing was done: numbers that
        went back, or a UID of another message, mean that the log was replaced.
    """
    try:
        return _is_later(older, newer) and _carry_on(older, newer)
    except StoreFailure:
        return False  # what has to be compared is not what was written


def replace(older: MailboxState, newer: MailboxState) -> bool:
    """Let ``newer`` be to all readers what ``older``, of the same moment, was.

    Returns:
        Whether that can be. If not, nothing was done: a row that a session needs
        can't be read any more.
    """
    try:
        kept = _keep_rows(older, newer, older.changes.gone(older.roll.now))
    except StoreFailure:
        return False
    if kept:
        newer.take_over(older)
    return kept


def _carry_on(older: MailboxState, newer: MailboxState) -> bool:
    before, now = older.roll.now, newer.roll.now
    gone, kept = before.gone_in(now), now.among(_all(before))
    if not _are_the_same(older, newer, kept):
        return False
    if not _keep_rows(older, newer, union(older.changes.gone(before), gone)):
        return False
    rows = newer.columns.rows_of(kept)
    flagged = kept[newer.columns["modseq"][rows] > np.uint64(older.counts.modseq)]
    newer.take_over(older)
    newer.changes.add(
        Changed(
            newer.counts.modseq,
            len(now) - len(kept),
            ranges_of(flagged.tolist()),
            gone,
            len(newer.facts.keywords) > len(older.facts.keywords),
        )
    )
    return True


def _is_later(older: MailboxState, newer: MailboxState) -> bool:
    then, now = older.counts, newer.counts
    known = len(older.facts.keywords)
    return (
        newer.facts.mailbox_id == older.facts.mailbox_id
        and now.uidvalidity == then.uidvalidity
        and now.uidnext >= then.uidnext
        and now.modseq >= then.modseq
        and newer.facts.keywords[:known] == older.facts.keywords
    )


def _are_the_same(
    older: MailboxState, newer: MailboxState, uids: NDArray[np.uint32]
) -> bool:
    """Say whether messages that both know are the same."""
    if not len(uids):
        return True
    before, now = (
        state.columns["emailid"][state.columns.rows_of(uids)]
        for state in (older, newer)
    )
    return bool((before == now).all())


def _keep_rows(
    older: MailboxState, newer: MailboxState, gone: NDArray[np.uint32]
) -> bool:
    """Keep rows of what is gone, for sessions that were not told yet.

    The log says nothing of them any more where compaction removed their segment.
    Without a row, the next message's would be taken for theirs.

    Returns:
        Whether all of them have one.
    """
    lost = without(gone, newer.columns["uid"].all())
    if not len(lost):
        return True
    rows = older.columns.rows_of(lost)
    columns = older.columns
    if not (columns["uid"][rows] == lost).all():
        return False
    kept = zip(rows.tolist(), columns.keywords(rows), columns.places(rows), strict=True)
    for row, keywords, place in kept:
        message = columns.message(row, place, keywords)
        modseq = int(columns["modseq"][row])
        newer.columns.append(message, modseq, place.segment, place.offset)
    newer.columns.put_in_order()
    newer.columns.expunge(ranges_of(lost.tolist()))
    return True


def _all(uids: Uids) -> NDArray[np.uint32]:
    return uids[0 : len(uids)]
