"""A frame of which one octet rotted, as it was."""

from collections.abc import Iterator

from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    Frame,
    chain_before,
    chain_start,
    decode_frame,
    decode_header,
    header_facts,
    salted,
)
from imapbox.index.head import Position
from imapbox.index.one_octet import with_one_mended


def mended_headers(data: bytes, salt: int, chain: int) -> Iterator[bytes]:
    """Return what a header may have been. The chain tells whether it was.

    Args:
        data: What is there.
        salt: Of the segment.
        chain: Of the frame before; -1: not known.
    """
    if len(data) < FRAME_HEADER_SIZE:
        return
    whole = salted(data, salt)
    if whole[4:8] == data[4:8]:
        yield whole  # the magic is wrong
        return
    crc = int.from_bytes(data[4:8], "little")
    checked = with_one_mended(data[8:], salt, crc)
    if checked is not None:
        yield data[:8] + checked
    if chain_before(data) == chain:
        yield whole  # the CRC is wrong; another log's header has another chain


def mend_operations(data: bytes, before: Position) -> Frame | None:
    """Return the frame, if but one octet of its operations is wrong.

    Args:
        data: Header and operations; the header is good.
        before: As the header says.
    """
    header = decode_header(data, before.salt)
    if header is None:
        return None
    operations = data[FRAME_HEADER_SIZE : FRAME_HEADER_SIZE + header.operations_size]
    chain = header_facts(data[:FRAME_HEADER_SIZE]).chain
    mended = with_one_mended(operations, chain_start(data), chain)
    if mended is None:
        return None
    return decode_frame(data[:FRAME_HEADER_SIZE] + mended, before)
