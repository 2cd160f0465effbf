"""What is kept of a process's descriptors, whoever connects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.app.descriptors import KEPT, Room, room_for

FEW = st.integers(0, 20_000)


@given(FEW, FEW, st.integers(8, 100_000))
def test_what_is_kept_is_kept(imap: int, lmtp: int, descriptors: int) -> None:
    """All connections together leave 500 descriptors, or half of fewer than 1,000."""
    room = room_for(imap=imap, lmtp=lmtp, descriptors=descriptors)
    free = descriptors - min(KEPT, (descriptors + 1) // 2)
    assert 0 <= room.imap <= imap
    assert 0 <= room.lmtp <= lmtp
    assert sum(room) == min(imap + lmtp, free)
    for most, got in zip((imap, lmtp), room, strict=True):
        assert got >= min(most, free // 4)


@pytest.mark.parametrize(
    ("imap", "lmtp", "descriptors", "room"),
    [
        (10_000, 1_000, 1_048_576, Room(10_000, 1_000)),
        (10_000, 1_000, 4_096, Room(2_697, 899)),
        (10_000, 0, 4_096, Room(3_596, 0)),
        (0, 1_000, 4_096, Room(0, 1_000)),
        (10_000, 1_000, 700, Room(263, 87)),
        (10, 1_000, 700, Room(10, 340)),
    ],
)
def test_room(imap: int, lmtp: int, descriptors: int, room: Room) -> None:
    """LMTP has a quarter of what there is, or what IMAP leaves."""
    assert room_for(imap=imap, lmtp=lmtp, descriptors=descriptors) == room
