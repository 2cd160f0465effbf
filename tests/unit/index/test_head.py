from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.head import DELETED, HEAD_SIZE, Counts, Head, Position

HEAD = Head(
    0xB0071234,
    Position(2, 65536, 0xC0FFEE, 0x5EED),
    Counts(9, 42, 3, 1, 1_700_000_000, 12345),
    DELETED,
)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
heads = st.builds(
    Head,
    u32,
    st.builds(Position, st.integers(0, 2**24 - 1), st.integers(0, 2**40 - 1), u32, u32),
    st.builds(Counts, u64, u32, u32, u32, u32, u64),
    u32,
)


@given(heads)
def test_round_trip(head: Head) -> None:
    """A head that was written says, when it is read, what was written."""
    data = head.encode()
    assert len(data) == HEAD_SIZE
    assert Head.decode(data) == head


def test_every_truncation_is_torn() -> None:
    """A head that is cut, or filled up with zeros, is no head."""
    data = HEAD.encode()
    for cut in range(HEAD_SIZE):
        assert Head.decode(data[:cut]) is None
        assert Head.decode(data[:cut].ljust(HEAD_SIZE, b"\0")) is None
    assert Head.decode(data + b"\0") is None


def test_every_flipped_bit_is_seen() -> None:
    """No single flipped bit yields a head."""
    data = HEAD.encode()
    for bit in range(8 * HEAD_SIZE):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert Head.decode(bytes(damaged)) is None, bit


@given(heads, heads, st.integers(1, HEAD_SIZE - 1))
def test_a_mixture_of_two_heads_is_torn(old: Head, new: Head, cut: int) -> None:
    """A head that was read while it was written is old, new, or none."""
    mixed = new.encode()[:cut] + old.encode()[cut:]
    assert Head.decode(mixed) in (None, old, new)
