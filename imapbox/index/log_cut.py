"""Where a log ended at a moment that has passed.

Frames carry the time at which they were written, which never goes back within a
log. What came behind a moment is cut off, so that a copy of many logs can be made
one after the other, and show them all as they were at one moment.

A clock may have been set back, and then times tell too little. So each log has a
floor, what its head said before the moment: whatever times say, it ends no earlier.
"""

from dataclasses import dataclass
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations, Kind, split_operations
from imapbox.index.frame import FRAME_TRAILER_SIZE, Frame, trailer_time
from imapbox.index.head import Head, Position
from imapbox.index.log_copy import Extent
from imapbox.index.lost_head import first_frame
from imapbox.index.read import LogBroken, follow, switch_of
from imapbox.index.segment import segment_name
from imapbox.model.errors import MailError

_FAILS: Final = (LogBroken, DamagedOperations, MailError, OSError)


class CanNotCut(Exception):
    """Nobody can tell where the log ended, or not all is left of what it held."""


def cut_log(
    directory: str, extent: Extent, floor: Head | None, moment: int
) -> Steps[Extent]:
    """Return a log as it was at a moment.

    Args:
        directory: The log's.
        extent: As it is now.
        floor: What its head said before the moment; None: that is not known.
        moment: Microseconds since 1970 UTC.

    Raises:
        CanNotCut: It has to be taken as it is now.
    """
    try:
        if (yield from _ends_by(directory, extent.head.position, moment)):
            return extent
        if floor is None:
            raise CanNotCut(directory)
        head = extent.head._replace(position=floor.position, counts=floor.counts)
        cut = _Cut(head, moment)
        yield from follow(directory, floor.position, extent.head.position, cut.take_in)
    except _FAILS as error:
        raise CanNotCut(directory) from error
    return extent._replace(head=cut.head)


def floor_of_new(directory: str, extent: Extent) -> Steps[Head | None]:
    """Return the floor of a log that was not there before the moment.

    It is what nobody can do without: the first frame.
    """
    try:
        frame = yield from first_frame(directory, extent.first)
    except _FAILS:
        return None
    return frame and Head(extent.head.boot, frame.end, frame.counts)


def _ends_by(directory: str, end: Position, moment: int) -> Steps[bool]:
    """Say whether nothing was written behind a moment."""
    trailer = yield from steps.opened(
        f"{directory}/{segment_name(end.segment)}",
        Mode.READ,
        lambda fd: steps.pread(fd, FRAME_TRAILER_SIZE, end.offset - FRAME_TRAILER_SIZE),
    )
    time = trailer_time(trailer, end.chain)
    if time is None:
        raise LogBroken(end)
    return time <= moment


@dataclass(slots=True)
class _Cut:
    """Takes in frames, and finds the last one of the moment.

    Attributes:
        head: What a head would have said behind it.
        moment: Microseconds since 1970 UTC.
        is_behind: Whether the moment has passed.
    """

    head: Head
    moment: int
    is_behind: bool = False

    def take_in(self, frame: Frame) -> None:
        """Take in the next one.

        Raises:
            CanNotCut: What lived at the moment may be gone, or the account tells
                another UIDVALIDITY by now.
        """
        self.is_behind = self.is_behind or frame.time > self.moment
        if not self.is_behind:
            if switch_of(frame) is None:  # no log ends where a segment has to follow
                self.head = self.head._replace(position=frame.end, counts=frame.counts)
            return
        kinds = {operation.kind for operation in split_operations(frame.operations)}
        if (
            Kind.RELOCATE in kinds
            or frame.counts.uidvalidity != self.head.counts.uidvalidity
        ):
            raise CanNotCut
