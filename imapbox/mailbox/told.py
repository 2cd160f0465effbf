"""What a client was told that may hear of expunges only now and then.

The stock `IMAP4Server` has one place to tell an EXPUNGE: in its answer to
EXPUNGE. Until then a message that others expunged keeps its sequence number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.uid_roll import Uids
from imapbox.model.numbers import NoSuchMessage, Seq, Uid
from imapbox.model.uid_arrays import NO_UIDS

_NO_PLACES: Final = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True)
class Told:
    """The messages by sequence number, with those that are gone untold.

    It holds only what is gone; what is there it shares with other sessions.

    Attributes:
        there: The messages that are there.
        gone: The UIDs of those that are gone, ascending.
    """

    there: Uids
    gone: NDArray[np.uint32] = field(default_factory=lambda: NO_UIDS)
    _places: NDArray[np.intp] = field(default_factory=lambda: _NO_PLACES)

    def __len__(self) -> int:
        return len(self.there) + len(self.gone)

    def learn(self, there: Uids, gone: Iterable[int]) -> "Told":
        """Return what the client knows once it is told of new messages.

        Args:
            there: The messages that are there now.
            gone: The UIDs of those that are there no more.
        """
        ghosts = np.array(sorted({*self.gone.tolist(), *gone}), np.uint32)
        if not len(ghosts):
            return Told(there)
        places = [there.count_below(uid) + n for n, uid in enumerate(ghosts.tolist())]
        return Told(there, ghosts, np.array(places, np.intp))

    def bury(self) -> "tuple[list[int], Told]":
        """Return the positions of what is gone, to be told in this order.

        The highest comes first, so that no number moves one still to be told.
        """
        return (self._places[::-1] + 1).tolist(), Told(self.there)

    def seq_of(self, uid: int) -> Seq:
        """Return the position of a message that the client knows."""
        ghosts_below = int(np.searchsorted(self.gone, np.uint32(uid)))
        return Seq(self.there.count_below(uid) + ghosts_below + 1)

    def uid_at(self, seq: int) -> Uid:
        """Return the UID of the message at position ``seq``.

        Raises:
            NoSuchMessage: ``seq`` is beyond the messages the client knows.
        """
        if not 1 <= seq <= len(self):
            raise NoSuchMessage(seq)
        ghosts_below = int(np.searchsorted(self._places, seq - 1))
        if ghosts_below < len(self.gone) and self._places[ghosts_below] == seq - 1:
            return Uid(int(self.gone[ghosts_below]))
        return Uid(self.there.at(seq - 1 - ghosts_below))

    def uids_at(self, seqs: range) -> range:
        """Return the UIDs between two positions, gone ones among them.

        Raises:
            NoSuchMessage: A position is beyond the messages the client knows.
        """
        if not len(seqs):
            return range(0)
        return range(self.uid_at(seqs[0]), self.uid_at(seqs[-1]) + 1)
