"""Sorting much, in small pieces of work.

Python sorts a hundred thousand strings in one go of 50 ms or more. Here some
thousands are sorted at a time, which takes a millisecond or two, and what was
sorted is merged, as little at a time as the caller likes.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Final

_RUN: Final = 4096
_PIECE: Final = 1024


class Runs:
    """Sorts strings of octets."""

    def __init__(self) -> None:
        self._runs: list[list[bytes]] = []
        self._open: list[bytes] = []

    def add(self, key: bytes) -> None:
        """Take one more."""
        self._open.append(key)
        if len(self._open) == _RUN:
            self._close()

    def merged(self) -> Iterator[list[bytes]]:
        """Yield all in their order, some at a time. No more can be added."""
        self._close()
        keys = merge(*self._runs)
        while some := list(islice(keys, _PIECE)):
            yield some

    def _close(self) -> None:
        self._open.sort()
        self._runs.append(self._open)
        self._open = []
