import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.vanished import Vanished

# Each expunge: which UIDs go, out of those that are there.
expunges = st.lists(st.sets(st.integers(1, 60), min_size=1, max_size=8), max_size=20)


def ranges(uids: set[int]) -> tuple[range, ...]:
    return tuple(range(uid, uid + 1) for uid in sorted(uids))


@given(expunges, st.integers(0, 25), st.integers(4, 40))
def test_history_is_whole_above_its_floor(
    expunges: list[set[int]], since: int, limit: int
) -> None:
    """Above the floor it says exactly what vanished; below, that it can't tell."""
    vanished, model, gone = Vanished(limit), [], set()
    for modseq, uids in enumerate(expunges, start=2):
        new = uids - gone
        gone |= new
        if new:
            vanished.add(ranges(new), modseq)
            model.append((modseq, new))
    found = vanished.since(since)
    if since < vanished.floor:
        assert found is None
    else:
        later = {uid for modseq, uids in model if modseq > since for uid in uids}
        assert found is not None
        assert sorted(uid for uids in found for uid in uids) == sorted(later)
    assert len(vanished.now) <= max(limit, 8)
    if len(gone) <= limit:
        assert vanished.floor == 0


def test_a_floor_only_rises() -> None:
    """What was forgotten stays forgotten."""
    vanished = Vanished()
    vanished.add((range(1, 3),), 5)
    vanished.add((range(9, 10),), 7)
    vanished.raise_floor(5)
    vanished.raise_floor(3)
    assert vanished.floor == 5
    assert vanished.since(4) is None
    assert vanished.since(5) == [range(9, 10)]


def test_what_was_handed_out_stays() -> None:
    """A snapshot in the making keeps the history that it was given."""
    vanished = Vanished(limit=10)
    vanished.add((range(1, 3),), 2)
    before = vanished.now
    copy = before.copy()
    for modseq in range(3, 40):
        vanished.add((range(modseq, modseq + 1),), modseq)
    assert np.array_equal(before, copy)


def test_numbers_of_any_size() -> None:
    """The greatest UIDs and modseqs are kept."""
    vanished = Vanished()
    vanished.add((range(2**32 - 2, 2**32),), 2**63 - 1)
    assert vanished.since(2**63 - 2) == [range(2**32 - 2, 2**32)]
    assert vanished.since(2**63 - 1) == []
