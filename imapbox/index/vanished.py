"""Which messages are gone since when: the history that QRESYNC asks for.

The history is whole above its floor, a modseq. Below the floor nothing is
known of what vanished; every UID that was given and is not there may have.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.records import Records
from imapbox.model.numbers import ModSeq

# One record: first and last UID, and the modseq of their expunge.
VANISHED: Final = np.dtype([("first", "<u4"), ("last", "<u4"), ("modseq", "<u8")])
# 1.6 MB at most; then the older half is forgotten and the floor rises.
LIMIT: Final = 100_000


class Vanished:
    """UID ranges, in the order in which they were expunged.

    Attributes:
        floor: Of expunges up to this modseq nothing is known.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.floor = ModSeq(0)
        self._ranges = Records(VANISHED)
        self._limit = limit

    @property
    def now(self) -> NDArray[Any]:
        """Return all records. The array stays as it is."""
        return self._ranges.now

    def load(self, floor: ModSeq, ranges: NDArray[Any]) -> None:
        """Hold what a snapshot says."""
        self.floor = floor
        self._ranges.replace(ranges)

    def raise_floor(self, modseq: ModSeq) -> None:
        """Know nothing of expunges up to ``modseq``."""
        if modseq > self.floor:
            self.floor = modseq
            ranges = self.now
            self._ranges.replace(ranges[ranges["modseq"] > np.uint64(modseq)])

    def add(self, uids: Sequence[range], modseq: ModSeq) -> None:
        """Note that messages are gone; ``modseq`` is greater than all before."""
        new = np.zeros(len(uids), VANISHED)
        new["first"] = [each[0] for each in uids]
        new["last"] = [each[-1] for each in uids]
        new["modseq"] = modseq
        self._ranges.append(new)
        if len(self._ranges) > self._limit:
            forgotten = self.now["modseq"][len(self._ranges) // 2]
            self.raise_floor(ModSeq(int(forgotten)))

    def since(self, modseq: ModSeq) -> list[range] | None:
        """Return the UIDs that vanished after ``modseq``; RFC 7162 §3.2.10.

        Returns:
            Ranges in the order in which they vanished; None if that is below
            the floor, and any UID that is not there may be one of them.
        """
        if modseq < self.floor:
            return None
        ranges = self.now
        later = ranges[ranges["modseq"].searchsorted(np.uint64(modseq), "right") :]
        return [
            range(first, last + 1)
            for first, last in zip(
                later["first"].tolist(), later["last"].tolist(), strict=True
            )
        ]
