"""Results of SEARCH and SORT that grow and shrink. RFC 5267 §4.3.3, §4.3.4."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.search_plan import Pause
from imapbox.mailbox.sorting import sorted_keys
from imapbox.model.sorting import SortBy
from imapbox.model.uid_arrays import NO_UIDS, union, without
from imapbox.query.order import Order, uids_of

UidList: TypeAlias = NDArray[np.uint32]
# A position in the result, counted from 1, and what comes or goes there; 0 where
# the result is in the mailbox's order.
Pair: TypeAlias = tuple[int, UidList]


class Result(Protocol):
    """Which messages are so, in an order."""

    def __len__(self) -> int:
        """Return how many they are."""
        ...

    @property
    def uids(self) -> UidList:
        """Theirs, ascending."""
        ...

    async def remove(self, uids: UidList, pause: Pause) -> Sequence[Pair]:
        """Remove ascending UIDs that are in it, at least one; say where from.

        Args:
            uids: Which.
            pause: Awaited now and then.
        """
        ...

    async def add(self, uids: UidList, pause: Pause) -> Sequence[Pair]:
        """Add ascending UIDs that are not in it; say where to.

        Args:
            uids: Which.
            pause: Awaited now and then.
        """
        ...


class InMailboxOrder:
    """A result of SEARCH."""

    def __init__(self, uids: UidList) -> None:
        self.uids = uids

    def __len__(self) -> int:
        return len(self.uids)

    async def remove(self, uids: UidList, _pause: Pause) -> Sequence[Pair]:
        """See `Result`."""
        self.uids = np.delete(self.uids, np.searchsorted(self.uids, uids))
        return [(0, uids)]

    async def add(self, uids: UidList, _pause: Pause) -> Sequence[Pair]:
        """See `Result`."""
        self.uids = np.insert(self.uids, np.searchsorted(self.uids, uids), uids)
        return [(0, uids)]


class Sorted:
    """A result of SORT.

    Args:
        mailbox: Whose messages they are.
        by: The first criterion decides first.
        most: How many they may become.
    """

    def __init__(
        self, mailbox: SelectedMailbox, by: Sequence[SortBy], most: int
    ) -> None:
        self._mailbox = mailbox
        self._order = Order(by, most)
        self._keys: list[bytes] = []
        self.uids: UidList = NO_UIDS

    def __len__(self) -> int:
        return len(self._keys)

    async def remove(self, uids: UidList, pause: Pause) -> Sequence[Pair]:
        """See `Result`."""
        here = uids_of(self._keys)
        places = np.searchsorted(uids, here).clip(max=len(uids) - 1)
        pairs = []
        # The last one first, so that no position moves before it is told.
        for at in np.flatnonzero(uids[places] == here)[::-1].tolist():
            pairs.append(self._pair(at, self._keys.pop(at)))
            await pause()
        self.uids = without(self.uids, uids)
        return pairs

    async def add(self, uids: UidList, pause: Pause) -> Sequence[Pair]:
        """See `Result`."""
        found = sorted_keys(self._mailbox, uids, self._order, pause)
        new = [key for keys in [some async for some in found] for key in keys]
        pairs = []
        for key in new:
            at = bisect_left(self._keys, key)
            self._keys.insert(at, key)
            pairs.append(self._pair(at, key))
            await pause()
        self.uids = union(self.uids, uids_of(new))
        return pairs

    def _pair(self, at: int, key: bytes) -> Pair:
        return at + 1, uids_of([key])
