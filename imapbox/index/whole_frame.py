"""Reading a frame with its payload, every CRC checked."""

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    Frame,
    decode_frame,
    decode_header,
    encode_trailer,
    frame_size,
)
from imapbox.index.head import Position
from imapbox.index.payload import payload_intact


def whole_frame(fd: int, at: Position) -> Steps[tuple[Frame, bytes] | None]:
    """Return the frame at ``at`` and all its octets, or None if it is not whole."""
    header = decode_header(
        (yield from steps.pread(fd, FRAME_HEADER_SIZE, at.offset)), at.salt
    )
    if header is None:
        return None
    wanted = frame_size(header.operations_size, header.payload_size)
    octets = yield from steps.pread(fd, wanted, at.offset)
    frame = decode_frame(octets, at)
    if frame is None or len(octets) < wanted:
        return None
    start = FRAME_HEADER_SIZE + header.operations_size
    end = start + header.payload_size
    trailer = encode_trailer(
        frame.end.chain, header.operations_size, header.payload_size, frame.time
    )
    payload = memoryview(octets)[start:end]
    if octets[end:] != trailer or not payload_intact(frame.operations, payload):
        return None
    return frame, octets
