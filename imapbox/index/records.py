"""A growing array of records, the oldest first.

What was handed out never changes: records are added behind it, or the oldest
are dropped, in an array that is then made anew.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FIRST_CAPACITY: Final = 16


class Records:
    """Records of one dtype."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self._array = np.zeros(_FIRST_CAPACITY, kind)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def now(self) -> NDArray[Any]:
        """Return all of them. The array stays as it is."""
        return self._array[: self._size]

    def has_room(self, count: int) -> bool:
        """Say whether so many more cost no new array."""
        return self._size + count <= len(self._array)

    def append(self, new: NDArray[Any]) -> None:
        """Add records behind the others."""
        if not len(new):
            return  # the array may be somebody else's, and not to be written to
        size = self._size + len(new)
        if size > len(self._array):
            larger = np.zeros(max(size, 2 * len(self._array)), self._array.dtype)
            larger[: self._size] = self.now
            self._array = larger
        self._array[self._size : size] = new
        self._size = size

    def replace(self, records: NDArray[Any]) -> None:
        """Hold these from now on, in an array that belongs to somebody else."""
        self._array = records
        self._size = len(records)
