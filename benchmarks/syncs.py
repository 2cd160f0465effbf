"""Counts the syncs that a server asks the kernel for."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.tracing import traced

_CALLS: Final = ("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")
_FILTER: Final = "--trace=" + ",".join(_CALLS)
_CALL: Final = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


def syncs_during(work: Callable[[], None], roots: Iterable[int]) -> Counter[str]:
    """Do ``work`` and return how often the server synced meanwhile, by call.

    Raises:
        NotTraced: The figure would be wrong.
    """
    # An interrupted call has a second line, but that one has no "name(".
    return Counter(_CALL.findall(traced(work, roots, _FILTER)))
