"""Reading all of a segment that can be read, whatever is broken in it.

Where the chain breaks, the next header is looked for whose CRC, begun with the
segment's salt, holds: no message can contain one. What lies between is a gap. A
frame whose header holds and whose operations don't is a gap, too, of which the
ends are known. Where it is one octet of a header or of operations that rotted, it
is found by the CRC (`one_octet`), and there is no gap. Nothing is written.
"""

import errno
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    MAGIC,
    Frame,
    HeaderFacts,
    chain_before,
    decode_frame,
    decode_header,
    frame_size,
    header_facts,
)
from imapbox.index.head import Position
from imapbox.index.mended_frame import mend_operations, mended_headers
from imapbox.index.operations import Switch
from imapbox.index.read import switch_of
from imapbox.index.segment import SEGMENT_HEADER_SIZE, SegmentHeader, segment_name

_PIECE: Final = 1024 * 1024
_BLOCK: Final = 4096


class Gap(NamedTuple):
    """A stretch of a segment that can't be read as frames.

    Attributes:
        segment: The number of the segment.
        start: Where it begins.
        end: Where it ends.
        facts: What the header says of the frame that it is, if that can be read.
        time: Of what was read before; microseconds since 1970 UTC.
        chain: Chain value of the frame that ends it, as that one's header says, or
            as the frame behind it does.
    """

    segment: int
    start: int
    end: int
    facts: HeaderFacts | None
    time: int
    chain: int | None


@dataclass(slots=True)
class Scan:
    """What was found in one segment.

    Attributes:
        number: Of the segment.
        size: Of its file.
        begins: Whether its header is good.
        salt: As its header says, or as it was guessed.
        items: Frames and gaps, in their order.
        switch: Where the log goes on, if the last frame says so.
    """

    number: int
    size: int = 0
    begins: bool = False
    salt: int = 0
    items: list[Frame | Gap] = field(default_factory=list)
    switch: Switch | None = None

    @property
    def frames(self) -> list[Frame]:
        """Return the frames that can be read."""
        return [item for item in self.items if isinstance(item, Frame)]

    @property
    def is_whole(self) -> bool:
        """Say whether there is nothing in it that could not be read."""
        return self.begins and len(self.frames) == len(self.items) > 0


def scan_segment(directory: str, number: int, salts: Iterable[int]) -> Steps[Scan]:
    """Read what can be read of a segment.

    Args:
        directory: The log's.
        number: Of the segment.
        salts: What others say that its salt is. They are believed where the header
            is lost, or frames have that salt, though the header names another.

    Raises:
        UnknownFormat: It is of a format that this imapbox can not read.
        OSError: It can't be opened.
    """

    def scan(fd: int) -> Steps[Scan]:
        size = yield from steps.size(fd)
        start = yield from read_readable(fd, SEGMENT_HEADER_SIZE + FRAME_HEADER_SIZE, 0)
        header = SegmentHeader.decode(start[:SEGMENT_HEADER_SIZE])
        if header is not None and header.number == number:
            found = Scan(number, size, begins=True, salt=header.salt)
            yield from _scan(fd, found)
            for salt in {*salts} - {header.salt}:
                # Perhaps its beginning was overwritten with another's.
                other = Scan(number, size, salt=salt)
                yield from _scan(fd, other)
                if other.frames:
                    return other
            return found
        first = start[SEGMENT_HEADER_SIZE:]
        guesses = [*salts]
        if len(first) == FRAME_HEADER_SIZE:
            guesses.append(chain_before(first))  # of the first frame it is the salt
        scans: list[Scan] = []
        for salt in guesses:
            scans.append(Scan(number, size, salt=salt))
            yield from _scan(fd, scans[-1])
            if scans[-1].frames:
                return scans[-1]
        return scans[0] if scans else Scan(number, size)  # as others say it is

    path = f"{directory}/{segment_name(number)}"
    return (yield from steps.opened(path, Mode.READ, scan))


