"""A frame: one transaction in the log.

Little-endian, beginning at a multiple of 8::

    offset  size  field
         0     4  magic "IBF0"
         4     4  CRC-32 of bytes 8 to 96, begun with the segment's salt
         8     4  o: length of the operations
        12     4  count of the operations
        16     8  p: length of the payload (cards and bodies)
        24     8  modseq: HIGHESTMODSEQ after this frame
        32     8  time: microseconds since 1970 UTC, never before the last frame's
        40     8  batch: offset of the first frame written in the same write
        48     8  live: octets of all messages that exist, after this frame
        56     4  UIDNEXT after this frame
        60     4  exists: messages after this frame
        64     4  unseen: messages without the Seen flag after this frame
        68     4  UIDVALIDITY
        72     4  chain value of the frame before; of the first: the salt
        76     4  chain value: CRC-32 of bytes 8 to 76 and of the operations,
                  begun with the chain value of the frame before
        80    16  zero
        96     o  operations (see `operations`)
         -     p  payload: what the operations refer to, in their order
         -   0-7  zeros, to a multiple of 8
         -     8  time, again
         -     4  length of the whole frame, divided by 8
         -     4  CRC-32 of the 12 bytes before, begun with the chain value

A frame is valid if all of it is there, both CRCs match and its chain value
before is the one of the frame that it follows. The operations hold the CRCs of
the payload: whoever only follows the log reads no payload, whoever adopts a
frame checks it all. The CRC of the header alone, salted, lets a scan tell a
later batch from the bodies of mail, which can't know the salt. Its last 16
bytes can be read from its end, by whoever knows only where it ends and its chain
value, as the head does.
"""

import struct
import zlib
from typing import Any, Final, NamedTuple

from imapbox.index.head import Counts, Position

FRAME_HEADER_SIZE: Final = 96
FRAME_TRAILER_SIZE: Final = 16
MAGIC: Final = b"IBF0"
_UNIT: Final = 8

_CRC = struct.Struct("<I")
_FIELDS = struct.Struct("<IIQQQQQIIIII")
_CHAIN = struct.Struct("<I16x")
_TRAILER = struct.Struct("<QI")


class Frame(NamedTuple):
    """A frame that was read, without its payload.

    Attributes:
        start: Where it begins.
        end: The position behind it.
        counts: What is true after it.
        time: Microseconds since 1970 UTC.
        batch: Offset of the first frame of its batch.
        operations: Their bytes.
        payload_size: In bytes.
    """

    start: int
    end: Position
    counts: Counts
    time: int
    batch: int
    operations: bytes
    payload_size: int

    @property
    def payload_start(self) -> int:
        """Return where in the segment the payload begins."""
        return self.start + FRAME_HEADER_SIZE + len(self.operations)


class FrameHeader(NamedTuple):
    """The lengths that a header names, before its chain is checked."""

    operations_size: int
    payload_size: int
    batch: int


def frame_size(operations_size: int, payload_size: int) -> int:
    """Return the length of a whole frame."""
    content = FRAME_HEADER_SIZE + operations_size + payload_size
    return content + -content % _UNIT + FRAME_TRAILER_SIZE


class FrameContent(NamedTuple):
    """What is to be written as a frame, but for its payload.

    Attributes:
        counts: What is true after it.
        operations: Their bytes.
        operation_count: How many they are.
        payload_size: In bytes.
        time: Microseconds since 1970 UTC.
        batch: Offset of the first frame of its batch.
    """

    counts: Counts
    operations: bytes
    operation_count: int
    payload_size: int
    time: int
    batch: int


def encode_frame(before: Position, content: FrameContent) -> tuple[bytes, Position]:
    """Return a frame's header and operations, and the position behind it."""
    operations, counts = content.operations, content.counts
    fields = _FIELDS.pack(
        len(operations),
        content.operation_count,
        content.payload_size,
        counts.modseq,
        content.time,
        content.batch,
        counts.live,
        counts.uidnext,
        counts.exists,
        counts.unseen,
        counts.uidvalidity,
        before.chain,
    )
    chain = zlib.crc32(operations, zlib.crc32(fields, before.chain))
    checked = fields + _CHAIN.pack(chain)
    header = MAGIC + _CRC.pack(zlib.crc32(checked, before.salt)) + checked
    size = frame_size(len(operations), content.payload_size)
    end = before._replace(offset=before.offset + size, chain=chain)
    return header + operations, end


