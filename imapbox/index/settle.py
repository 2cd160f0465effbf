"""The first step under the lock: find the true end of the log.

The head is a hint, the log is the truth. Complete frames behind the head were
written by someone who died before publishing them. They are adopted: read,
checked over those very buffers (the bodies' CRCs too), written again and
synced, before they are published and before anything is written behind them;
a kernel that failed to write them may only pretend that they are on the disk.
What is torn is copied to ``log.<n>.cut.<m>`` and zeroed.

If the head is good and of this boot, and zeros follow, nothing is written at
all. A crash anywhere in here leaves a log that the next one settles alike.
"""

from contextlib import suppress
from typing import NamedTuple

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.cut import cut_off
from imapbox.index.damage import (
    FULL,
    check_damaged,
    damage,
    sync,
    take_back,
    write_over,
)
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    FRAME_TRAILER_SIZE,
    Frame,
    trailer_time,
)
from imapbox.index.head import DELETED, NO_COUNTS, Counts, Head, Position
from imapbox.index.head_file import HEAD, head_of
from imapbox.index.lost_head import find_last_segment, see_litter
from imapbox.index.read import switch_of
from imapbox.index.segment import SEGMENT_HEADER_SIZE, begins_segment, segment_name
from imapbox.index.settings import Settings
from imapbox.index.whole_frame import whole_frame, write_again
from imapbox.model.errors import DiskFull


class Tail(NamedTuple):
    """The true end of a log, found under its lock.

    Attributes:
        position: Behind the last frame.
        counts: What is true there.
        time: Of the last frame, microseconds since 1970 UTC.
        size: Length of the segment's file.
        flags: Of the head.
    """

    position: Position
    counts: Counts
    time: int
    size: int
    flags: int


def settle(directory: str, settings: Settings) -> Steps[Tail]:
    """Find the end of the log, adopt and cut as needed, publish what changed.

    Call it with the lock held.

    Raises:
        MailboxDamaged: It is, and stays as it is.
        UnknownFormat: A segment is of a format that this imapbox can not read.
        DiskFull: A disk that has no room even to write over what is there.
    """
    return (yield from _settle(directory, settings, may_be_clean=True))


def settle_all(directory: str, settings: Settings) -> Steps[Tail]:
    """Do as `settle` does, and look at all that is behind the end, however clean."""
    return (yield from _settle(directory, settings, may_be_clean=False))


def _settle(directory: str, settings: Settings, *, may_be_clean: bool) -> Steps[Tail]:
    yield from check_damaged(directory)
    head = yield from head_of(directory)
    if head is not None:
        path = f"{directory}/{segment_name(head.position.segment)}"
        if not (yield from steps.exists(path)):
            head = None
    if head is None:
        start = yield from find_last_segment(directory)
        tail = Tail(start, NO_COUNTS, 0, 0, 0)
    else:
        tail = Tail(head.position, head.counts, 0, 0, head.flags)
    clean = may_be_clean and head is not None and head.boot == settings.boot
    tail = yield from _read_on(directory, tail, may_be_clean=clean)
    if head is None or not clean or head.position != tail.position:
        yield from publish(directory, tail, settings)
    return tail


def publish(directory: str, tail: Tail, settings: Settings) -> Steps[None]:
    """Write the head: from now on readers see everything before ``tail``.

    One write to a file that stays the same: it wakes every watcher once.

    Raises:
        DiskFull: A lost head could not be made anew.
        MailboxDamaged: It could not be written; the mark is made.
        OSError: It could not be opened, for want of descriptors perhaps. That
            harms nothing: the next writer publishes.
    """
    head = Head(settings.boot, tail.position, tail.counts, tail.flags)
    is_written = False

    def write(fd: int) -> Steps[None]:
        nonlocal is_written
        yield from write_over(directory, fd, head.encode(), 0)
        is_written = True

    try:
        yield from steps.opened(f"{directory}/{HEAD}", Mode.ENSURE, write)
    except OSError as error:
        if is_written:
            return  # readers have seen it: what a close says can't be minded
        if error.errno in FULL:
            raise DiskFull(directory) from error
        raise


