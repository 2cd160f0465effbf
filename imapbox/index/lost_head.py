"""Finding the ends of a log among the files of its directory.

Segments follow one another without a gap. What comes before a gap is litter,
and so is a segment that no SWITCH leads to and that holds no mail.
"""

import errno
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import damage
from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.read import (
    LogBroken,
    Window,
    first_position,
    follow_segment,
    read_frame,
)
from imapbox.index.segment import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    segment_name,
    segment_numbers,
)
from imapbox.index.segment_scan import Gap, scan_segment
from imapbox.index.whole_frame import whole_frame
from imapbox.model.errors import MailboxDamaged

# A symbolic link, a FIFO or a socket, a directory: none of ours.
_NO_FILE: Final = frozenset(
    {errno.ELOOP, errno.ESPIPE, errno.ENXIO, errno.EISDIR, errno.ENODEV}
)


def find_first_segment(directory: str, last: int) -> Steps[Position]:
    """Return the beginning of the oldest segment of a log that ends in ``last``.

    Raises:
        MailboxDamaged: There is none.
    """
    while True:
        numbers = set(segment_numbers((yield from steps.list_directory(directory))))
        first = last
        while first - 1 in numbers:
            first -= 1
        if first not in numbers:
            raise MailboxDamaged(directory)
        try:
            start = yield from _first_position(directory, first)
        except FileNotFoundError:
            continue  # compaction removed it just now
        if start is None:
            raise MailboxDamaged(directory)
        return start


def find_last_segment(directory: str) -> Steps[Position]:
    """Return the beginning of the segment in which a log ends whose head is lost.

    Raises:
        MailboxDamaged: There is none.
    """
    numbers = segment_numbers((yield from steps.list_directory(directory)))
    last: Position | None = None
    for number in numbers:
        if last is not None and number <= last.segment + 1:
            continue  # followed already, or the litter of a rotation
        start = yield from _first_position(directory, number)
        if start is not None:
            last = yield from _last_of(directory, start)
    if last is None:
        raise MailboxDamaged(directory)
    return last


def first_frame(directory: str, number: int) -> Steps[Frame | None]:
    """Return a segment's first frame; None if it does not begin as it should.

    Raises:
        FileNotFoundError: There is no such segment.
    """
    start = yield from _first_position(directory, number)
    if start is None:
        return None
    return (
        yield from steps.opened(
            f"{directory}/{segment_name(number)}",
            Mode.READ,
            lambda fd: read_frame(Window(fd, None), start),
        )
    )


def find_litter(directory: str, number: int) -> Steps[bool]:
    """Say whether behind the end of a log there is a segment, to be thrown away.

    Args:
        directory: The log's, whose lock is held.
        number: Of the segment that would come next.

    Raises:
        MailboxDamaged: It may not be thrown away; the mark is made.
        UnknownFormat: It is of a format that this imapbox can not read.
        OSError: It can't be read.
    """
    name = segment_name(number)
    if not (yield from steps.exists(f"{directory}/{name}")):
        return False
    if not (yield from is_litter(directory, number)):
        reason = f"{name} holds mail, and no SWITCH leads to it"
        raise (yield from damage(directory, reason))
    return True


def see_litter(directory: str, last: int) -> Steps[None]:
    """See that segments behind the last one of a log may all be thrown away.

    Raises:
        MailboxDamaged: As `find_litter` does; and what else that raises.
    """
    for number in segment_numbers((yield from steps.list_directory(directory))):
        if number > last:
            yield from find_litter(directory, number)


def is_litter(directory: str, number: int) -> Steps[bool]:
    """Say whether a segment that no SWITCH leads to may be thrown away.

    The litter of a rotation holds BASE and nothing more, perhaps not all of it:
    nobody writes behind it before a SWITCH names it. One that holds more lost its
    SWITCH, whatever else of it is broken.

    Raises:
        UnknownFormat: It is of a format that this imapbox can not read.
        OSError: It can't be read.
    """
    try:
        scan = yield from scan_segment(directory, number, ())
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return True
    lost = [each for each in scan.items if isinstance(each, Gap) and each.facts is None]
    return len(scan.items) - len(lost) <= 1


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
        # Where the last frame begins, and where it ends.
        places = [at, at]

        def note(frame: Frame, places: list[Position] = places) -> None:
            places[:] = [places[1], frame.end]

        end = yield from follow_segment(directory, at, None, note)
        if end.segment == at.segment:
            return at
        # A power loss may leave all of SWITCH but its end.
        if not (yield from _is_whole(directory, places[0])):
            return at
        if not (yield from _readable(directory, end)):
            return at
        at = end


def _is_whole(directory: str, at: Position) -> Steps[bool]:
    path = f"{directory}/{segment_name(at.segment)}"
    frame = yield from steps.opened(path, Mode.READ, lambda fd: whole_frame(fd, at))
    return frame is not None


def _readable(directory: str, start: Position) -> Steps[bool]:
    try:
        yield from follow_segment(directory, start, start, _ignore)
    except LogBroken:
        return False
    return True


def _ignore(frame: Frame) -> None:
    """Follow only."""
