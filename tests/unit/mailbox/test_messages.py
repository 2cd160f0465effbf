"""Messages as sessions see them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mailbox.messages import as_ranges


@given(st.sets(st.integers(1, 40) | st.integers(2**32 - 4, 2**32 - 1)))
def test_uids_as_ranges(uids: set[int]) -> None:
    """UIDs become ranges that hold just them, as few as there can be."""
    ranges = list(as_ranges(np.array(sorted(uids), np.uint32)))
    assert [uid for each in ranges for uid in each] == sorted(uids)
    assert len(ranges) == len({uid for uid in uids if uid - 1 not in uids})