def say_deleted(directory: str, tail: Tail, settings: Settings) -> Steps[None]:
    """Let the head of a mailbox say that it is deleted, if it can be written.

    A hint for those who have it open: who finds no mark finds out from the account.
    Once that says so the mailbox is deleted, and that is answered, whatever fails
    here; and nobody marks as damaged what is only to be removed: it would stay.

    Raises:
        OSError: This machine was cut off from the file system.
    """
    head = Head(settings.boot, tail.position, tail.counts, tail.flags | DELETED)

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, head.encode(), 0)

    try:
        yield from steps.opened(f"{directory}/{HEAD}", Mode.ENSURE, write)
    except OSError as error:
        if error.errno in CUT_OFF:
            raise


def publish_written(
    directory: str, before: Tail, after: Tail, settings: Settings
) -> Steps[None]:
    """Publish what was written behind ``before``, or take it back.

    Raises:
        DiskFull: The head found no room; the log is as it was, durably.
        MailboxDamaged: It could not be written; the mark is made.
    """
    try:
        yield from publish(directory, after, settings)
    except DiskFull:
        position = before.position
        yield from steps.opened(
            f"{directory}/{segment_name(position.segment)}",
            Mode.WRITE,
            lambda fd: take_back(directory, fd, position.offset, before.size),
        )
        # It may be half written; if this finds no room either, the next one
        # settles a log without a head.
        with suppress(DiskFull):
            yield from publish(directory, before, settings)
        raise


def _read_on(directory: str, tail: Tail, *, may_be_clean: bool) -> Steps[Tail]:
    while True:
        tail, following = yield from _read_on_here(
            directory, tail, may_be_clean=may_be_clean
        )
        if following is None:
            return tail
        tail = tail._replace(position=following)
        may_be_clean = False


def _read_on_here(
    directory: str, tail: Tail, *, may_be_clean: bool
) -> Steps[tuple[Tail, Position | None]]:
    def read_on(fd: int) -> Steps[tuple[Tail, Position | None]]:
        return _read_segment(directory, fd, tail, may_be_clean=may_be_clean)

    name = segment_name(tail.position.segment)
    try:
        return (yield from steps.opened(f"{directory}/{name}", Mode.WRITE, read_on))
    except FileNotFoundError as error:
        raise (yield from damage(directory, f"{name} is not there")) from error


def _read_segment(
    directory: str, fd: int, tail: Tail, *, may_be_clean: bool
) -> Steps[tuple[Tail, Position | None]]:
    yield from _check_header(directory, fd, tail.position)
    size = yield from steps.size(fd)
    at = tail.position.offset
    if size < at:
        raise (yield from damage(directory, "the log ends before the head says so"))
    around = yield from steps.pread(
        fd, FRAME_TRAILER_SIZE + FRAME_HEADER_SIZE, at - FRAME_TRAILER_SIZE
    )
    tail = tail._replace(size=size)
    if at > SEGMENT_HEADER_SIZE:
        time = trailer_time(around[:FRAME_TRAILER_SIZE], tail.position.chain)
        if time is None:
            raise (yield from damage(directory, f"the log is broken before {at}"))
        tail = tail._replace(time=time)
    if may_be_clean and not any(around[FRAME_TRAILER_SIZE:]):
        return tail, None
    adopted = False
    following = None
    while following is None and (
        found := (yield from _next_frame(directory, fd, tail.position))
    ):
        frame, octets, following = found
        yield from write_again(directory, fd, tail.position, frame, octets)
        adopted = True
        tail = tail._replace(position=frame.end, counts=frame.counts, time=frame.time)
    if tail.position.offset == SEGMENT_HEADER_SIZE:
        raise (yield from damage(directory, "the last segment does not begin"))
    if following is None:
        # Before what may be left of a SWITCH is cut.
        yield from see_litter(directory, tail.position.segment)
        yield from cut_off(directory, fd, tail.position, size)
        tail = tail._replace(size=(yield from steps.size(fd)))
    if adopted:
        yield from sync(directory, fd)
    return tail, following


def _next_frame(
    directory: str, fd: int, at: Position
) -> Steps[tuple[Frame, bytes, Position | None] | None]:
    """Return a whole frame, its octets, and where the log goes on if it is the last."""
    try:
        found = yield from whole_frame(fd, at)
        return found and (*found, switch_of(found[0]))
    except DamagedOperations as error:
        reason = f"what is whole at {at.offset} makes no sense"
        raise (yield from damage(directory, reason)) from error


def _check_header(directory: str, fd: int, at: Position) -> Steps[None]:
    data = yield from steps.pread(fd, SEGMENT_HEADER_SIZE, 0)
    if not begins_segment(data, at.segment, at.salt):
        name = segment_name(at.segment)
        raise (yield from damage(directory, f"{name} does not begin as it should"))
