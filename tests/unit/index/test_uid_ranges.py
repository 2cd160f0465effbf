"""Finding many UIDs at once."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.uid_ranges import Bounds, positions_in

TOP = 2**32 - 1
uid_sets = st.sets(st.integers(1, 60) | st.integers(TOP - 5, TOP), max_size=40)
disjoint = st.lists(st.integers(1, 62), min_size=1, max_size=20, unique=True).map(
    lambda cuts: [range(a, b) for a, b in pairwise(sorted(cuts))]
)


@given(uid_sets, disjoint, st.booleans())
def test_the_positions_are_those_of_the_uids(
    uids: set[int], ranges: list[range], top: bool
) -> None:
    """Of UIDs in a column just those that lie in the ranges are found, in order."""
    ranges = [*ranges, range(TOP - 2, TOP + 1)] if top else ranges
    column = np.array(sorted(uids), np.uint32)
    wanted = [
        place
        for place, uid in enumerate(sorted(uids))
        if any(uid in each for each in ranges)
    ]
    assert positions_in(column, ranges).tolist() == wanted


spans = st.tuples(st.integers(1, 60), st.integers(0, 9)).map(
    lambda span: range(span[0], sum(span))
)


@given(st.lists(spans, max_size=12), st.booleans())
def test_ranges_in_any_order_make_one_set(ranges: list[range], top: bool) -> None:
    """Ranges that overlap, or are empty, name each UID once, in ascending order."""
    ranges = [range(TOP - 2, TOP + 1), *ranges] if top else ranges
    column = np.array([*range(1, 70), *range(TOP - 5, TOP + 1)], np.uint32)
    found = Bounds.union(ranges).take_from(column).tolist()
    assert found == sorted({uid for each in ranges for uid in each})
