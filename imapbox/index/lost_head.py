"""Finding the end of a log whose head is lost.

Segments are followed by their SWITCHes, from the oldest on. A segment that
none leads to is litter, and so is everything before a gap.
"""

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.read import LogBroken, first_position, follow_segment
from imapbox.index.segment import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    segment_name,
    segment_numbers,
)
from imapbox.model.errors import MailboxDamaged


def find_first_segment(directory: str) -> Steps[Position]:
    """Return the beginning of the oldest segment that belongs to the log.

    Raises:
        MailboxDamaged: There is none.
    """
    start, _ = yield from _find(directory)
    return start


def find_last_segment(directory: str) -> Steps[Position]:
    """Return the beginning of the segment in which the log ends.

    Raises:
        MailboxDamaged: There is none.
    """
    _, end = yield from _find(directory)
    return end


def _find(directory: str) -> Steps[tuple[Position, Position]]:
    numbers = segment_numbers((yield from steps.list_directory(directory)))
    found: tuple[Position, Position] | None = None
    for number in numbers:
        if found is not None and number <= found[1].segment + 1:
            continue  # followed already, or the litter of a rotation
        start = yield from _first_position(directory, number)
        if start is not None:
            found = start, (yield from _last_of(directory, start))
    if found is None:
        raise MailboxDamaged(directory)
    return found


def _first_position(directory: str, number: int) -> Steps[Position | None]:
    data = yield from steps.opened(
        f"{directory}/{segment_name(number)}",
        Mode.READ,
        lambda fd: steps.pread(fd, SEGMENT_HEADER_SIZE, 0),
    )
    header = SegmentHeader.decode(data)
    if header is None or header.number != number:
        return None
    return first_position(number, header.salt)


def _last_of(directory: str, start: Position) -> Steps[Position]:
    at = start
    while True:
        end = yield from follow_segment(directory, at, None, _ignore)
        if end.segment == at.segment:
            return at
        following = yield from _readable(directory, end)
        if not following:
            return at
        at = end


def _readable(directory: str, start: Position) -> Steps[bool]:
    try:
        yield from follow_segment(directory, start, start, _ignore)
    except LogBroken:
        return False
    return True


def _ignore(frame: Frame) -> None:
    """Follow only."""
