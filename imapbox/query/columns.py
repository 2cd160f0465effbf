r"""What is asked of columns of numbers: flags, sizes, dates, positions.

A search for what is unseen among a million messages takes milliseconds.

See Also:
    RFC 9051 §6.4.4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imapbox.model.criteria import (
    Arrived,
    BodyHas,
    ChangedFrom,
    Criterion,
    HasEmailId,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasUid,
    IsRecent,
    Larger,
    Older,
    Saved,
    Smaller,
    TextHas,
    When,
    Younger,
)
from imapbox.model.numbers import MAX_UID
from imapbox.model.sequence_set import SAVED, SequenceSet
from imapbox.model.uid_arrays import NO_UIDS, are_among

Mask: TypeAlias = NDArray[np.bool_]

_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = 24 * 3600
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """Some messages of a view, side by side, in its order.

    Attributes:
        first_seq: The sequence number of the first one.
        uids: Ascending.
        recent_after: Those with a greater UID are recent to this session.
        column: Returns what is so of each: "flags" (bits of
            `model.flags.Flag`), "date" and "zone" (INTERNALDATE: seconds since
            1970 UTC, minutes east of UTC), "size" (octets), "modseq",
            "savedate" (seconds since 1970 UTC), "emailid" (16 octets).
        keyword: Returns which of them have the keyword of this number.
    """

    first_seq: int
    uids: NDArray[np.uint32]
    recent_after: int
    column: Callable[[str], NDArray[Any]]
    keyword: Callable[[int], Mask]

    def __len__(self) -> int:
        return len(self.uids)

    def seqs(self) -> NDArray[np.uint32]:
        """Return the sequence numbers."""
        return np.arange(
            self.first_seq, self.first_seq + len(self.uids), dtype=np.uint32
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the client's words mean in this mailbox, at this time.

    Attributes:
        exists: The last sequence number.
        last_uid: The last message's UID; 0 if there is none.
        keywords: Names, by number.
        now: Seconds since 1970 UTC.
        saved: UIDs, ascending, for which "$" stands: RFC 5182 §2.1.
    """

    exists: int
    last_uid: int
    keywords: Sequence[str]
    now: int = 0
    saved: NDArray[np.uint32] = field(default_factory=lambda: NO_UIDS, compare=False)


ColumnTest: TypeAlias = Callable[[Facts], Mask]


def column_test(  # noqa: PLR0911 - a table
    criterion: Criterion, bounds: Bounds
) -> ColumnTest | None:
    """Return what says of each message whether it is so.

    None if columns don't tell. The test costs a few passes over the columns;
    what depends on ``bounds`` alone was worked out before.
    """
    match criterion:
        case HasFlag(flag):
            return lambda facts: (facts.column("flags") & np.uint32(flag)) != 0
        case HasKeyword(name):
            return _has_keyword(name, bounds.keywords)
        case IsRecent():
            return lambda facts: facts.uids > facts.recent_after
        case HasSeq() | HasUid():
            return _named(criterion, bounds)
        case Larger() | Smaller() | ChangedFrom() | Older() | Younger():
            return _compared(criterion, bounds.now)
        case Arrived() | Saved():
            return _dated(criterion)
        case HasEmailId(emailid):
            return _has_emailid(emailid)
        case BodyHas("") | TextHas(""):
            # The empty string is in every text.
            return lambda facts: np.ones(len(facts), np.bool_)
    return None


def _compared(
    criterion: Larger | Smaller | ChangedFrom | Older | Younger, now: int
) -> ColumnTest:
    match criterion:
        case Older(seconds):
            return lambda facts: facts.column("date") <= now - seconds
        case Younger(seconds):
            return lambda facts: facts.column("date") >= now - seconds
        case Larger(octets):
            return lambda facts: facts.column("size") > np.uint64(octets)
        case Smaller(octets):
            return lambda facts: facts.column("size") < np.uint64(octets)
        case ChangedFrom(modseq):
            return lambda facts: facts.column("modseq") >= np.uint64(modseq)


def _named(criterion: HasSeq | HasUid, bounds: Bounds) -> ColumnTest:
    match criterion:
        case HasSeq(numbers) | HasUid(numbers) if numbers == SAVED:
            return lambda facts: are_among(facts.uids, bounds.saved)
        case HasSeq(seqs):
            is_seq = _is_in(seqs, bounds.exists)
            return lambda facts: is_seq(facts.seqs())
        case HasUid(uids):
            is_uid = _is_in(uids, bounds.last_uid)
            return lambda facts: is_uid(facts.uids)


def _has_keyword(name: str, keywords: Sequence[str]) -> ColumnTest:
    lowered = [keyword.lower() for keyword in keywords]
    if name.lower() not in lowered:
        return lambda facts: np.zeros(len(facts), np.bool_)
    number = lowered.index(name.lower())
    return lambda facts: facts.keyword(number)


def _is_in(named: SequenceSet, largest: int) -> Callable[[NDArray[np.uint32]], Mask]:
    """Return what says which of ascending numbers are in a set.

    The set is met with them, never enumerated.
    """
    spans = [span for span in named.resolve(largest) if span.start <= MAX_UID]
    lows = np.array([span.start for span in spans], np.uint32)
    highs = np.array([min(span[-1], MAX_UID) for span in spans], np.uint32)

    def test(numbers: NDArray[np.uint32]) -> Mask:
        starts = np.searchsorted(numbers, lows, "left")
        ends = np.searchsorted(numbers, highs, "right")
        hits = starts < ends
        # Spans don't touch, so each step is up by one or down by one.
        steps = np.zeros(len(numbers) + 1, np.int8)
        steps[starts[hits]] += 1
        steps[ends[hits]] -= 1
        mask: Mask = np.cumsum(steps[:-1], dtype=np.int8) > 0
        return mask

    return test


def _dated(criterion: Arrived | Saved) -> ColumnTest:
    when, day = criterion.when, criterion.day

    def test(facts: Facts) -> Mask:
        if isinstance(criterion, Saved):
            return _lies(facts.column("savedate"), when, day)
        # The day as it is written: by the clock of the message's own zone.
        zones = facts.column("zone").astype(np.int64)
        return _lies(facts.column("date") + zones * _MINUTE, when, day)

    return test


def _lies(clock: NDArray[np.int64], when: When, day: date) -> Mask:
    """Say which of some seconds since 1970 lie so to a day."""
    begins = np.int64((day - _EPOCH) // timedelta(seconds=1))
    if when is When.BEFORE:
        return clock < begins
    if when is When.SINCE:
        return clock >= begins
    return (clock >= begins) & (clock < begins + _DAY)


def _has_emailid(emailid: bytes) -> ColumnTest:
    # Octets of no type can't be compared; as two numbers they can.
    wanted = np.frombuffer(emailid, np.uint64)

    def test(facts: Facts) -> Mask:
        halves = np.ascontiguousarray(facts.column("emailid")).view(np.uint64)
        mask: Mask = (halves.reshape(-1, 2) == wanted).all(axis=1)
        return mask

    return test
