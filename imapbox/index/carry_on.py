"""Going on with a log of which one has lost sight.

Who was away for days may find the place where he stopped gone: compaction
removed the segment. The log is read anew then. If it is the same mailbox, what
happened meanwhile is the difference between the two states.
"""

import numpy as np
from numpy.typing import NDArray

from imapbox.index.encoding import ranges_of
from imapbox.index.mailbox_state import Changed, MailboxState
from imapbox.index.uid_roll import Uids


def carry_on(older: MailboxState, newer: MailboxState) -> bool:
    """Let ``newer`` be to all readers what ``older`` was, and what changed since.

    Returns:
        Whether they are of one mailbox. If not, nothing was done: numbers that
        went back, or a UID of another message, mean that the log was replaced.
    """
    if not _is_later(older, newer):
        return False
    before, now = older.roll.now, newer.roll.now
    gone = _without(_all(before), now.among(_all(before)))
    kept = _without(_all(before), gone)
    if not _are_the_same(older, newer, kept):
        return False
    rows = newer.columns.rows_of(kept)
    flagged = kept[newer.columns["modseq"][rows] > np.uint64(older.counts.modseq)]
    newer.take_over(older)
    newer.changes.append(
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


def _all(uids: Uids) -> NDArray[np.uint32]:
    return uids[0 : len(uids)]


def _without(
    uids: NDArray[np.uint32], others: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    return uids[~np.isin(uids, others)]
