"""Removing segments of which a later BASE says all: those of an account.

A mailbox's segments hold its messages, and compaction looks after them. An
account's hold what was done to it; what came of that stands in the BASE of the
segment behind them, whole. So a segment is full sooner, and of those before it
few are kept: for readers who come by at least now and then. Whoever finds his
place gone reads the account anew.

A crash leaves some segments more, without a gap, which go when the next segment
begins. A power loss may bring back a head that names one that is gone; it is
taken for none, and the end is found from the segments (`settle`).
"""

from contextlib import suppress
from typing import Final

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.head import Position
from imapbox.index.lost_head import first_frame
from imapbox.index.segment import segment_name, segment_numbers

# To read so much is no work worth to be saved.
LEAST: Final = 1 << 20
# So often the same was said again in other words: a segment to its BASE.
GROWN: Final = 4
# The one that is written to among them.
KEPT: Final = 2


def is_grown(directory: str, end: Position, limit: int) -> Steps[bool]:
    """Say whether a segment holds much more than its BASE.

    Args:
        directory: Of the log.
        end: Its end, in that segment.
        limit: From this offset on.
    """
    if end.offset < min(limit, LEAST):
        return False
    base = yield from first_frame(directory, end.segment)
    return base is None or end.offset >= GROWN * base.end.offset


def shed(directory: str, last: int) -> Steps[None]:
    """Remove the oldest segments, with the lock held.

    Nothing depends on it: what can't be removed now stays until the next time.

    Args:
        directory: Of the log.
        last: Its last segment.
    """
    with suppress(OSError):
        numbers = segment_numbers((yield from steps.list_directory(directory)))
        old = [number for number in sorted(numbers) if number <= last - KEPT]
        for number in old:
            yield from steps.unlink(f"{directory}/{segment_name(number)}")
            # The next one must not go before this one: the log would have a gap.
            yield from steps.sync_directory(directory)
