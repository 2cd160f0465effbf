"""The octets of stored messages, cards and all, one behind the other.

This is what a COPY writes: the octets as they lie in the log that they come
from, read piece by piece, however many there are. Each message is one stretch
there, its card right before it. Segments are opened for each piece; a reader
that holds none can't be in the way of who removes them, and they stay for a
grace time in which no copy is still reading.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MEMORY_LIMIT, PIECE, Content, MemoryContent
from imapbox.disk.steps import Steps
from imapbox.index.body import Extent, read_extents
from imapbox.index.payload import Part, PartsCheck
from imapbox.index.segment import segment_name
from imapbox.model.errors import MessageGone


class StoredOctets(Content):
    """The octets of messages in a log.

    Args:
        directory: The log's.
        segments: For each message, the segment that it lies in.
        offsets: Where its octets begin there.
        sizes: How many they are.
    """

    def __init__(
        self,
        directory: str,
        segments: NDArray[Any],
        offsets: NDArray[Any],
        sizes: NDArray[Any],
    ) -> None:
        self._directory = directory
        self._segments = segments
        self._offsets = offsets
        self._sizes = sizes
        self._ends = sizes.cumsum(dtype=np.int64)
        super().__init__(b"", int(self._ends[-1]), 0, None)

    @property
    def in_memory(self) -> bool:
        """Say that `octets` is not all of it."""
        return False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        """Return octets from the middle.

        Raises:
            MessageGone: They are there no longer.
        """
        parts: list[bytes] = []
        wanted = self._wanted(offset, min(offset + size, self.size))
        for segment, here in groupby(wanted, key=lambda each: each[0]):
            extents = [extent for _, extent in here]
            path = f"{self._directory}/{segment_name(segment)}"
            try:
                parts += yield from steps.opened(
                    path, Mode.READ, partial(read_extents, extents=extents)
                )
            except FileNotFoundError as error:
                raise MessageGone(path) from error
        return b"".join(parts)

    def _wanted(self, start: int, end: int) -> Iterator[tuple[int, Extent]]:
        """Return what the octets from ``start`` to ``end`` are of, and where."""
        low = int(self._ends.searchsorted(start, "right"))
        high = int(self._ends.searchsorted(end, "left")) + 1
        here = slice(low, high)
        for segment, offset, size, last in zip(
            self._segments[here].tolist(),
            self._offsets[here].tolist(),
            self._sizes[here].tolist(),
            self._ends[here].tolist(),
            strict=True,
        ):
            skip = max(0, start - (last - size))
            missing = max(0, last - end)
            yield segment, Extent(offset + skip, size - skip - missing)


class CheckedOctets(Content):
    """Octets of which each part is checked while they are read from end to end.

    Args:
        octets: The same.
        parts: Returns what they consist of.
    """

    def __init__(self, octets: Content, parts: Callable[[], Iterable[Part]]) -> None:
        super().__init__(b"", octets.size, 0, None)
        self._octets = octets
        self._parts = parts
        self._check = PartsCheck(())

    @property
    def in_memory(self) -> bool:
        """Say that `octets` is not all of it."""
        return False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        """Return the next octets, or again the first.

        Raises:
            MessageGone: A part that ends in them is not what was written.
        """
        if not offset:
            self._check = PartsCheck(self._parts())
        octets: bytes = yield from self._octets.read(size, offset)
        self._check.feed(octets)
        if self._check.bad:
            raise MessageGone
        return octets


def read_checked(
    octets: Content, parts: Iterable[Part]
) -> Steps[tuple[Content, list[int]]]:
    """Read octets from end to end, and check each part.

    Returns:
        The octets, in memory if they are few; and the numbers of the parts
        that are not what was written.
    """
    keeps = octets.size <= MEMORY_LIMIT
    kept: list[bytes] = []
    check = PartsCheck(parts)
    for start in range(0, octets.size, PIECE):
        piece = yield from octets.read(PIECE, start)
        check.feed(piece)
        if keeps:
            kept.append(piece)
    return MemoryContent(b"".join(kept)) if keeps else octets, check.bad
