import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.encoding import join_operations
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    FRAME_TRAILER_SIZE,
    Frame,
    FrameContent,
    decode_frame,
    decode_header,
    encode_frame,
    encode_trailer,
    frame_size,
    trailer_time,
)
from imapbox.index.head import Counts, Position
from imapbox.index.operations import Expunge, Keyword
from imapbox.index.payload import payload_intact

BEFORE = Position(3, 4096, 0xC0FFEE, 0x5EED)
COUNTS = Counts(7, 12, 3, 2, 1_700_000_000, 999)
OPERATIONS = join_operations([Keyword("$Work").encode()])
CONTENT = FrameContent(COUNTS, OPERATIONS, 1, 0, 1_700_000_000_000_000, 4096)
HEAD, END = encode_frame(BEFORE, CONTENT)
TRAILER = encode_trailer(END.chain, len(OPERATIONS), 0, CONTENT.time)

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
counts = st.builds(Counts, u64, u32, u32, u32, u32, u64)
positions = st.builds(
    Position, st.integers(1, 2**24 - 1), st.integers(64, 2**39), u32, u32
)


def test_a_frame_ends_at_a_multiple_of_8() -> None:
    """Whatever is in a frame, the next one begins at a multiple of eight."""
    for operations in range(40):
        for payload in range(40):
            assert frame_size(operations, payload) % 8 == 0


@given(positions, counts, st.binary(max_size=200), u64, st.integers(0, 10**6))
def test_round_trip(
    before: Position, after: Counts, operations: bytes, time: int, payload: int
) -> None:
    """A frame that was written says, when it is read, what was written."""
    content = FrameContent(after, operations, 1, payload, time, before.offset)
    data, end = encode_frame(before, content)
    assert decode_frame(data, before) == Frame(
        before.offset, end, after, time, before.offset, operations, payload
    )
    trailer = encode_trailer(end.chain, len(operations), payload, time)
    size = len(data) + payload + len(trailer)
    assert end.offset == before.offset + size
    assert trailer_time(trailer[-FRAME_TRAILER_SIZE:], end.chain) == time


def test_every_truncation_is_torn() -> None:
    """A frame cut anywhere in its header or operations is not there."""
    for cut in range(len(HEAD)):
        assert decode_frame(HEAD[:cut], BEFORE) is None
        assert decode_frame(HEAD[:cut].ljust(len(HEAD), b"\0"), BEFORE) is None


def test_every_flipped_bit_is_seen() -> None:
    """No single flipped bit in header or operations yields a frame."""
    for bit in range(8 * len(HEAD)):
        damaged = bytearray(HEAD)
        damaged[bit // 8] ^= 1 << bit % 8
        assert decode_frame(bytes(damaged), BEFORE) is None, bit


def test_every_flipped_bit_of_the_header_is_seen_by_a_scan() -> None:
    """Who looks for a later batch takes nothing else for a header."""
    assert decode_header(HEAD, BEFORE.salt) is not None
    for bit in range(8 * FRAME_HEADER_SIZE):
        damaged = bytearray(HEAD)
        damaged[bit // 8] ^= 1 << bit % 8
        assert decode_header(bytes(damaged), BEFORE.salt) is None, bit


def test_every_damage_of_a_trailer_is_seen() -> None:
    """A trailer that is cut, has a flipped bit, or is another frame's has no time."""
    trailer = TRAILER[-FRAME_TRAILER_SIZE:]
    for cut in range(FRAME_TRAILER_SIZE):
        assert trailer_time(trailer[:cut], END.chain) is None
        assert trailer_time(trailer[:cut].ljust(16, b"\0"), END.chain) is None
    for bit in range(8 * FRAME_TRAILER_SIZE):
        damaged = bytearray(trailer)
        damaged[bit // 8] ^= 1 << bit % 8
        assert trailer_time(bytes(damaged), END.chain) is None
        assert trailer_time(trailer, END.chain ^ 1 << bit % 32) is None


@pytest.mark.parametrize(
    "before",
    [
        BEFORE._replace(chain=BEFORE.chain ^ 1),
        BEFORE._replace(salt=BEFORE.salt ^ 1),
        END,
    ],
    ids=["another frame", "another segment", "behind itself"],
)
def test_a_frame_follows_only_its_own(before: Position) -> None:
    """A frame's bytes are no frame behind another frame or in another segment."""
    assert decode_frame(HEAD, BEFORE) is not None
    assert decode_frame(HEAD, before) is None


def test_a_frame_is_bound_to_its_place_by_the_chain() -> None:
    """A copy of a frame behind a later frame of the segment is not taken for one."""
    _, later = encode_frame(END, CONTENT)
    assert decode_frame(HEAD, later) is None


@given(st.binary(min_size=FRAME_HEADER_SIZE, max_size=300))
def test_what_a_stranger_wrote_is_no_header(data: bytes) -> None:
    """Mail that imitates a header can not know the salt."""
    imitation = b"IBF0" + zlib.crc32(data[8:96]).to_bytes(4, "little") + data[8:]
    assert decode_header(imitation, BEFORE.salt) is None
    assert decode_frame(imitation, BEFORE) is None


def test_a_payload_that_nothing_refers_to_is_not_intact() -> None:
    """Operations account for every byte of the payload."""
    operations = join_operations([Expunge((range(1, 2),)).encode()])
    assert payload_intact(operations, memoryview(b""))
    assert not payload_intact(operations, memoryview(b"x"))
