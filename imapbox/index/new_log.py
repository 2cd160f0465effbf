"""Writing a log anew in one segment, and taking it instead of the broken one.

Its number is two more than any that is there: what comes before a gap is no part
of a log. Its header is written last, when all the rest is durable: until then
nobody takes it for a segment. Then the head names its end, and only then what was
there before is removed. A crash before the head leaves the log that was there, or,
if the head is lost, the new one; both are marked as damaged still.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import PIECE
from imapbox.disk.steps import Steps
from imapbox.index.check_frames import Audit, Unsound, walk
from imapbox.index.encoding import Encoded, join_operations
from imapbox.index.frame import FrameContent, encode_frame, encode_trailer
from imapbox.index.head import Counts, Head, Position
from imapbox.index.head_file import HEAD
from imapbox.index.operations import Relocate
from imapbox.index.read import first_position
from imapbox.index.rotate import new_segment
from imapbox.index.segment import SEGMENT_HEADER_SIZE, SegmentHeader, segment_name
from imapbox.model.errors import StoreFailure

# So much goes into one frame.
_FRAME: Final = 4 * 1024 * 1024
_MOST: Final = 1000


class Carried(NamedTuple):
    """A message to be written into the new log.

    Attributes:
        operation: What is said of it.
        card: Its card.
        segment: In which its octets lie now.
        offset: Where there.
    """

    operation: Relocate
    card: bytes
    segment: int
    offset: int


class NewLog(NamedTuple):
    """What a new log is to hold.

    Attributes:
        number: Of its segment.
        base: Its first operation.
        features: Incompatible ones, that the base needs.
        counts: What is true at its end.
        time: Microseconds since 1970 UTC.
        messages: In the order of their UIDs.
    """

    number: int
    base: Encoded
    counts: Counts
    time: int
    messages: Sequence[Carried] = ()
    features: int = 0


def write_new_log(
    directory: str, log: NewLog, make_audit: Callable[[], Audit]
) -> Steps[Position]:
    """Write the segment, durably, and return the position behind its end.

    Raises:
        StoreFailure: What was read of the old log is not read twice alike, or
            what was written is not found again.
    """
    salt = int.from_bytes((yield from steps.random(4)), "little")
    segment = SegmentHeader(log.number, salt, log.features)
    octets, start = new_segment(segment, log.base, log.counts, log.time)

    def write(fd: int) -> Steps[Position]:
        at = start
        yield from steps.pwrite(fd, octets[SEGMENT_HEADER_SIZE:], SEGMENT_HEADER_SIZE)
        for group in _groups(log.messages):
            at = yield from _write_frame(directory, fd, at, log, group)
        yield from steps.fdatasync(fd)
        yield from steps.pwrite(fd, octets[:SEGMENT_HEADER_SIZE], 0)
        yield from steps.fdatasync(fd)
        return at

    path = f"{directory}/{segment_name(log.number)}"
    end = yield from steps.opened(path, Mode.CREATE, write)
    yield from steps.sync_directory(directory)
    try:
        first = first_position(log.number, salt)
        yield from walk(directory, first, end, make_audit())
    except Unsound as error:
        raise StoreFailure(error) from error
    return end


def write_head(directory: str, head: Head) -> Steps[None]:
    """Name the end of the new log, durably."""

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, head.encode(), 0)
        if (yield from steps.size(fd)) > len(head.encode()):
            yield from steps.truncate(fd, len(head.encode()))
        yield from steps.fdatasync(fd)

    yield from steps.opened(f"{directory}/{HEAD}", Mode.ENSURE, write)
    yield from steps.sync_directory(directory)


def _groups(messages: Sequence[Carried]) -> list[list[Carried]]:
    groups: list[list[Carried]] = []
    room = 0
    for each in messages:
        size = each.operation.payload_size
        if not groups or size > room or len(groups[-1]) >= _MOST:
            groups.append([])
            room = _FRAME
        groups[-1].append(each)
        room -= size
    return groups


def _write_frame(
    directory: str, fd: int, at: Position, log: NewLog, group: list[Carried]
) -> Steps[Position]:
    operations = join_operations(each.operation.encode() for each in group)
    size = sum(each.operation.payload_size for each in group)
    content = FrameContent(
        log.counts, operations, len(group), size, log.time, at.offset
    )
    header, end = encode_frame(at, content)
    waiting = [header]
    offset = at.offset
    for each in group:
        waiting.append(each.card)
        path = f"{directory}/{segment_name(each.segment)}"
        octets = yield from steps.opened(
            path,
            Mode.READ,
            partial(_copy, each=each, target=fd, offset=offset, waiting=waiting),
        )
        offset, waiting = octets
    waiting.append(encode_trailer(end.chain, len(operations), size, log.time))
    yield from steps.pwrite(fd, b"".join(waiting), offset)
    return end


def _copy(
    source: int, *, each: Carried, target: int, offset: int, waiting: list[bytes]
) -> Steps[tuple[int, list[bytes]]]:
    """Copy a message's octets; return what is not written yet, and its place."""
    message = each.operation.message
    crc = [0, 0]
    done = 0
    while done < message.size:
        octets = yield from steps.pread(
            source, min(PIECE, message.size - done), each.offset + done
        )
        own = max(0, message.header_size - done)
        crc = [zlib.crc32(octets[:own], crc[0]), zlib.crc32(octets[own:], crc[1])]
        if not octets:
            raise StoreFailure(each.segment, each.offset)
        done += len(octets)
        waiting.append(octets)
        if sum(map(len, waiting)) >= PIECE:
            yield from steps.pwrite(target, b"".join(waiting), offset)
            offset += sum(map(len, waiting))
            waiting = []
    if crc != [message.header_crc, message.content_crc]:
        raise StoreFailure(each.segment, each.offset)
    return offset, waiting
