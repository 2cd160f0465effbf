"""Which messages a client may hold that are not there any more. RFC 7162 §3.2."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imapbox.index.uid_ranges import Bounds


def vanished(
    uids: NDArray[np.uint32],
    uidnext: int,
    history: Sequence[range] | None,
    within: Sequence[range],
) -> Bounds:
    """Return the UIDs that a client is to be told to be gone.

    Args:
        uids: Of the messages in its view, ascending: none of them is told.
        uidnext: Of the mailbox.
        history: What vanished since it was here, in any order; None if that is
            not known: then all may have that was given and is not there.
        within: Nothing else is wanted.
    """
    wanted = Bounds.union(within)
    if history is not None:
        wanted = wanted.met_with(Bounds.union(history))
    if not len(wanted.first):
        return wanted  # at once, however large the mailbox is
    edges = np.concatenate([[0], uids.astype(np.int64), [uidnext]])
    first, last = edges[:-1] + 1, edges[1:] - 1
    gaps = first <= last
    absent = Bounds(first[gaps].astype(np.uint32), last[gaps].astype(np.uint32))
    return absent.met_with(wanted).joined()
