"""Following the log: no lock, no stat, cost in proportion to what is new.

A reader reads the head, and if its 64 bytes are the ones that were applied,
nothing happened. Else it reads the operations up to where these 64 bytes say,
and these bytes are its next token. It remembers nothing else.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations, Kind, split_operations
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    Frame,
    decode_frame,
    decode_header,
)
from imapbox.index.head import HEAD_SIZE, Head, Position
from imapbox.index.operations import Switch
from imapbox.index.segment import SEGMENT_HEADER_SIZE, begins_segment, segment_name

PIECE = 16 * 1024
# A head is torn for as long as its writer takes for 64 bytes.
HEAD_TRIES = 20


class LogBroken(Exception):
    """The log can not be followed as far as the head says."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


class HeadUnreadable(Exception):
    """There is no head, or none whose CRC is good."""


class News(NamedTuple):
    """What a look at the head found.

    Attributes:
        token: The 64 bytes that are now applied.
        head: The same, decoded.
        frames: What is new, oldest first.
    """

    token: bytes
    head: Head
    frames: list[Frame]


class Window:
    """Reads a segment in pieces."""

    def __init__(self, fd: int, limit: int | None) -> None:
        self._fd = fd
        self._limit = limit
        self._start = 0
        self._data = b""

    def at(self, offset: int, size: int) -> Steps[bytes]:
        """Return ``size`` bytes, or what there is before the limit or the end."""
        skip = offset - self._start
        if skip < 0 or skip + size > len(self._data):
            wanted = max(size, PIECE)
            if self._limit is not None:
                wanted = max(0, min(wanted, self._limit - offset))
            self._data = yield from steps.pread(self._fd, wanted, offset)
            self._start, skip = offset, 0
        return self._data[skip : skip + size]


def read_head(fd: int) -> Steps[bytes]:
    """Return the 64 bytes of a head, or what there is."""
    data: bytes = yield from steps.pread(fd, HEAD_SIZE, 0)
    return data


def look(
    directory: str, head_fd: int, token: bytes, at: Position
) -> Steps[News | None]:
    """Say what is new since ``token``, or None if nothing is.

    Args:
        directory: The log's.
        head_fd: Its head, open.
        token: The 64 bytes that were applied last.
        at: The position that they named.

    Raises:
        HeadUnreadable: Recover under the lock, and look again.
        LogBroken: The head does not extend what was applied.
    """
    for _ in range(HEAD_TRIES):
        data = yield from read_head(head_fd)
        if data == token:
            return None
        head = Head.decode(data)
        if head is not None:
            frames: list[Frame] = []
            yield from follow(directory, at, head.position, frames.append)
            return News(data, head, frames)
    raise HeadUnreadable


def follow(
    directory: str, at: Position, end: Position, apply: Callable[[Frame], None]
) -> Steps[None]:
    """Give ``apply`` each frame from ``at`` up to ``end``, bodies unread.

    Raises:
        LogBroken: A frame, a segment, or the chain is not as it should be.
    """
    while at != end:
        if at[:2] >= end[:2]:
            raise LogBroken(at)
        at = yield from follow_segment(directory, at, end, apply)


def follow_segment(
    directory: str, at: Position, end: Position | None, apply: Callable[[Frame], None]
) -> Steps[Position]:
    """Do as `follow` does within one segment.

    Returns:
        ``end``; or the beginning of the next segment; or, if ``end`` is None,
        the position behind the last frame that can be read.
    """
    if not at.segment:
        raise LogBroken(at)
    limit = end.offset if end is not None and end.segment == at.segment else None

    def read(fd: int) -> Steps[Position]:
        here = at
        window = Window(fd, limit)
        if here.offset == SEGMENT_HEADER_SIZE:
            data = yield from window.at(0, SEGMENT_HEADER_SIZE)
            if not begins_segment(data, here.segment, here.salt):
                raise LogBroken(here)
        while here.offset != limit:
            frame = yield from read_frame(window, here)
            following = None
            with suppress(DamagedOperations):
                following = frame and (frame, switch_of(frame))
            if following is None and end is None:
                return here
            if following is None:
                raise LogBroken(here)
            frame, next_segment = following
            apply(frame)
            here = frame.end
            if next_segment:
                return next_segment
        return here

    path = f"{directory}/{segment_name(at.segment)}"
    try:
        return (yield from steps.opened(path, Mode.READ, read))
    except FileNotFoundError as error:
        raise LogBroken(at) from error


def read_frame(window: Window, at: Position) -> Steps[Frame | None]:
    """Return the frame at ``at``, or None if there is none."""
    data = yield from window.at(at.offset, FRAME_HEADER_SIZE)
    header = decode_header(data, at.salt)
    if header is None:
        return None
    size = FRAME_HEADER_SIZE + header.operations_size
    return decode_frame((yield from window.at(at.offset, size)), at)


def switch_of(frame: Frame) -> Position | None:
    """Return where the log goes on, if ``frame`` is a segment's last.

    Raises:
        DamagedOperations: It is, and says more than that, or not that, or leads
            to another segment than the next.
    """
    if frame.operations[:1] != bytes([Kind.SWITCH]):
        return None
    first, *others = split_operations(frame.operations)
    if others:
        raise DamagedOperations("a SWITCH is alone", frame.end)
    switch = Switch.decode(first.content)
    if switch.segment != frame.end.segment + 1:
        raise DamagedOperations("a SWITCH leads to the next segment", frame.end)
    return first_position(switch.segment, switch.salt)


def first_position(segment: int, salt: int) -> Position:
    """Return where the first frame of a segment lies."""
    return Position(segment, SEGMENT_HEADER_SIZE, salt, salt)
