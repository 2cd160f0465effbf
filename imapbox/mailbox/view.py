"""What one client was told of a mailbox, and what to tell it next.

`sync` is a function of a view and of what changed since; its cost is that of
the changes, not of the mailbox. Views share their arrays.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.mailbox_state import MailboxState
from imapbox.index.uid_ranges import Bounds
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
        next_flags: The first change of which it was not told flags either. It
            is ahead while an EXPUNGE waits for its time.
    """

    uids: Uids
    next_change: int
    next_flags: int = 0

    @property
    def next_news(self) -> int:
        """Return the number of the first change of which it was told nothing."""
        return max(self.next_change, self.next_flags)

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
        flagged: UIDs of messages that it knew and knows, ascending, whose flags
            changed.
        grown: Whether EXISTS is to be told.
        keywords: Whether there are new keywords.
    """

    view: View
    expunged: NDArray[np.intp]
    flagged: NDArray[np.uint32]
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
            a message is gone, nothing is told then but flags of the others:
            what came later has no position yet.
        told: Modseqs of flag changes that the client knows of already.
    """
    changes = state.changes_since(view.next_change)
    expunged = [change.expunged for change in changes if len(change.expunged)]
    dead = np.sort(np.concatenate([_NO_UIDS, *expunged]))
    gone = view.uids.places_of(dead)
    waits = bool(len(gone)) and not may_expunge
    if waits:
        new = View(view.uids, view.next_change, state.next_change)
    else:
        new = View(state.roll.now, state.next_change)
    fresh = state.changes_since(view.next_news)
    flagged = [
        uids for change in fresh if change.modseq not in told for uids in change.flagged
    ]
    return News(
        new,
        # Highest first, so that no number moves one still to be told.
        _NO_PLACES if waits else gone[::-1] + 1,
        _without(view.uids.within(Bounds.union(flagged)), dead),
        grown=not waits and len(new) > len(view) - len(gone),
        keywords=any(change.keywords for change in fresh),
    )


def _without(uids: NDArray[np.uint32], dead: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return ascending UIDs but for those that are in another ascending array."""
    if not len(dead):
        return uids
    places = np.searchsorted(uids, dead)
    there = places < len(uids)
    there[there] = uids[places[there]] == dead[there]
    return np.delete(uids, places[there])
