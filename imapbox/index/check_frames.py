"""Reading a log as strictly as can be: every octet but those of messages.

Readers skip what they need not know. This one looks at all of it: trailers,
the zeros before them, and that each frame fits the one before.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame, encode_trailer
from imapbox.index.head import Position
from imapbox.index.read import Window, read_frame, switch_of
from imapbox.index.segment import SEGMENT_HEADER_SIZE, begins_segment, segment_name
from imapbox.index.whole_frame import whole_frame

_PIECE: Final = 1024 * 1024
_SPELL: Final = 256  # frames


class Unsound(Exception):
    """Something in a log is not what it should be.

    Attributes:
        name: Of the file.
        sentence: What is wrong with it.
        at: Before the frame that is wrong.
    """

    def __init__(self, at: Position, sentence: str) -> None:
        super().__init__(at, sentence)
        self.at = at
        self.name = segment_name(at.segment)
        self.sentence = sentence


class Audit(Protocol):
    """What frames say, checked against what the ones before said."""

    def visit(self, frame: Frame) -> None:
        """Take in the next frame.

        Raises:
            DamagedOperations: It does not fit.
        """
        ...


class Walked(NamedTuple):
    """What was met on the way.

    Attributes:
        frames: How many.
        dirty: Segments behind whose last frame there is something.
    """

    frames: int
    dirty: list[int]


def walk(directory: str, at: Position, end: Position, audit: Audit) -> Steps[Walked]:
    """Check each frame from the beginning of a log to its end.

    Raises:
        Unsound: Here something is wrong.
        FileNotFoundError: A segment is not there.
    """
    count = offset = 0
    dirty = []

    def visit(frame: Frame) -> None:
        nonlocal count, offset
        count += 1
        offset = frame.end.offset
        _audit(frame, audit)

    while at != end:
        if at[:2] >= end[:2]:
            raise Unsound(at, "the log goes on beyond the end that the head names")
        segment = at.segment
        at = yield from _walk_segment(directory, at, end, visit)
        closed = at.segment != segment
        if closed and (yield from anything_behind(directory, segment, offset)):
            dirty.append(segment)
    return Walked(count, dirty)


def end_of_whole(
    directory: str, at: Position, rest: Callable[[], Steps[None]]
) -> Steps[Position]:
    """Return the position behind the last frame from ``at`` on that is whole.

    There a log ends when somebody settles it who was told no more than ``at``.

    Args:
        directory: The log's.
        at: Where to begin.
        rest: Called now and then: frames may come as fast as they are read.

    Raises:
        Unsound: Whoever settles it finds damage: a segment that a SWITCH names is
            not there, or does not begin as it should, or a whole frame makes no
            sense.
        UnknownFormat: A segment is of a format that this imapbox can not read.
    """
    while True:
        following = yield from _end_of_whole_here(directory, at, rest)
        if following.segment == at.segment:
            return following
        at = following


def anything_behind(directory: str, segment: int, offset: int) -> Steps[bool]:
    """Say whether there is anything but zeros in a segment from ``offset`` on."""

    def look(fd: int) -> Steps[bool]:
        size = yield from steps.size(fd)
        for start in range(offset, size, _PIECE):
            if any((yield from steps.pread(fd, _PIECE, start))):
                return True
        return False

    path = f"{directory}/{segment_name(segment)}"
    return (yield from steps.opened(path, Mode.READ, look))


def _end_of_whole_here(
    directory: str, at: Position, rest: Callable[[], Steps[None]]
) -> Steps[Position]:
    def follow(fd: int) -> Steps[Position]:
        here, count = at, 0
        _check_header((yield from steps.pread(fd, SEGMENT_HEADER_SIZE, 0)), here)
        while found := (yield from _whole_frame(fd, here)):
            frame, _ = found
            if following := _following(frame):
                return following
            here = frame.end
            count += 1
            if count % _SPELL == 0:
                yield from rest()
        return here

    path = f"{directory}/{segment_name(at.segment)}"
    try:
        return (yield from steps.opened(path, Mode.READ, follow))
    except FileNotFoundError as error:
        raise Unsound(at, "it is not there, and the log goes on in it") from error


def _whole_frame(fd: int, at: Position) -> Steps[tuple[Frame, bytes] | None]:
    try:
        return (yield from whole_frame(fd, at))
    except DamagedOperations as error:
        sentence = f"what is whole at {at.offset} makes no sense"
        raise Unsound(at, sentence) from error


def _following(frame: Frame) -> Position | None:
    try:
        return switch_of(frame)
    except DamagedOperations as error:
        raise _senseless(frame, error) from error


def _check_header(octets: bytes, at: Position) -> None:
    if not begins_segment(octets, at.segment, at.salt):
        raise Unsound(at, "its header is not what it should be")


def _audit(frame: Frame, audit: Audit) -> None:
    try:
        audit.visit(frame)
    except DamagedOperations as error:
        raise _senseless(frame, error) from error
    except (ValueError, LookupError) as error:
        sentence = f"the frame at {frame.start} makes no sense: {error!r}"
        raise Unsound(_before(frame), sentence) from error


def _senseless(frame: Frame, error: DamagedOperations) -> Unsound:
    reason = " ".join(str(word) for word in error.args)
    sentence = f"the frame at {frame.start} makes no sense: {reason}"
    return Unsound(_before(frame), sentence)


def _before(frame: Frame) -> Position:
    return frame.end._replace(offset=frame.start)


def _walk_segment(
    directory: str, at: Position, end: Position, visit: Callable[[Frame], None]
) -> Steps[Position]:
    def walk_open(fd: int) -> Steps[Position]:
        here = at
        window = Window(fd, None)
        _check_header((yield from window.at(0, SEGMENT_HEADER_SIZE)), here)
        while here != end:
            frame = yield from read_frame(window, here)
            if frame is None:
                sentence = f"the frame at {here.offset} is broken"
                raise Unsound(here, sentence)
            yield from _check_trailer(window, frame)
            visit(frame)
            here = frame.end
            if following := _following(frame):
                return following
            if here[:2] >= end[:2] and here != end:
                raise Unsound(here, "the head does not name the end of a frame in it")
        return here

    path = f"{directory}/{segment_name(at.segment)}"
    return (yield from steps.opened(path, Mode.READ, walk_open))


def _check_trailer(window: Window, frame: Frame) -> Steps[None]:
    size, payload = len(frame.operations), frame.payload_size
    start = frame.payload_start + payload
    found = yield from window.at(start, frame.end.offset - start)
    if found != encode_trailer(frame.end.chain, size, payload, frame.time):
        sentence = f"the frame at {frame.start} does not end as it should"
        raise Unsound(_before(frame), sentence)
