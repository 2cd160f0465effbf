"""The UIDs of the messages that exist, ascending.

`UidRoll.now` is what a view holds: an array that never changes. Appending
shares it; only an expunge makes a new one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.uid_ranges import positions_in

_FIRST_CAPACITY: Final = 16


class UidRoll:
    """A growing array of UIDs."""

    def __init__(self) -> None:
        self._uids = np.zeros(_FIRST_CAPACITY, np.uint32)
        self._size = 0

    @property
    def now(self) -> NDArray[np.uint32]:
        """Return all UIDs. The array stays as it is."""
        return self._uids[: self._size]

    def append(self, uid: int) -> None:
        """Add a UID that is greater than all others."""
        if self._size == len(self._uids):
            larger = np.zeros(max(_FIRST_CAPACITY, self._size * 2), np.uint32)
            larger[: self._size] = self.now
            self._uids = larger
        self._uids[self._size] = uid
        self._size += 1

    def insert(self, uids: Sequence[int]) -> None:
        """Add UIDs that are anywhere among the others."""
        new = np.fromiter(uids, np.uint32, len(uids))
        self._uids = np.sort(np.concatenate((self.now, new)))
        self._size = len(self._uids)

    def remove(self, uids: Sequence[range]) -> list[int]:
        """Remove UIDs, those that are there; return them."""
        places = positions_in(self.now, uids)
        gone: list[int] = self.now[places].tolist()
        if gone:
            self._uids = np.delete(self.now, places)
            self._size = len(self._uids)
        return gone
