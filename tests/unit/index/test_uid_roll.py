import tracemalloc
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.uid_roll import PIECE, UidRoll, Uids
from imapbox.model.uid_arrays import few_without

# What happens: so many arrive, or those in a range go.
events = st.lists(
    st.integers(1, 20) | st.tuples(st.integers(1, 200), st.integers(1, 60)),
    min_size=5,
)


pieces = st.sampled_from([1, 3, 16, PIECE])
asked = st.sets(st.integers(0, 300), max_size=20)


@given(events, pieces, asked)
def test_a_roll_is_a_sorted_list(events: list, piece: int, asked: set[int]) -> None:
    """Appended and removed UIDs leave what a list of them would hold."""
    roll, model, uid = UidRoll(piece), [], 1
    for event in events:
        if isinstance(event, int):
            for _ in range(event):
                roll.append(uid)
                model.append(uid)
                uid += 2
        else:
            uids = range(event[0], event[0] + event[1])
            gone = roll.remove([uids]).tolist()
            assert gone == [one for one in model if one in uids]
            model = [one for one in model if one not in uids]
        assert roll.now.tolist() == model
    assert_is(roll.now, model, sorted(asked))


def assert_is(uids: Uids, model: list[int], asked: list[int]) -> None:
    assert len(uids) == len(model)
    assert [uids.at(place) for place in range(len(model))] == model
    for start in range(0, len(model) + 2, 3):
        for stop in (start, start + 1, start + 7, len(model) + 1):
            assert uids[start:stop].tolist() == model[start:stop]
    assert [uids.count_below(uid) for uid in asked] == [
        bisect_left(model, uid) for uid in asked
    ]
    there = [uid for uid in asked if uid in model]
    array = np.array(asked, np.uint32)
    assert uids.among(array).tolist() == there
    assert uids.places_of(array).tolist() == [model.index(uid) for uid in there]


@given(st.integers(1, 50), pieces, events)
def test_a_loaded_roll_goes_on(size: int, piece: int, events: list) -> None:
    """UIDs of a snapshot can be removed and added to, and stay as they were."""
    array = np.arange(1, size + 1, dtype=np.uint32)
    array.flags.writeable = False
    roll, model, uid = UidRoll(piece), list(range(1, size + 1)), size + 1
    roll.load([array[:7], array[7:]])
    for event in events:
        if isinstance(event, int):
            roll.append(uid)
            model.append(uid)
            uid += 1
        else:
            uids = range(event[0], event[0] + event[1])
            roll.remove([uids])
            model = [one for one in model if one not in uids]
    assert_is(roll.now, model, list(range(0, uid + 1, 5)))


@given(events, pieces)
def test_what_was_handed_out_stays(events: list, piece: int) -> None:
    """A view keeps the UIDs that it was given, whatever happens afterwards."""
    roll, uid, given_out = UidRoll(piece), 1, []
    for event in events:
        if isinstance(event, int):
            for _ in range(event):
                roll.append(uid)
                uid += 1
        else:
            roll.remove([range(event[0], event[0] + event[1])])
        given_out.append((roll.now, roll.now.tolist()))
    for array, content in given_out:
        assert array.tolist() == content


@given(events, pieces)
def test_what_went_is_what_is_not_there_later(events: list, piece: int) -> None:
    """Between any two moments those are gone that the first has and the second not."""
    roll, uid = UidRoll(piece), 1
    handed_out = [roll.now]
    for event in events:
        if isinstance(event, int):
            for _ in range(event):
                roll.append(uid)
                uid += 1
        else:
            roll.remove([range(event[0], event[0] + event[1])])
        handed_out.append(roll.now)
    last = handed_out[-1]
    for each in handed_out:
        gone = sorted({*each.tolist()} - {*last.tolist()})
        assert each.gone_in(last).tolist() == gone


def test_what_nothing_happened_to_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To find what went of a million costs the pieces to which something happened."""
    looked_at = []

    def note(uids: np.ndarray, others: np.ndarray) -> np.ndarray:
        looked_at.append(len(uids) + len(others))
        return few_without(uids, others)

    monkeypatch.setattr("imapbox.index.uid_roll.few_without", note)
    roll = UidRoll()
    roll.load([np.arange(1, 1_000_001, dtype=np.uint32)])
    before = roll.now
    roll.append(1_000_001)
    roll.remove([range(500_000, 500_001)])
    assert before.gone_in(roll.now).tolist() == [500_000]
    assert looked_at[0] < 5 * PIECE


def test_the_greatest_uids_fit() -> None:
    """The last UIDs there can be are kept and found."""
    roll = UidRoll()
    for uid in (2**32 - 3, 2**32 - 2, 2**32 - 1):
        roll.append(uid)
    assert roll.now.count_below(2**32) == 3
    gone = roll.remove([range(2**32 - 2, 2**32)]).tolist()
    assert gone == [2**32 - 2, 2**32 - 1]
    assert roll.now.tolist() == [2**32 - 3]


def test_a_change_costs_a_piece() -> None:
    """Two views that differ by one message share all but some of their UIDs."""
    roll = UidRoll()
    roll.load([np.arange(1, 1_000_001, dtype=np.uint32)])
    before = roll.now
    roll.remove([range(500_000, 500_001)])
    roll.append(1_000_001)
    tracemalloc.start()
    try:
        after = roll.now
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 16 * 1024
    same = sum(
        np.shares_memory(before[at : at + 9], after[at : at + 9])
        for at in range(0, 1_000_000, PIECE)
    )
    assert same >= 1_000_000 // PIECE - 1
