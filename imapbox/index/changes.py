"""What happened to a mailbox, for sessions that have not told their client yet.

Some of them tell nothing for hours (NOTIFY NONE, a FETCH while an EXPUNGE waits),
so no more is kept than is worth it. Who falls behind compares what it told with
what is: see `mailbox.view.sync`.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imapbox.index.uid_roll import Uids
from imapbox.model.numbers import ModSeq
from imapbox.model.uid_arrays import NO_UIDS, union

# Changes, and the ranges and UIDs that they name. The newest is always kept.
MOST_CHANGES: Final = 10_000


class Changed(NamedTuple):
    """What one frame changed.

    Attributes:
        modseq: The frame's.
        arrived: How many messages came.
        flagged: UIDs whose flags or keywords changed.
        expunged: UIDs that are gone.
        keywords: Whether there are new keywords.
    """

    modseq: ModSeq
    arrived: int
    flagged: tuple[range, ...]
    expunged: NDArray[np.uint32]
    keywords: bool

    @property
    def weight(self) -> int:
        """Return how much of `MOST_CHANGES` it is."""
        return 1 + len(self.flagged) + len(self.expunged)


class ChangeReader(Protocol):
    """Someone who reads `Changes`, and shows messages to a client."""

    @property
    def uids(self) -> Uids:
        """Return the UIDs of the messages that it shows."""
        ...

    @property
    def next_change(self) -> int:
        """Return the number of the first change it has not read."""
        ...

    @property
    def waits(self) -> bool:
        """Say whether it shows messages of which it read that they are gone."""
        ...


class Changes:
    """The newest changes, each with a number.

    Attributes:
        first: The number of the first that is kept.
        readers: Those for whom they are kept.
    """

    def __init__(self) -> None:
        self.first = 0
        self.readers: set[ChangeReader] = set()
        self._changes: list[Changed] = []
        self._weight = 0

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[Changed]:
        return iter(self._changes)

    @property
    def next(self) -> int:
        """Return the number that the next change will have."""
        return self.first + len(self._changes)

    @property
    def are_awaited(self) -> bool:
        """Say whether some reader has not read all, or may not tell it yet."""
        return any(True for _ in self._behind())

    def add(self, changed: Changed) -> None:
        """Keep one more, if anybody reads, and no more than `MOST_CHANGES`."""
        if not self.readers:
            self._forget(len(self._changes))
            self.first += 1
            return
        self._changes.append(changed)
        self._weight += changed.weight
        if self._weight > MOST_CHANGES:
            # Half of it, so that this is done seldom.
            count, weight = 0, self._weight
            while weight > MOST_CHANGES // 2 and count < len(self._changes) - 1:
                weight -= self._changes[count].weight
                count += 1
            self._forget(count)

    def since(self, number: int) -> list[Changed] | None:
        """Return the changes from ``number`` on, None if not all are kept."""
        if number < self.first:
            return None
        return self._changes[number - self.first :]

    def forget_read(self) -> None:
        """Drop what every reader has read."""
        oldest = min((each.next_change for each in self.readers), default=self.next)
        if oldest > self.first:
            self._forget(oldest - self.first)

    def gone(self, now: Uids) -> NDArray[np.uint32]:
        """Return the UIDs, ascending, that some reader shows and that are gone."""
        gone = [each.uids.gone_in(now) for each in self._behind()]
        return union(NO_UIDS, *gone)

    def _behind(self) -> Iterator[ChangeReader]:
        """Return the readers that may show what is gone."""
        end = self.next
        return (each for each in self.readers if each.waits or each.next_change < end)

    def _forget(self, count: int) -> None:
        self._weight -= sum(each.weight for each in self._changes[:count])
        del self._changes[:count]
        self.first += count
