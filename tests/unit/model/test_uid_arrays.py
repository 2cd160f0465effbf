"""Ascending UIDs, met with others: as sets say it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imapbox.model.uid_arrays import are_among, few_without, union, without

UIDS = st.one_of(st.sets(st.integers(1, 12)), st.sets(st.integers(1, 2**32 - 1)))


def ascending(uids: set[int]) -> NDArray[np.uint32]:
    return np.array(sorted(uids), np.uint32)


@given(UIDS, UIDS)
def test_they_are_sets(ones: set[int], others: set[int]) -> None:
    """What two arrays have together, and what one has besides, is what sets have."""
    a, b = ascending(ones), ascending(others)
    assert union(b, a, b).tolist() == sorted(ones | others)
    assert a[are_among(a, b)].tolist() == sorted(ones & others)
    assert without(a, b).tolist() == sorted(ones - others)
    assert few_without(a, b).tolist() == sorted(ones - others)