def read_readable(fd: int, size: int, offset: int) -> Steps[bytes]:
    """Return octets; zeros for blocks that the disk can't read.

    Of what lies before such a block the kernel may return fewer octets than were
    asked for, as at the end of the file, or none at all.
    """
    octets, step = bytearray(), size
    while len(octets) < size:
        at, left = offset + len(octets), size - len(octets)
        step = min(step, left)
        try:
            piece = yield from steps.pread(fd, step, at)
            step *= 2
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            block = _BLOCK - at % _BLOCK
            if step > block:
                step = max(block, step // 2)
                continue
            length = yield from steps.size(fd)
            piece = bytes(max(0, min(block, left, length - at)))
        if not piece:
            break
        octets += piece
    return bytes(octets)


def _scan(fd: int, found: Scan) -> Steps[None]:
    at, chain, time = SEGMENT_HEADER_SIZE, found.salt, 0
    while at < found.size and found.switch is None:
        data = yield from read_readable(fd, FRAME_HEADER_SIZE, at)
        header = decode_header(data, found.salt)
        if header is None:
            mended = yield from _mend_header(fd, data, found, at, chain)
            if mended is not None:
                found.items.append(mended)
                _see_switch(found, mended)
                at, chain, time = mended.end.offset, mended.end.chain, mended.time
                continue
            following = yield from _next_header(fd, found, at + 1, found.size)
            if following is None and not (yield from _anything(fd, found.size, at)):
                return
            end, last = found.size, None
            if following is not None:
                end = following
                behind = yield from read_readable(fd, FRAME_HEADER_SIZE, end)
                last = chain_before(behind)
            found.items.append(Gap(found.number, at, end, None, time, last))
            at, chain = end, -1
            continue
        facts = header_facts(data)
        size = FRAME_HEADER_SIZE + header.operations_size
        before = Position(found.number, at, chain_before(data), found.salt)
        octets = yield from read_readable(fd, size, at)
        frame = decode_frame(octets, before) or mend_operations(octets, before)
        end = at + frame_size(header.operations_size, header.payload_size)
        if frame is None:
            found.items.append(
                Gap(found.number, at, end, facts, facts.time, facts.chain)
            )
        else:
            if before.chain != chain and chain >= 0:
                # It follows a frame that is not there: something was overwritten.
                found.items.append(Gap(found.number, at, at, None, time, before.chain))
            found.items.append(frame)
            _see_switch(found, frame)
        at = yield from _behind(fd, found, at + size, end, facts.chain)
        chain, time = facts.chain, facts.time


def _behind(fd: int, found: Scan, start: int, end: int, chain: int) -> Steps[int]:
    """Return where to go on behind a frame that says it ends at ``end``.

    If nothing follows it there, it may have been moved: then what begins where its
    payload would be is no part of it.
    """
    data = yield from read_readable(fd, FRAME_HEADER_SIZE, end)
    header = decode_header(data, found.salt)
    if header is not None and chain_before(data) == chain:
        return end
    inside = yield from _next_header(fd, found, start, min(end, found.size))
    return end if inside is None else inside


def _see_switch(found: Scan, frame: Frame) -> None:
    with suppress(DamagedOperations):
        following = switch_of(frame)
        if following is not None:
            found.switch = Switch(following.segment, following.salt)


def _mend_header(
    fd: int, data: bytes, found: Scan, at: int, chain: int
) -> Steps[Frame | None]:
    """Return the frame that is here, if but one octet of its header is wrong."""
    for each in mended_headers(data, found.salt, chain):
        header = decode_header(each, found.salt)
        if header is None:
            continue
        before = Position(found.number, at, chain_before(each), found.salt)
        start = at + FRAME_HEADER_SIZE
        operations = yield from read_readable(fd, header.operations_size, start)
        frame = decode_frame(each + operations, before)
        if frame is not None:
            return frame
    return None


def _next_header(fd: int, found: Scan, start: int, end: int) -> Steps[int | None]:
    """Return where the next header is that holds, if one begins before ``end``."""
    for offset in range(start, end, _PIECE):
        octets = yield from read_readable(fd, _PIECE + FRAME_HEADER_SIZE, offset)
        at = octets.find(MAGIC)
        while 0 <= at < min(_PIECE, end - offset):
            data = octets[at : at + FRAME_HEADER_SIZE]
            if decode_header(data, found.salt) is not None:
                return offset + at
            at = octets.find(MAGIC, at + 1)
    return None


def _anything(fd: int, size: int, start: int) -> Steps[bool]:
    for offset in range(start, size, _PIECE):
        if any((yield from read_readable(fd, _PIECE, offset))):
            return True
    return False
