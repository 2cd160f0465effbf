"""What a client's numbers mean for good, while positions move.

RFC 5267 §4.3: sequence numbers in a search program are evaluated at the time when
the command is received. So is "$" (RFC 5182 §2.1).
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.number_sets import runs
from imapbox.mailbox.interfaces import KnownUids
from imapbox.model.criteria import And, Criterion, Fuzzy, HasSeq, HasUid, Not, Or
from imapbox.model.numbers import MAX_UID
from imapbox.model.sequence_set import SAVED, SequenceSet

# What was saved may lie in any number of pieces; so many are kept.
_MOST_RANGES: Final = 1000


class TooScattered(Exception):
    """The messages that "$" stands for lie in too many pieces."""


def settled(
    criterion: Criterion, uids: KnownUids, saved: NDArray[np.uint32]
) -> Criterion:
    """Return what asks for the same messages by their UIDs.

    Args:
        criterion: Not deeper than a command may be.
        uids: That the client knows.
        saved: UIDs for which "$" stands.

    Raises:
        TooScattered: There is a "$", and it stands for too many pieces.
    """
    match criterion:
        case And(parts):
            return And(tuple(settled(part, uids, saved) for part in parts))
        case Or(parts):
            return Or(tuple(settled(part, uids, saved) for part in parts))
        case Not(part) | Fuzzy(part):
            return type(criterion)(settled(part, uids, saved))
        case HasSeq(numbers) | HasUid(numbers) if numbers == SAVED:
            first, last = runs(uids.among(saved))
            if len(first) > _MOST_RANGES:
                raise TooScattered
            return _by_uid(zip(first.tolist(), last.tolist(), strict=True))
        case HasSeq(numbers) | HasUid(numbers):
            by_uid = isinstance(criterion, HasUid)
            return _by_uid((_lasting if by_uid else _uid_ranges)(numbers, uids))
    return criterion


def _uid_ranges(numbers: SequenceSet, uids: KnownUids) -> Iterator[tuple[int, int]]:
    """Yield from which UID to which the messages at some positions reach."""
    for seqs in numbers.resolve(len(uids)):
        first, last = max(seqs.start, 1), min(seqs[-1], len(uids))
        if first <= last:
            yield uids.at(first - 1), uids.at(last - 1)


def _lasting(numbers: SequenceSet, uids: KnownUids) -> Iterator[tuple[int, int]]:
    """Yield UIDs without "*", which is the last message, and stays that one.

    Behind "n:*" no message ends what is meant: what comes is in it, too.
    """
    last = uids.at(len(uids) - 1) if len(uids) else 0
    for ends in numbers.ranges:
        known = [end for end in ends if end is not None]
        if len(known) == 1:
            yield min(*known, last or MAX_UID), MAX_UID
        else:
            low, high = known or (last, last)
            yield low, high


def _by_uid(ranges: Iterator[tuple[int, int]]) -> Criterion:
    named = tuple(ranges)
    # No set has no numbers: of none, nobody is so.
    return HasUid(SequenceSet(named)) if named else Not(And(()))
