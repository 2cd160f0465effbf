"""Finding many UIDs at once in a column of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def positions_in(uids: NDArray[np.uint32], ranges: Sequence[range]) -> NDArray[np.intp]:
    """Return where UIDs are that lie in ``ranges``, those that are there.

    Costs one look-up a range, not a pass over the mailbox for each.

    Args:
        uids: Strictly ascending.
        ranges: Of UIDs; none of them empty.
    """
    starts = np.fromiter((each.start for each in ranges), np.uint32, len(ranges))
    lasts = np.fromiter((each[-1] for each in ranges), np.uint32, len(ranges))
    low = np.searchsorted(uids, starts, "left")
    counts = np.searchsorted(uids, lasts, "right") - low
    before = np.cumsum(counts) - counts
    found: NDArray[np.intp] = np.repeat(low - before, counts)
    return found + np.arange(len(found))
