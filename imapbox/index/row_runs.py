"""The rows of many messages, to be read column by column.

Where nobody between the first and the last of them is gone, a column is a part
of the chunk's own array, and nothing is copied.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imapbox.index.chunk import FIELDS, KEYWORDS, Chunk, keywords_name

Places = slice | NDArray[np.intp]


class RowRuns:
    """Rows in the order of their UIDs, as they are now: to be read at once.

    Args:
        chunks: All chunks that may hold some of them.
        firsts: The first UID of each.
        uids: Ascending, all of them there.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        firsts: Sequence[int],
        uids: NDArray[np.uint32],
    ) -> None:
        self._parts = list(_find(chunks, firsts, uids)) if len(uids) else []

    def read(self, name: str) -> NDArray[Any]:
        """Return a column of the rows.

        Raises:
            StoreFailure: What is in a snapshot is not what was written.
        """
        parts = [chunk.read(name)[places] for chunk, places in self._parts]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts or [np.zeros(0, FIELDS.get(name, KEYWORDS))])

    def with_keyword(self, number: int) -> NDArray[np.bool_]:
        """Say which rows have the keyword of this number."""
        word, bit = divmod(number, 8 * KEYWORDS.itemsize)
        bits: NDArray[np.uint64] = self.read(keywords_name(word))
        found: NDArray[np.bool_] = (bits & np.uint64(1 << bit)) != 0
        return found


def _find(
    chunks: Sequence[Chunk], firsts: Sequence[int], uids: NDArray[np.uint32]
) -> Iterator[tuple[Chunk, Places]]:
    cuts = uids.searchsorted(np.array(firsts[1:], np.uint32)).tolist()
    for chunk, start, end in zip(chunks, [0, *cuts], [*cuts, len(uids)], strict=True):
        if start < end:
            yield chunk, _places(chunk.read("uid"), uids[start:end])


def _places(column: NDArray[np.uint32], uids: NDArray[np.uint32]) -> Places:
    first, last = column.searchsorted(uids[[0, -1]]).tolist()
    if last - first == len(uids) - 1:
        return slice(first, last + 1)
    return column.searchsorted(uids)
