"""What one client was told of a mailbox, and what to tell it next.

`sync` is a function of a view and of what changed since; its cost is that of
the changes, not of the mailbox. Views share their arrays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.mailbox_state import Changed, MailboxState
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid


@dataclass(frozen=True, slots=True)
class View:
    """The messages a client has been told of.

    Attributes:
        uids: Strictly ascending; ``uids[0]`` is sequence number 1. Never
            changes.
        next_change: The number of the first change that it was not told.
    """

    uids: NDArray[np.uint32]
    next_change: int

    def __len__(self) -> int:
        return len(self.uids)

    def uid_at(self, seq: Seq) -> Uid:
        """Return the UID of the message at position ``seq``.

        Raises:
            NoSuchMessage: ``seq`` is beyond the messages the client knows.
        """
        if not 1 <= seq <= len(self.uids):
            raise NoSuchMessage(seq)
        return Uid(int(self.uids[seq - 1]))

    def seq_of(self, uid: Uid) -> Seq | None:
        """Return the position of ``uid``, or None once it is gone."""
        at = int(np.searchsorted(self.uids, np.uint32(uid)))
        if at < len(self.uids) and self.uids[at] == uid:
            return Seq(at + 1)
        return None

    def positions(self, uids: range) -> slice:
        """Return where in `uids` these UIDs are, those that are there."""
        limit = np.iinfo(np.uint32).max
        if not len(uids) or uids.start > limit:
            return slice(0, 0)
        last = min(uids[-1], limit)
        low = int(np.searchsorted(self.uids, np.uint32(uids.start), "left"))
        high = int(np.searchsorted(self.uids, np.uint32(last), "right"))
        return slice(low, high)


class News(NamedTuple):
    """What a client is to be told.

    Attributes:
        view: What it knows then.
        expunged: Positions, to be told in this order: the highest first.
        flagged: Messages, already in the new view, whose flags changed.
        grown: Whether EXISTS is to be told.
        keywords: Whether there are new keywords.
    """

    view: View
    expunged: Sequence[Seq]
    flagged: Sequence[Uid]
    grown: bool
    keywords: bool


def sync(
    view: View,
    state: MailboxState,
    *,
    may_expunge: bool,
    told: frozenset[ModSeq] | set[ModSeq] = frozenset(),
) -> News:
    """Say what happened since ``view``.

    Args:
        view: What the client was told.
        state: What is.
        may_expunge: False while positions must not move (RFC 9051 §7.5.1). If
            a message is gone, nothing is told then.
        told: Modseqs of flag changes that the client knows of already.
    """
    changes = state.changes_since(view.next_change)
    gone = _still_in(view, changes)
    if len(gone) and not may_expunge:
        return News(view, (), (), grown=False, keywords=False)
    new = View(state.roll.now, state.next_change)
    # Highest first, so that no number moves one still to be told.
    expunged = [Seq(position + 1) for position in reversed(gone)]
    flagged = {
        uid
        for change in changes
        if change.modseq not in told
        for uids in change.flagged
        for uid in _in_both(view, new, uids)
    }
    return News(
        new,
        expunged,
        sorted(flagged),
        grown=len(new) > len(view) - len(expunged),
        keywords=any(change.keywords for change in changes),
    )


def _still_in(view: View, changes: Sequence[Changed]) -> list[int]:
    """Return the places in the view of messages that are gone, ascending."""
    found = []
    for change in changes:
        for uid in change.expunged:
            seq = view.seq_of(Uid(uid))
            if seq is not None:
                found.append(seq - 1)
    return sorted(found)


def _in_both(view: View, new: View, uids: range) -> Iterator[Uid]:
    for uid in new.uids[new.positions(uids)].tolist():
        if view.seq_of(uid) is not None:
            yield uid
