"""Rotation: the log goes on in a new segment.

Under the lock: make ``log.n+1`` with its header and BASE, sync it and the
directory, and only then write SWITCH as the last frame of ``log.n``, and sync
that. A crash before that leaves a segment that no SWITCH names: litter, which
the next rotation removes first. A crash after it leaves a SWITCH that the next
writer adopts.
"""

from contextlib import suppress
from typing import Final, Protocol

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import FULL, damage, sync, write_undoable
from imapbox.index.encoding import Encoded, join_operations
from imapbox.index.frame import Frame, FrameContent, encode_frame, encode_trailer
from imapbox.index.head import Counts, Position
from imapbox.index.lost_head import find_litter
from imapbox.index.operations import Switch
from imapbox.index.read import LogBroken, first_position, follow
from imapbox.index.segment import SegmentHeader, segment_name
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, publish_written
from imapbox.model.errors import DiskFull

# To read so much of a segment costs less than to look for a snapshot.
WORTH_RESUMING: Final = 1 << 20


class Facts(Protocol):
    """What a segment says, folded so far as the next BASE needs it."""

    @property
    def features(self) -> int:
        """The incompatible features of a segment that begins here."""
        ...

    def apply(self, frame: Frame) -> None:
        """Take in the next frame; the first one is BASE."""
        ...

    def resume(self, directory: str, end: Position) -> Steps[Position | None]:
        """Take in what was saved of the segment that ends at ``end``.

        Returns:
            Where to go on; None if nothing was saved.
        """
        ...

    def base(self, counts: Counts, time: int) -> Encoded:
        """Return the BASE of a segment that begins here."""
        ...


def new_segment(
    header: SegmentHeader, base: Encoded, counts: Counts, time: int
) -> tuple[bytes, Position]:
    """Return the first octets of a segment, and the position behind BASE."""
    start = first_position(header.number, header.salt)
    octets, end = single_frame(start, base, counts, time)
    return header.encode() + octets, end


def single_frame(
    before: Position, operation: Encoded, counts: Counts, time: int
) -> tuple[bytes, Position]:
    """Return a frame of one operation and no payload, a batch of its own."""
    operations = join_operations([operation])
    content = FrameContent(counts, operations, 1, 0, time, before.offset)
    octets, end = encode_frame(before, content)
    return octets + encode_trailer(end.chain, len(operations), 0, time), end


def rotate(
    directory: str, facts: Facts, tail: Tail, settings: Settings, features: int = 0
) -> Steps[Tail]:
    """Begin a new segment, with the lock held, and publish it.

    A disk without room for one leaves all as it was: the old segment then
    grows beyond its limit.

    Args:
        directory: Of the log.
        facts: Of an empty log.
        tail: Its end.
        settings: How it is written.
        features: Incompatible ones that the segment has besides those that its
            facts need.

    Raises:
        MailboxDamaged: The old segment can't be read, or written to.
        OSError: The new segment can't be made now: nothing is changed.
    """
    salt = int.from_bytes((yield from steps.random(4)), "little")
    segment = tail.position.segment
    try:
        yield from _gather(directory, facts, tail.position)
    except LogBroken as broken:
        reason = f"the log is broken at {broken.position}"
        raise (yield from damage(directory, reason)) from broken
    now = yield from steps.now()
    time = max(int(now * 1_000_000), tail.time)
    base = facts.base(tail.counts, time)
    header = SegmentHeader(segment + 1, salt, facts.features | features)
    octets, end = new_segment(header, base, tail.counts, time)
    try:
        yield from _make(directory, segment + 1, octets)
    except OSError as error:
        if error.errno not in FULL:
            raise
        return tail
    switch, _ = single_frame(
        tail.position, Switch(segment + 1, salt).encode(), tail.counts, time
    )

    def write(fd: int) -> Steps[None]:
        offset = tail.position.offset
        yield from write_undoable(directory, fd, switch, offset, tail.size)
        yield from sync(directory, fd)

    path = f"{directory}/{segment_name(segment)}"
    after = tail._replace(position=end, size=len(octets), time=time)
    try:
        yield from steps.opened(path, Mode.WRITE, write)
        yield from publish_written(directory, tail, after, settings)
    except DiskFull:
        return tail
    return after


def _gather(directory: str, facts: Facts, end: Position) -> Steps[None]:
    """Learn what the segment says that ends at ``end``.

    Raises:
        LogBroken: It can't be read.
    """
    if end.offset > WORTH_RESUMING:
        saved = yield from facts.resume(directory, end)
        if saved is not None:
            try:
                yield from follow(directory, saved, end, facts.apply)
            except LogBroken:
                pass  # it was saved of another log
            else:
                return
    first = yield from _start_of(directory, end.segment)
    yield from follow(directory, first, end, facts.apply)


def _start_of(directory: str, number: int) -> Steps[Position]:
    def read(fd: int) -> Steps[Position]:
        header = SegmentHeader.decode((yield from steps.pread(fd, 64, 0)))
        if header is None:
            raise (yield from damage(directory, f"log.{number} has no header"))
        return first_position(header.number, header.salt)

    path = f"{directory}/{segment_name(number)}"
    return (yield from steps.opened(path, Mode.READ, read))


def _make(directory: str, number: int, octets: bytes) -> Steps[None]:
    """Make the segment that comes next, durably, or nothing of it.

    No SWITCH names it yet: whatever fails here, the log is as it was.
    """
    path = f"{directory}/{segment_name(number)}"

    def write(fd: int) -> Steps[None]:
        try:
            yield from steps.pwrite(fd, octets, 0)
            yield from steps.fdatasync(fd)
            yield from steps.sync_directory(directory)
        except OSError:
            # How much of it is on the disk nobody knows: it is never gone on with.
            with suppress(OSError):
                yield from steps.unlink(path)
            raise

    if (yield from find_litter(directory, number)):
        yield from steps.unlink(path)
    yield from steps.opened(path, Mode.CREATE, write)
