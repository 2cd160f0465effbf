"""The UIDs of the messages that exist, ascending.

`UidRoll.now` is what a view holds. It never changes, and what two of them have
in common they share: a message that comes or goes costs one piece of 4,096
UIDs at most, in a mailbox of any size.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.uid_ranges import Bounds
from imapbox.model.uid_arrays import NO_UIDS, few_without

PIECE: Final = 4096
_FIRST_CAPACITY: Final = 16


class Uids:
    """Ascending UIDs, numbered from 0. They stay as they are.

    Args:
        pieces: In their order, none of them empty.
        firsts: The first UID of each.
        starts: The number of the first UID of each, and then how many there are.
    """

    __slots__ = ("_firsts", "_pieces", "_starts")

    def __init__(
        self,
        pieces: list[NDArray[np.uint32]],
        firsts: list[int],
        starts: list[int],
    ) -> None:
        self._pieces = pieces
        self._firsts = firsts
        self._starts = starts

    @property
    def pieces(self) -> Sequence[NDArray[np.uint32]]:
        """All UIDs; a piece to which nothing happens is the same one later."""
        return self._pieces

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, places: slice) -> NDArray[np.uint32]:
        """Return the UIDs from ``places.start`` up to ``places.stop``."""
        start, stop = places.start or 0, min(places.stop, len(self))
        if start >= stop:
            return NO_UIDS
        parts = []
        for number in range(self._piece_at(start), self._piece_at(stop - 1) + 1):
            here = self._starts[number]
            parts.append(self._pieces[number][max(0, start - here) : stop - here])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def at(self, place: int) -> int:
        """Return one UID."""
        number = self._piece_at(place)
        return int(self._pieces[number][place - self._starts[number]])

    def count_below(self, uid: int) -> int:
        """Return how many UIDs are smaller than ``uid``, a number of any size."""
        number = bisect_right(self._firsts, uid) - 1
        if number < 0:
            return 0
        piece = self._pieces[number]
        if uid > int(piece[-1]):
            return self._starts[number + 1]
        return self._starts[number] + int(piece.searchsorted(np.uint32(uid)))

    def places_of(self, uids: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return where those of these ascending UIDs are that are there."""
        bounds = Bounds(uids, uids)
        found = [places + start for start, _, places in self._find(bounds)]
        return np.concatenate([np.zeros(0, np.intp), *found])

    def among(self, uids: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs that are there."""
        return self.within(Bounds(uids, uids))

    def within(self, ranges: Bounds) -> NDArray[np.uint32]:
        """Return those that lie in the ranges."""
        found = [
            bounds.take_from(self._pieces[number])
            for number, bounds in ranges.spread(self._firsts)
        ]
        return np.concatenate([NO_UIDS, *found])

    def gone_in(self, later: "Uids") -> NDArray[np.uint32]:
        """Return the UIDs that are not there in ``later``.

        Pieces that both have cost nothing.
        """
        here = {id(piece) for piece in self._pieces}
        there = {id(piece) for piece in later.pieces}
        before = [piece for piece in self._pieces if id(piece) not in there]
        after = [piece for piece in later.pieces if id(piece) not in here]
        return few_without(
            np.concatenate([NO_UIDS, *before]), np.concatenate([NO_UIDS, *after])
        )

    def tolist(self) -> list[int]:
        """Return all of them."""
        return [uid for piece in self._pieces for uid in piece.tolist()]

    def _piece_at(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1

    def _find(
        self, ranges: Bounds
    ) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.intp]]]:
        """Return pieces, where each begins, and where in it UIDs are."""
        for number, bounds in ranges.spread(self._firsts):
            piece = self._pieces[number]
            places = bounds.positions_in(piece)
            if len(places):
                yield self._starts[number], piece, places


class UidRoll:
    """UIDs that come and go.

    Args:
        piece: How many of them lie together at most.
    """

    def __init__(self, piece: int = PIECE) -> None:
        self._limit = piece
        self._pieces: list[NDArray[np.uint32]] = []
        self._firsts: list[int] = []
        self._starts = [0]
        # What the last piece is the beginning of.
        self._room = NO_UIDS
        self._now: Uids | None = None

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def now(self) -> Uids:
        """Return all UIDs, as they are now."""
        if self._now is None:
            self._now = Uids(self._pieces[:], self._firsts[:], self._starts[:])
        return self._now

    def load(self, arrays: Sequence[NDArray[np.uint32]]) -> None:
        """Hold the UIDs of a snapshot, which nobody writes to."""
        self._pieces = [
            array[start : start + self._limit]
            for array in arrays
            for start in range(0, len(array), self._limit)
        ]
        self._firsts = [int(piece[0]) for piece in self._pieces]
        self._count()
        self._room = NO_UIDS

    def append(self, uid: int) -> None:
        """Add a UID that is greater than all others."""
        size = len(self._pieces[-1]) if len(self._room) else self._limit
        if size == self._limit:
            self._pieces.append(NO_UIDS)
            self._firsts.append(uid)
            self._starts.append(self._starts[-1])
            self._room, size = NO_UIDS, 0
        if size == len(self._room):
            larger = np.zeros(
                min(self._limit, max(_FIRST_CAPACITY, 2 * size)), np.uint32
            )
            larger[:size] = self._room
            self._room = larger
        self._room[size] = uid
        self._pieces[-1] = self._room[: size + 1]
        self._starts[-1] += 1
        self._now = None

    def extend(self, uids: NDArray[np.uint32]) -> None:
        """Add ascending UIDs that are greater than all others."""
        if not len(uids):
            return
        last = self._pieces[-1:]
        del self._pieces[-1:], self._firsts[-1:]
        both = np.concatenate((*last, uids))
        new = [
            both[start : start + self._limit]
            for start in range(0, len(both), self._limit)
        ]
        self._pieces += new
        self._firsts += [int(piece[0]) for piece in new]
        self._room = new[-1]
        self._count()

    def insert(self, uids: Sequence[int]) -> None:
        """Add UIDs that are anywhere among the others."""
        new = np.fromiter(uids, np.uint32, len(uids))
        self.load([np.sort(np.concatenate((*self._pieces, new)))])

    def remove(self, uids: Sequence[range]) -> NDArray[np.uint32]:
        """Remove UIDs, those that are there; return them."""
        gone = [NO_UIDS]
        for number, bounds in Bounds.of(uids).spread(self._firsts):
            piece = self._pieces[number]
            places = bounds.positions_in(piece)
            if not len(places):
                continue
            gone.append(piece[places])
            self._pieces[number] = np.delete(piece, places)
            if number == len(self._pieces) - 1:
                self._room = self._pieces[number]
        if len(gone) > 1:
            self._pieces = [piece for piece in self._pieces if len(piece)]
            self._firsts = [int(piece[0]) for piece in self._pieces]
            self._count()
        return np.concatenate(gone)

    def _count(self) -> None:
        self._starts = [0, *accumulate(map(len, self._pieces))]
        self._now = None
