"""What a full-text index knows of some messages, and what that is worth.

See Also:
    RFC 6203 §4 (relevancy).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.model.uid_arrays import are_among
from imapbox.query.program import NO, UNKNOWN, YES, Answers

_BEST: Final = 100
_WORST: Final = 1


@dataclass(frozen=True, slots=True)
class Matches:
    """The messages that are like something, as far as the index knows.

    Attributes:
        uids: Theirs, ascending.
        scores: How well each was found; greater is better.
        known_up_to: Of messages with a greater UID nothing is known.
    """

    uids: NDArray[np.uint32]
    scores: NDArray[np.float32]
    known_up_to: int

    def answers(self, uids: NDArray[np.uint32]) -> Answers:
        """Say of messages whether they are among them."""
        found = np.where(are_among(uids, self.uids), YES, NO)
        return np.where(uids > self.known_up_to, UNKNOWN, found)

    def scores_of(self, uids: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Return the scores of messages, 0 for those that are not among them.

        What the index did not know was found as it was asked for: none is better.
        """
        best = self.scores.max(initial=1)
        scores = np.where(uids > self.known_up_to, best, np.float32(0))
        if len(self.uids):
            at = np.searchsorted(self.uids, uids).clip(max=len(self.uids) - 1)
            scores = np.where(self.uids[at] == uids, self.scores[at], scores)
        return scores.astype(np.float32)


def relevancy(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return how relevant each message is among all of these: 1 to 100.

    Args:
        scores: Of each, by all fuzzy keys together.
    """
    low, high = scores.min(initial=np.inf), scores.max(initial=0)
    if low >= high:
        return np.full(len(scores), _BEST, np.uint8)
    share = (scores - low) / (high - low)
    percent: NDArray[np.float32] = np.rint(_WORST + share * (_BEST - _WORST))
    return percent.astype(np.uint8)
