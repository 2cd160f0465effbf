"""What one client was told of a mailbox, and what to tell it next.

`sync` is a function of a view and of what changed since; its cost is that of
the changes, not of the mailbox. Views share their arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.mailbox_state import Changed, MailboxState
from imapbox.index.uid_roll import Uids
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid

_NO_UIDS: Final = np.zeros(0, np.uint32)
_NO_PLACES: Final = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True)
class View:
    """The messages a client has been told of.

    Attributes:
        uids: Number 0 of them is sequence number 1. Never changes.
        next_change: The number of the first change that it was not told.
    """

    uids: Uids
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
        return Uid(self.uids.at(seq - 1))

    def seq_of(self, uid: Uid) -> Seq | None:
        """Return the position of ``uid``, or None once it is gone."""
        at = self.uids.count_below(uid)
        if at < len(self.uids) and self.uids.at(at) == uid:
            return Seq(at + 1)
        return None

    def positions(self, uids: range) -> slice:
        """Return where in `uids` these UIDs are, those that are there."""
        if not len(uids):
            return slice(0, 0)
        below = self.uids.count_below
        return slice(below(uids.start), below(uids[-1] + 1))


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
    flagged = [
        uids
        for change in changes
        if change.modseq not in told
        for uids in change.flagged
    ]
    return News(
        new,
        # Highest first, so that no number moves one still to be told.
        (gone[::-1] + 1).tolist(),
        view.uids.among(_among(new, flagged)).tolist(),
        grown=len(new) > len(view) - len(gone),
        keywords=any(change.keywords for change in changes),
    )


def _still_in(view: View, changes: Sequence[Changed]) -> NDArray[np.intp]:
    """Return the places in the view of messages that are gone, ascending."""
    gone = [change.expunged for change in changes if len(change.expunged)]
    if not gone:
        return _NO_PLACES
    return view.uids.places_of(np.sort(np.concatenate(gone)))


def _among(view: View, ranges: Sequence[range]) -> NDArray[np.uint32]:
    """Return the UIDs of the view that are in any of the ranges, ascending."""
    if not ranges:
        return _NO_UIDS
    parts = [view.uids[view.positions(uids)] for uids in ranges]
    return np.unique(np.concatenate(parts))