def encode_trailer(
    chain: int, operations_size: int, payload_size: int, time: int
) -> bytes:
    """Return what follows a frame's payload."""
    padding = -(operations_size + payload_size) % _UNIT
    size = frame_size(operations_size, payload_size)
    trailer = _TRAILER.pack(time, size // _UNIT)
    return bytes(padding) + trailer + _CRC.pack(zlib.crc32(trailer, chain))


def trailer_time(trailer: bytes, chain: int) -> int | None:
    """Return the time of the frame whose last 16 bytes these are.

    Returns:
        None if they are not the last ones of a frame with this chain value.
    """
    if len(trailer) != FRAME_TRAILER_SIZE:
        return None
    content, crc = trailer[: _TRAILER.size], trailer[_TRAILER.size :]
    if _CRC.unpack(crc)[0] != zlib.crc32(content, chain):
        return None
    time: int = _TRAILER.unpack(content)[0]
    return time


def trailer_size(trailer: bytes, chain: int) -> int | None:
    """Return the length of the frame whose last 16 bytes these are.

    Returns:
        None if they are not the last ones of a frame with this chain value.
    """
    if trailer_time(trailer, chain) is None:
        return None
    units: int = _TRAILER.unpack_from(trailer)[1]
    return units * _UNIT


def chain_before(header: bytes) -> int:
    """Return the chain value that a frame's header says was before it."""
    chain: int = _FIELDS.unpack_from(header, 8)[11]
    return chain


def decode_header(data: bytes, salt: int) -> FrameHeader | None:
    """Read the lengths; None if these bytes are no header of this segment."""
    if len(data) < FRAME_HEADER_SIZE or not data.startswith(MAGIC):
        return None
    if _CRC.unpack_from(data, 4)[0] != zlib.crc32(data[8:FRAME_HEADER_SIZE], salt):
        return None
    fields = _FIELDS.unpack_from(data, 8)
    return FrameHeader(fields[0], fields[2], fields[5])


class HeaderFacts(NamedTuple):
    """What the header of a frame says whose operations can't be read.

    Attributes:
        counts: What is true after it.
        time: Microseconds since 1970 UTC.
        chain: Its chain value.
        operation_count: How many operations it has.
    """

    counts: Counts
    time: int
    chain: int
    operation_count: int


def header_facts(header: bytes) -> HeaderFacts:
    """Read them; `decode_header` has checked these bytes."""
    fields = _FIELDS.unpack_from(header, 8)
    (chain,) = _CHAIN.unpack_from(header, 8 + _FIELDS.size)
    return HeaderFacts(_counts(fields), fields[4], chain, fields[1])


def decode_frame(data: bytes, before: Position) -> Frame | None:
    """Read the frame at ``before`` from its header and operations.

    Returns:
        None if the bytes are too few, not a frame's, or not the frame that
        follows ``before``.
    """
    header = decode_header(data, before.salt)
    if header is None:
        return None
    operations = data[FRAME_HEADER_SIZE : FRAME_HEADER_SIZE + header.operations_size]
    fields = _FIELDS.unpack_from(data, 8)
    chain = zlib.crc32(operations, zlib.crc32(data[8 : 8 + _FIELDS.size], before.chain))
    if (
        len(operations) < header.operations_size
        or fields[11] != before.chain
        or _CHAIN.unpack_from(data, 8 + _FIELDS.size)[0] != chain
    ):
        return None
    size = frame_size(header.operations_size, header.payload_size)
    return Frame(
        start=before.offset,
        end=before._replace(offset=before.offset + size, chain=chain),
        counts=_counts(fields),
        time=fields[4],
        batch=fields[5],
        operations=operations,
        payload_size=header.payload_size,
    )


def salted(header: bytes, salt: int) -> bytes:
    """Return a header with the magic and the CRC that its other octets should have."""
    checked = header[8:FRAME_HEADER_SIZE]
    return MAGIC + _CRC.pack(zlib.crc32(checked, salt)) + checked


def chain_start(header: bytes) -> int:
    """Return what the CRC of a frame's operations is begun with."""
    return zlib.crc32(header[8 : 8 + _FIELDS.size], chain_before(header))


def _counts(fields: tuple[Any, ...]) -> Counts:
    return Counts(
        modseq=fields[3],
        uidnext=fields[7],
        exists=fields[8],
        unseen=fields[9],
        uidvalidity=fields[10],
        live=fields[6],
    )
