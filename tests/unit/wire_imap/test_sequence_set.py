"""Sequence sets are ranges, however large the numbers in them."""

import time
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.sequence_set import (
    MAX_LENGTH,
    SequenceSet,
    parse_sequence_set,
)

NUMBERS = st.none() | st.integers(1, 30)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


def spelled(ranges, *, short: bool) -> bytes:
    """Return ranges as a client writes them."""

    def word(number) -> str:
        return "*" if number is None else str(number)

    return ",".join(
        word(a) if short and a == b else f"{word(a)}:{word(b)}" for a, b in ranges
    ).encode()


@given(RANGES, st.booleans(), st.integers(0, 40))
def test_set_means_what_it_says(ranges, short, largest) -> None:
    """A set resolves to the numbers in it, ascending, none twice."""
    parsed = parse_sequence_set(spelled(ranges, short=short))
    assert parsed == SequenceSet(tuple(ranges))
    meant = set()
    for pair in ranges:
        low, high = sorted(largest if end is None else end for end in pair)
        meant.update(range(low, high + 1))
    resolved = parsed.resolve(largest)
    assert [number for part in resolved for number in part] == sorted(meant)
    # They don't touch: there is no shorter way to say it.
    assert all(a.stop < b.start for a, b in pairwise(resolved))


@pytest.mark.parametrize(
    ("text", "largest", "resolved"),
    [
        (b"1", 5, (range(1, 2),)),
        (b"*", 5, (range(5, 6),)),
        (b"4:2", 9, (range(2, 5),)),
        (b"3291:*", 7, (range(7, 3292),)),
        (b"2,4:7,9,12:*", 15, (range(2, 3), range(4, 8), range(9, 10), range(12, 16))),
        (b"*:4,5:7", 10, (range(4, 11),)),
        (b"4294967295:1", 3, (range(1, 2**32),)),
        (b"1:3,4:5", 9, (range(1, 6),)),
        (b"1:*", 0, (range(2),)),
    ],
)
def test_examples(text, largest, resolved) -> None:
    """The RFC's examples mean what it says they mean."""
    assert parse_sequence_set(text).resolve(largest) == resolved


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"01",
        b"-3",
        b"+7",
        b" 1",
        b"1 ",
        b"1_000",
        "٣".encode(),
        b"1,",
        b",1",
        b"1::2",
        b"1:2:3",
        b":",
        b"1:",
        b"**",
        b"$",
        b"4294967296",
        b"9" * 23,
        b"1;2",
        b"1:4294967296",
        b"1\n",
        b"1," * 4100 + b"1",
    ],
)
def test_what_is_no_set(text) -> None:
    """What the grammar does not have, or more than 32 bits, is bad syntax."""
    with pytest.raises(BadSyntax):
        parse_sequence_set(text)


def test_bombs_are_cheap() -> None:
    """The largest sets that are read take little time and no memory to speak of."""
    wide = b"1:4294967295,4294967295:1,1:*"
    many = (b"1:4294967295," * 600)[:-1]
    dense = (b"1," * 4000)[:-1]
    sparse = b",".join(b"%d" % n for n in range(2, 3400, 2))
    tracemalloc.start()
    began = time.process_time()
    for text in (wide, many, dense, sparse):
        assert len(text) <= MAX_LENGTH
        parse_sequence_set(text).resolve(10)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.5
    assert peak < 4_000_000
