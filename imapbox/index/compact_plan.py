"""What is worth doing to a log with little in it that lives. Decides, does nothing.

A segment's octets are of three kinds: of messages that exist; of those that
are gone, or were written again elsewhere, and are in grace; and the rest. What
a segment takes on the disk and neither of the first two needs is *dead*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.graves import GRACE
from imapbox.index.mailbox_state import MailboxState

BLOCK: Final = 4096
DAY: Final = GRACE // 1_000_000  # seconds
LEAST: Final = 1024 * 1024
# What a message takes in the log besides its octets: frame, operation, and the
# changes of its flags that were not forgotten yet.
OVERHEAD: Final = 256
# What a usual card takes, for who has not read how large each is.
CARD: Final = 1024


@dataclass(frozen=True, slots=True)
class Policy:
    """When work is worth it.

    Attributes:
        grace: Seconds for which what is gone stays; at most a day.
        least: Octets of the last segment that must be dead, and more than live
            in it, before the log goes on in a new one for that reason.
        batch: Octets that are written again under one lock.
    """

    grace: float = float(DAY)
    least: int = LEAST
    batch: int = 4 * 1024 * 1024

    def limit(self, time: int) -> int:
        """Return until when what died is out of grace at ``time``."""
        return time - int(self.grace * 1_000_000)


class Use(NamedTuple):
    """What a segment's octets are good for.

    Attributes:
        number: The segment's.
        taken: What it takes on the disk.
        alive: Octets of messages that exist, of their cards and operations.
        grace: Octets of what is in grace.
    """

    number: int
    taken: int
    alive: int
    grace: int

    @property
    def dead(self) -> int:
        """Return the octets that nobody needs."""
        return self.taken - self.alive - self.grace


class Hole(NamedTuple):
    """Whole blocks to be given back."""

    segment: int
    offset: int
    size: int


def uses(state: MailboxState, taken: Mapping[int, int], limit: int) -> list[Use]:
    """Return what the segments are used for, oldest first.

    Args:
        state: True now.
        taken: What each segment takes on the disk.
        limit: What died after this moment is in grace.
    """
    columns = state.columns
    rows = columns.alive_rows()
    sizes = columns["size"][rows] + columns["card_size"][rows] + np.uint64(OVERHEAD)
    alive = _by_segment(columns["segment"][rows], sizes)
    young = state.graves.since(limit)
    grace = _by_segment(young["segment"], young["size"])
    return [
        Use(number, size, alive.get(number, 0), grace.get(number, 0))
        for number, size in sorted(taken.items())
    ]


def is_worth_a_new_segment(last: Use, policy: Policy) -> bool:
    """Say whether the log should go on in a new segment, to be rid of this one."""
    return last.dead > max(policy.least, last.alive + last.grace)


def worth_leaving(old: Sequence[Use]) -> list[int]:
    """Return the segments out of which living messages are worth to be moved.

    They are the longest run of oldest segments less than half of which is
    needed. Those in which nothing lives don't count: they go by themselves, and
    must not make those behind them look emptier than they are.

    Args:
        old: All segments but the last, oldest first.
    """
    first = next((at for at, use in enumerate(old) if use.alive), len(old))
    taken = needed = 0
    end = first
    for at, use in enumerate(old[first:], first):
        taken += use.taken
        needed += use.alive + use.grace
        if 2 * needed < taken:
            end = at + 1
    return [use.number for use in old[first:end] if use.alive]


def holes(state: MailboxState, limit: int, segments: Sequence[int]) -> list[Hole]:
    """Return the whole blocks in which only what died until ``limit`` lies.

    Args:
        state: True now.
        limit: What died later is in grace.
        segments: Those that may be punched.
    """
    graves = state.graves.now
    due = graves[graves["time"] <= max(0, limit)]
    due = due[np.isin(due["segment"], segments)]
    start = -(-due["offset"].astype(np.int64) // BLOCK) * BLOCK
    end = (due["offset"] + due["size"]).astype(np.int64) // BLOCK * BLOCK
    worth = end > start
    found = zip(
        due["segment"][worth].tolist(),
        start[worth].tolist(),
        (end - start)[worth].tolist(),
        strict=True,
    )
    return sorted(Hole(*each) for each in found)


def rows_in(
    state: MailboxState, segments: Sequence[int], broken: Sequence[int], batch: int
) -> list[int]:
    """Return rows of messages in these segments, as they lie: so many octets.

    Args:
        state: True now.
        segments: Which are to be left.
        broken: UIDs of messages that stay where they are.
        batch: Octets; one message may be more.
    """
    columns = state.columns
    rows = columns.alive_rows()
    wanted = np.isin(columns["segment"][rows], segments)
    rows = rows[wanted & ~np.isin(columns["uid"][rows], broken)]
    rows = rows[np.lexsort((columns["offset"][rows], columns["segment"][rows]))]
    sizes = columns["size"][rows] + columns["card_size"][rows]
    count = int(np.searchsorted(sizes.cumsum(), np.uint64(batch), "right"))
    chosen: list[int] = rows[: max(1, count)].tolist()
    return chosen


def _by_segment(segments: NDArray[Any], sizes: NDArray[Any]) -> dict[int, int]:
    numbers, which = np.unique(segments, return_inverse=True)
    sums = np.zeros(len(numbers), np.uint64)
    np.add.at(sums, which, sizes.astype(np.uint64))
    return dict(zip(numbers.tolist(), sums.tolist(), strict=True))
