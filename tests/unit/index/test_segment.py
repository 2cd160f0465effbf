import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.segment import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    segment_name,
    segment_numbers,
)
from imapbox.model.errors import UnknownFormat

u32 = st.integers(0, 2**32 - 1)


def with_features(data: bytes, *features: int) -> bytes:
    """Return a header of another version and with feature bits, its CRC right."""
    content = data[:8] + struct.pack("<HHHH", *features) + data[16:60]
    return content + zlib.crc32(content).to_bytes(4, "little")


@given(u32, u32)
def test_round_trip(number: int, salt: int) -> None:
    """A segment's header says its number and its salt."""
    data = SegmentHeader(number, salt).encode()
    assert len(data) == SEGMENT_HEADER_SIZE
    assert SegmentHeader.decode(data) == SegmentHeader(number, salt)


def test_every_truncation_is_torn() -> None:
    """A header that is cut, or filled up with zeros, is no header."""
    data = SegmentHeader(7, 0x5EED).encode()
    for cut in range(SEGMENT_HEADER_SIZE):
        assert SegmentHeader.decode(data[:cut]) is None
        assert SegmentHeader.decode(data[:cut].ljust(64, b"\0")) is None


def test_every_flipped_bit_is_seen() -> None:
    """No single flipped bit yields a header, nor is taken for a newer format."""
    data = SegmentHeader(7, 0x5EED).encode()
    for bit in range(8 * SEGMENT_HEADER_SIZE):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert SegmentHeader.decode(bytes(damaged)) is None, bit


@pytest.mark.parametrize("features", [(2, 0, 0, 0), (1, 0, 1, 0), (1, 0, 0, 2)])
def test_newer_formats_are_refused(features: tuple[int, ...]) -> None:
    """A newer version, or a feature one must know, is refused with a sentence."""
    data = with_features(SegmentHeader(7, 0x5EED).encode(), *features)
    with pytest.raises(UnknownFormat) as refused:
        SegmentHeader.decode(data)
    assert "newer imapbox" in refused.value.sentence()


def test_compatible_features_are_ignored() -> None:
    """A feature that nobody must know changes nothing."""
    data = with_features(SegmentHeader(7, 0x5EED).encode(), 1, 0xFFFF, 0, 0)
    assert SegmentHeader.decode(data) == SegmentHeader(7, 0x5EED)


@given(st.lists(st.integers(1, 10**6), unique=True))
def test_only_segments_are_segments(numbers: list[int]) -> None:
    """Copies of what was cut, other files, and odd numbers are no segments."""
    others = ["log.1.cut.1", "log.01", "log.", "log", "head", "log.x", "snap.1"]
    others.append("log.\u0661")  # a one in Arabic
    names = [*map(segment_name, numbers), *others]
    assert segment_numbers(names) == sorted(numbers)
