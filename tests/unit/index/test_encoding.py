import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.encoding import (
    DamagedOperations,
    Encoded,
    Reader,
    join_operations,
    pack_ranges,
    pack_text,
    ranges_of,
    split_operations,
)

encoded = st.builds(Encoded, st.integers(0, 0xFFFF), st.binary(max_size=30))


@given(st.lists(encoded))
def test_operations_come_back(operations: list[Encoded]) -> None:
    """What was joined is split into the same operations."""
    assert list(split_operations(join_operations(operations))) == operations


@given(st.lists(encoded, min_size=1))
def test_every_truncation_is_seen(operations: list[Encoded]) -> None:
    """Operations cut inside one of them are damaged, not fewer."""
    data = join_operations(operations)
    ends = {
        len(join_operations(operations[:count])) for count in range(len(operations))
    }
    for cut in set(range(len(data))) - ends:
        with pytest.raises(DamagedOperations):
            list(split_operations(data[:cut]))


@given(st.sets(st.integers(1, 60)))
def test_ranges_are_the_fewest(numbers: set[int]) -> None:
    """Numbers become ascending ranges that don't touch, and come back whole."""
    ranges = ranges_of(sorted(numbers))
    assert [n for one in ranges for n in one] == sorted(numbers)
    for low, high in itertools.pairwise(ranges):
        assert low[-1] + 1 < high[0]
    assert Reader(pack_ranges(ranges)).ranges() == ranges


@given(st.text(st.characters(codec="utf-8")))
def test_texts_come_back(text: str) -> None:
    """A text is read as it was written, and a cut one is seen."""
    data = pack_text(text)
    assert Reader(data).text() == text
    for cut in range(len(data)):
        with pytest.raises(DamagedOperations):
            Reader(data[:cut]).text()


def test_what_is_no_text_is_seen() -> None:
    """Octets that are no UTF-8 are damaged operations."""
    with pytest.raises(DamagedOperations):
        Reader(b"\x01\x00\xff").text()
