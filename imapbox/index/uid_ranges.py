"""Finding many UIDs at once in a column of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Bounds(NamedTuple):
    """Ranges of UIDs, ascending and apart from one another.

    Attributes:
        first: The first UID of each.
        last: The last one of each.
    """

    first: NDArray[np.uint32]
    last: NDArray[np.uint32]

    @classmethod
    def of(cls, ranges: Sequence[range]) -> Self:
        """Return the bounds of ranges, none of them empty."""
        first = np.fromiter((each.start for each in ranges), np.uint32, len(ranges))
        last = np.fromiter((each[-1] for each in ranges), np.uint32, len(ranges))
        return cls(first, last)

    @classmethod
    def union(cls, ranges: Sequence[range]) -> Self:
        """Return the bounds of ranges in any order, which may overlap."""
        first, last = cls.of([each for each in ranges if len(each)])
        order = np.argsort(first, kind="stable")
        first, last = first[order], np.maximum.accumulate(last[order])
        begins = np.ones(len(first), np.bool_)
        begins[1:] = first[1:] > last[:-1]
        return cls(first[begins], last[np.roll(begins, -1)])

    def met_with(self, other: "Bounds") -> "Bounds":
        """Return the bounds of what lies in both."""
        low = np.searchsorted(self.last, other.first, "left")
        counts = np.searchsorted(self.first, other.last, "right") - low
        before = np.cumsum(counts) - counts
        mine = np.repeat(low - before, counts)
        mine += np.arange(len(mine))
        theirs = np.repeat(np.arange(len(other.first)), counts)
        return Bounds(
            np.maximum(self.first[mine], other.first[theirs]),
            np.minimum(self.last[mine], other.last[theirs]),
        )

    def joined(self) -> "Bounds":
        """Return the same, as few ranges as will do: none touches another."""
        begins = np.ones(len(self.first), np.bool_)
        begins[1:] = (
            self.first[1:].astype(np.int64) > self.last[:-1].astype(np.int64) + 1
        )
        return Bounds(self.first[begins], self.last[np.roll(begins, -1)])

    def positions_in(self, uids: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return where UIDs are that lie in the ranges, those that are there.

        Costs one look-up a range, not a pass over the mailbox for each.

        Args:
            uids: Strictly ascending.
        """
        low = np.searchsorted(uids, self.first, "left")
        counts = np.searchsorted(uids, self.last, "right") - low
        before = np.cumsum(counts) - counts
        found: NDArray[np.intp] = np.repeat(low - before, counts)
        return found + np.arange(len(found))

    def take_from(self, uids: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return those of strictly ascending UIDs that lie in the ranges."""
        if len(self.first) > 1:
            return uids[self.positions_in(uids)]
        # Of whole mailboxes: nothing is copied.
        start = uids.searchsorted(self.first, "left")
        stop = uids.searchsorted(self.last, "right")
        return uids[int(start[0]) : int(stop[0])] if len(start) else uids[:0]

    def spread(self, firsts: Sequence[int]) -> Iterator[tuple[int, "Bounds"]]:
        """Return the ranges that may concern each of several columns.

        Args:
            firsts: The first UID of each column, ascending.

        Returns:
            Numbers of columns, and the ranges for each.
        """
        if not len(self.first) or not firsts:
            return
        # Below the first column there is nothing.
        low = (np.searchsorted(firsts, self.first, "right") - 1).clip(min=0)
        high = np.searchsorted(firsts, self.last, "right") - 1
        if high[-1] < 0:
            return
        numbers = range(int(low[0]), int(high[-1]) + 1)
        if len(numbers) > 1:
            starts = np.searchsorted(high, numbers, "left").tolist()
            ends = np.searchsorted(low, numbers, "right").tolist()
        else:
            starts, ends = [0], [len(self.first)]
        for number, start, end in zip(numbers, starts, ends, strict=True):
            if start < end:
                yield number, Bounds(self.first[start:end], self.last[start:end])


def positions_in(uids: NDArray[np.uint32], ranges: Sequence[range]) -> NDArray[np.intp]:
    """Return where UIDs are that lie in ``ranges``; see `Bounds.positions_in`."""
    return Bounds.of(ranges).positions_in(uids)
