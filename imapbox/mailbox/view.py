"""What one client was told of a mailbox, and what to tell it next.

`sync` is a function of a view and of what changed since; its cost is that of
the changes, not of the mailbox. Only where these are not kept any more, the view
is compared with the mailbox. Views share their arrays.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.changes import Changed
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.uid_ranges import Bounds
from imapbox.index.uid_roll import Uids
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid
from imapbox.model.uid_arrays import NO_UIDS, without

_NO_PLACES: Final = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The messages a client has been told of.

    Attributes:
        uids: Number 0 of them is sequence number 1. Never changes.
        next_change: The number of the first change that was not looked at.
        modseq: What changed flags up to this modseq, it was told.
        keywords: Of so many keywords it was told.
        gone: UIDs of messages that are gone, of which it is told when positions
            may move. Until then, it is not told of new messages either.
    """

    uids: Uids
    next_change: int
    modseq: ModSeq
    keywords: int
    gone: NDArray[np.uint32] = field(default_factory=lambda: NO_UIDS)

    @classmethod
    def of(cls, state: MailboxState) -> "View":
        """Return the view of a client who was told all."""
        return cls(
            state.roll.now,
            state.changes.next,
            state.counts.modseq,
            len(state.facts.keywords),
        )

    @property
    def waits(self) -> bool:
        """Say whether it is to be told that messages are gone."""
        return bool(len(self.gone))

    def has_read(self, state: MailboxState) -> bool:
        """Say whether all changes were looked at."""
        return self.next_change == state.changes.next

    def knows_all(self, state: MailboxState) -> bool:
        """Say whether there is nothing to tell."""
        return self.has_read(state) and not self.waits

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
    told: Collection[ModSeq] = frozenset(),
) -> News:
    """Say what happened since ``view``.

    Args:
        view: What the client was told.
        state: What is.
        may_expunge: False while positions must not move (RFC 9051 §7.5.1). If
            a message is gone, nothing is told then but flags of the others:
            what came later has no position yet.
        told: Modseqs of flag changes that the client knows of already. They
            don't count where some of what changed since is not kept any more.
    """
    fresh = state.changes.since(view.next_change)
    dead = _dead(view, state, fresh)
    waits = bool(len(dead)) and not may_expunge
    new = View.of(state)
    if waits:
        new = replace(new, uids=view.uids, gone=dead)
    return News(
        new,
        # Highest first, so that no number moves one still to be told.
        _NO_PLACES if waits else view.uids.places_of(dead)[::-1] + 1,
        without(_flagged(view, state, fresh, told), dead),
        grown=not waits and len(new) > len(view) - len(dead),
        keywords=new.keywords > view.keywords,
    )


def _dead(
    view: View, state: MailboxState, fresh: Sequence[Changed] | None
) -> NDArray[np.uint32]:
    """Return the UIDs of messages that the client knows and that are gone."""
    if fresh is None:
        return view.uids.gone_in(state.roll.now)
    expunged = [change.expunged for change in fresh if len(change.expunged)]
    if not expunged:
        return view.gone
    return view.uids.among(np.sort(np.concatenate([view.gone, *expunged])))


def _flagged(
    view: View,
    state: MailboxState,
    fresh: Sequence[Changed] | None,
    told: Collection[ModSeq],
) -> NDArray[np.uint32]:
    """Return the UIDs of messages whose flags changed."""
    if fresh is None:
        # Nobody knows any more who else changed what the client changed.
        return view.uids.among(state.columns.uids_changed_since(view.modseq))
    flagged = [
        uids for change in fresh if change.modseq not in told for uids in change.flagged
    ]
    return view.uids.within(Bounds.union(flagged))
