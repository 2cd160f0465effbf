"""Reading a frame with its payload, every CRC checked.

What is larger than a piece is read piece by piece, so that a COPY of any size
that a dead writer left costs no more memory than a small message.
"""

from collections.abc import Callable
from typing import Final

from imapbox.disk import steps
from imapbox.disk.spool import PIECE
from imapbox.disk.steps import Steps
from imapbox.index.damage import damage, write_over
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    Frame,
    FrameHeader,
    decode_frame,
    decode_header,
    encode_trailer,
    frame_size,
)
from imapbox.index.head import Position
from imapbox.index.payload import PartsCheck, parts_of, payload_intact

LARGE: Final = PIECE


def whole_frame(fd: int, at: Position) -> Steps[tuple[Frame, bytes] | None]:
    """Return the frame at ``at`` and all its octets, or None if it is not whole.

    Of one that is larger than `LARGE` no octets are returned.
    """
    header = decode_header(
        (yield from steps.pread(fd, FRAME_HEADER_SIZE, at.offset)), at.salt
    )
    if header is None:
        return None
    wanted = frame_size(header.operations_size, header.payload_size)
    if wanted > LARGE:
        large = yield from _read_through(fd, at, header, _nothing)
        return None if large is None else (large, b"")
    octets = yield from steps.pread(fd, wanted, at.offset)
    frame = decode_frame(octets, at)
    if frame is None or len(octets) < wanted:
        return None
    start = FRAME_HEADER_SIZE + header.operations_size
    end = start + header.payload_size
    payload = memoryview(octets)[start:end]
    if octets[end:] != _trailer(frame) or not payload_intact(frame.operations, payload):
        return None
    return frame, octets


def write_again(
    directory: str, fd: int, at: Position, frame: Frame, octets: bytes
) -> Steps[None]:
    """Write the very octets of a whole frame again where they are.

    Args:
        directory: The log's.
        fd: The segment, open for writing.
        at: Where the frame begins.
        frame: The frame.
        octets: What `whole_frame` returned with it.

    Raises:
        MailboxDamaged: It is another one by now; the mark is made.
        DiskFull: There was no room.
    """

    def write(piece: bytes, offset: int) -> Steps[None]:
        return write_over(directory, fd, piece, offset)

    if octets:
        yield from write(octets, frame.start)
        return
    header = FrameHeader(len(frame.operations), frame.payload_size, frame.batch)
    if (yield from _read_through(fd, at, header, write)) != frame:
        reason = f"what is at {frame.start} is not read twice alike"
        raise (yield from damage(directory, reason))


def _read_through(
    fd: int,
    at: Position,
    header: FrameHeader,
    take: Callable[[bytes, int], Steps[None]],
) -> Steps[Frame | None]:
    """Give ``take`` a frame piece by piece; return it, or None if it is not whole."""
    start = at.offset
    octets = yield from steps.pread(
        fd, FRAME_HEADER_SIZE + header.operations_size, start
    )
    frame = decode_frame(octets, at)
    if frame is None:
        return None
    yield from take(octets, start)
    check = PartsCheck(parts_of(frame.operations))
    end = frame.payload_start + frame.payload_size
    for offset in range(frame.payload_start, end, PIECE):
        piece = yield from steps.pread(fd, min(PIECE, end - offset), offset)
        check.feed(piece)
        yield from take(piece, offset)
    trailer = _trailer(frame)
    found = yield from steps.pread(fd, len(trailer), end)
    yield from take(found, end)
    return frame if found == trailer and check.intact else None


def _nothing(_piece: bytes, _offset: int) -> Steps[None]:
    yield from ()


def _trailer(frame: Frame) -> bytes:
    return encode_trailer(
        frame.end.chain, len(frame.operations), frame.payload_size, frame.time
    )
