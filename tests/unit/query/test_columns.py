"""What columns tell of messages: against the plainest way to say the same."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.criteria import (
    And,
    Arrived,
    BodyHas,
    ChangedFrom,
    Criterion,
    FieldHas,
    HasEmailId,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasUid,
    IsRecent,
    Larger,
    Older,
    Saved,
    Sent,
    Smaller,
    TextHas,
    When,
    Younger,
)
from imapbox.model.flags import FLAG_NAMES
from imapbox.model.message import InternalDate
from imapbox.model.numbers import MAX_UID, ModSeq
from imapbox.model.sequence_set import SequenceSet
from imapbox.query.columns import Bounds, Facts, column_test
from tests.support.criteria import SETS

KEYWORDS = [f"k{number}" for number in range(70)]
DAY = date(2026, 2, 1)
NOON = int(datetime(2026, 2, 1, 12, tzinfo=UTC).timestamp())

# A zero at the end is an octet like any other.
EMAILIDS = [b"a" * 16, b"a" * 15 + b"\0", b"\0" + b"a" * 15]

ROWS = st.lists(
    st.tuples(
        st.integers(1, 40),  # uid
        st.integers(0, 31),  # flags
        st.sampled_from([0, 1, 1 << 63, 1 << 64, 1 << 69]),  # keywords
        st.integers(NOON - 200_000, NOON + 200_000),  # date
        st.integers(-1439, 1439),  # zone
        st.integers(0, 20),  # size
        st.integers(0, 20),  # modseq
        st.integers(NOON - 200_000, NOON + 200_000),  # savedate
        st.sampled_from(EMAILIDS),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
).map(sorted)
DAYS = st.dates(date(2026, 1, 29), date(2026, 2, 4))
CRITERIA = st.one_of(
    st.builds(HasSeq, SETS),
    st.builds(HasUid, SETS),
    st.builds(HasFlag, st.sampled_from(sorted(FLAG_NAMES))),
    st.builds(HasKeyword, st.sampled_from(["K0", "k1", "K63", "k64", "k69", "no"])),
    st.just(IsRecent()),
    st.builds(Larger, st.integers(0, 20)),
    st.builds(Smaller, st.integers(0, 20)),
    st.builds(ChangedFrom, st.integers(0, 20)),
    st.builds(Arrived, st.sampled_from(When), DAYS),
    st.builds(Saved, st.sampled_from(When), DAYS),
    st.builds(HasEmailId, st.sampled_from([*EMAILIDS, b"a" * 14 + b"\0\0"])),
    st.builds(Older, st.integers(1, 400_000)),
    st.builds(Younger, st.integers(1, 400_000)),
)


def facts_of(rows: list[Any], first_seq: int = 1) -> Facts:
    columns = list(zip(*rows, strict=True)) or [()] * 9
    uids, flags, keywords, dates, zones, sizes, modseqs, saved, emailids = columns
    arrays = {
        "flags": np.array(flags, np.uint32),
        "date": np.array(dates, np.int64),
        "zone": np.array(zones, np.int16),
        "size": np.array(sizes, np.uint64),
        "modseq": np.array(modseqs, np.uint64),
        "savedate": np.array(saved, np.int64),
        "emailid": np.array(emailids, "V16"),
    }
    return Facts(
        first_seq=first_seq,
        uids=np.array(uids, np.uint32),
        recent_after=20,
        column=arrays.__getitem__,
        keyword=lambda number: np.array(
            [each >> number & 1 for each in keywords], np.bool_
        ),
    )


def lies(it: date, when: When, day: date) -> bool:
    return {
        When.BEFORE: it < day,
        When.ON: it == day,
        When.SINCE: it >= day,
    }[when]


def is_so(  # noqa: C901, PLR0911, PLR0912 - a table
    criterion: Criterion, seq: int, row: Any, bounds: Bounds
) -> bool:
    """Ask one message."""
    uid, flags, keywords, seconds, zone, size, modseq, saved, emailid = row

    def named(numbers: SequenceSet, number: int, largest: int) -> bool:
        return any(
            min(low, high) <= number <= max(low, high)
            for low, high in (
                (largest if end is None else end for end in ends)
                for ends in numbers.ranges
            )
        )

    match criterion:
        case HasSeq(seqs):
            return named(seqs, seq, bounds.exists)
        case HasUid(uids):
            return named(uids, uid, bounds.last_uid)
        case HasFlag(flag):
            return bool(flags & flag)
        case HasKeyword(name):
            return any(
                keyword.lower() == name.lower() and keywords >> number & 1
                for number, keyword in enumerate(bounds.keywords)
            )
        case IsRecent():
            return uid > 20
        case Larger(octets):
            return size > octets
        case Smaller(octets):
            return size < octets
        case ChangedFrom(least):
            return modseq >= least
        case Older(ago):
            return seconds <= bounds.now - ago
        case Younger(ago):
            return seconds >= bounds.now - ago
        case Arrived(when, day):
            return lies(InternalDate(seconds, zone).local().date(), when, day)
        case Saved(when, day):
            return lies(datetime.fromtimestamp(saved, UTC).date(), when, day)
        case HasEmailId(wanted):
            return emailid == wanted
    raise TypeError(criterion)


@given(ROWS, CRITERIA)
def test_columns_tell_what_is_so(rows: list[Any], criterion: Criterion) -> None:
    """Of each message is told what its flags, dates, size and numbers say."""
    bounds = Bounds(len(rows), rows[-1][0] if rows else 0, KEYWORDS, NOON)
    test = column_test(criterion, bounds)
    assert test is not None
    assert test(facts_of(rows)).tolist() == [
        is_so(criterion, seq, row, bounds) for seq, row in enumerate(rows, start=1)
    ]


@given(ROWS, CRITERIA, st.integers(0, 12))
def test_slices_tell_the_same(rows: list[Any], criterion: Criterion, cut: int) -> None:
    """A view may be looked at slice by slice."""
    bounds = Bounds(len(rows), rows[-1][0] if rows else 0, KEYWORDS)
    test = column_test(criterion, bounds)
    assert test is not None
    behind = facts_of(rows[cut:], cut + 1)
    whole = test(facts_of(rows)).tolist()
    assert [*test(facts_of(rows[:cut])).tolist(), *test(behind).tolist()] == whole


@pytest.mark.parametrize(
    "criterion",
    [And(()), Sent(When.ON, DAY), FieldHas("to", "x"), BodyHas("x"), TextHas("x")],
)
def test_what_columns_do_not_tell(criterion: Criterion) -> None:
    """What a message says itself is in no column."""
    assert column_test(criterion, Bounds(0, 0, ())) is None


@pytest.mark.parametrize(
    ("hour", "zone", "day"), [(12, 0, 1), (0, -1, 31), (23, 60, 2), (0, 1439, 1)]
)
def test_the_day_is_that_of_the_messages_own_clock(
    hour: int, zone: int, day: int
) -> None:
    """ON asks for the day that is written in INTERNALDATE, in its own zone."""
    arrived = int(datetime(2026, 2, 1, hour, tzinfo=UTC).timestamp())
    facts = facts_of([(1, 0, 0, arrived, zone, 1, 1, 0, EMAILIDS[0])])
    month = 1 if day == 31 else 2
    test = column_test(Arrived(When.ON, date(2026, month, day)), Bounds(1, 1, ()))
    assert test is not None
    assert test(facts).tolist() == [True]


def test_the_largest_numbers() -> None:
    """Sizes of 63 bits, UIDs of 32, and years far away are numbers like others."""
    far = timedelta(days=366 * 9000)
    rows = [(MAX_UID, 0, 0, NOON, 1439, 2**63 - 1, 2**63 - 1, NOON, EMAILIDS[0])]
    facts = facts_of(rows)
    for criterion, so in (
        (Larger(2**63 - 1), False),
        (Larger(2**63 - 2), True),
        (Smaller(2**63 - 1), False),
        (ChangedFrom(ModSeq(2**63 - 1)), True),
        (HasUid(SequenceSet(((MAX_UID, None),))), True),
        (HasUid(SequenceSet(((1, MAX_UID),))), True),
        (HasSeq(SequenceSet(((2, MAX_UID),))), False),
        (Arrived(When.SINCE, date.min), True),
        (Arrived(When.BEFORE, date.max), True),
        (Arrived(When.ON, date.min + far), False),
    ):
        test = column_test(criterion, Bounds(1, MAX_UID, ()))
        assert test is not None
        assert test(facts).tolist() == [so]


def test_a_set_costs_what_it_names() -> None:
    """Row 10: a set of thousands of ranges over all numbers is met in one pass."""
    named = SequenceSet(tuple((2 * n, 2 * n) for n in range(1, 2000)))
    uids = np.arange(1, 100_001, dtype=np.uint32)
    test = column_test(HasUid(named), Bounds(100_000, 100_000, ()))
    facts = Facts(1, uids, 0, {}.__getitem__, {}.__getitem__)
    assert test is not None
    assert np.flatnonzero(test(facts)).tolist() == [2 * n - 1 for n in range(1, 2000)]
