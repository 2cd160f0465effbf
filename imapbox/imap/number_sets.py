"""Sets of many numbers, told piece by piece."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.output import Output
from imapbox.wire.imap.sequence_set import uid_ranges

# So many ranges are worded before we look at the clock.
_AT_A_TIME: Final = 4096


async def tell_set(output: Output, start: bytes, numbers: NDArray[np.uint32]) -> None:
    """Tell numbers in their order, at least one, with ``start`` before them."""
    for ranges in uid_ranges(*runs(numbers), _AT_A_TIME):
        output.write(start + ranges)
        await output.room()
        start = b","


def runs(
    numbers: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the first and the last one of each run in which each is one greater.

    None runs downwards: RFC 5267 §3.2.
    """
    begins = np.ones(len(numbers), np.bool_)
    begins[1:] = numbers[1:] - numbers[:-1] != 1
    return numbers[begins], numbers[np.roll(begins, -1)]
