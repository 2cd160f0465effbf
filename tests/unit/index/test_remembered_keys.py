"""Delivery keys: found, forgotten, and what they cost."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index import remembered_keys as module
from imapbox.index.remembered_keys import RECORD, RememberedKeys, only_in_doubt

# Several have their first eight octets in common.
keys = st.builds(
    lambda begin, end: bytes([begin]) * 8 + bytes([end]) * 8,
    st.integers(1, 4),
    st.integers(1, 4),
)
steps = st.one_of(
    st.tuples(st.just("add"), keys, st.integers(0, 5)),
    st.tuples(st.just("find"), keys),
    st.tuples(st.just("forget"), st.integers(0, 60)),
    st.tuples(st.just("begin again")),
)


@given(st.lists(steps, max_size=60))
def test_they_are_what_a_list_says(history: list[tuple]) -> None:
    """A key has the uid and time that it was given last."""
    model: list[tuple[bytes, int, int]] = []
    remembered = RememberedKeys()
    time = 0
    for number, step in enumerate(history, start=1):
        match step:
            case ("add", key, later):
                time += later
                remembered.add(key, number, time)
                model.append((key, number, time))
            case ("find", key):
                known = [each[1:] for each in model if each[0] == key]
                found = remembered.find(key)
                assert found == (known[-1] if known else None)
            case ("forget", until):
                remembered.forget(until)
                kept = list(RECORD.iter_unpack(remembered.records()))
                assert set(model) - set(kept) <= {e for e in model if e[2] <= until}
                newer = [each for each in model if each[2] > until]
                assert list(RECORD.iter_unpack(remembered.records(until))) == newer
                model = kept
            case _:
                remembered = RememberedKeys(remembered.records())
    assert list(RECORD.iter_unpack(remembered.records())) == model
    assert len(remembered) == len(model)
    for uid in {uid for _, uid, _ in model}:
        (key,) = {key for key, of, _ in model if of == uid}
        newest = [at for each, at, _ in model if each == key][-1] == uid
        assert remembered.of([uid]) == ({uid: key} if newest else {})


def test_a_hundred_thousand_cost_four_megabytes() -> None:
    """A key costs 28 octets where it is only kept, 40 where it is looked for."""
    chance = random.Random(1)
    remembered = RememberedKeys()
    some = [chance.randbytes(16) for _ in range(100_000)]
    for number, key in enumerate(some):
        remembered.add(key, number, number)
    assert remembered.octets == 28 * len(some)
    assert remembered.find(some[17]) == (17, 17)
    assert remembered.octets == 40 * len(some)
    for number in range(900):
        remembered.add(chance.randbytes(16), 200_000 + number, 200_000)
    for number in range(0, len(some), 1000):
        assert remembered.find(some[number]) == (number, number)
    assert remembered.octets < 44 * len(some)


@given(st.integers(0, 40), st.integers(1, 6))
def test_of_too_many_the_newest_stay(count: int, most: int) -> None:
    """A BASE has no more than it may, memory no more than twice that."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MOST_KEYS", most)
        remembered = RememberedKeys()
        for uid in range(1, count + 1):
            remembered.add(bytes([uid]) * 16, uid, 7)
            remembered.forget(0)
            assert len(remembered) < 2 * most
        kept = [uid for _, uid, _ in RECORD.iter_unpack(remembered.records())]
    assert kept == list(range(max(1, count - most + 1), count + 1))
    assert [remembered.find(bytes([uid]) * 16) for uid in kept] == [
        (uid, 7) for uid in kept
    ]


def test_the_last_bit_says_how_long_a_key_counts() -> None:
    """A key whose last octet is odd counts only while it is in doubt."""
    assert only_in_doubt(bytes(15) + b"\x01")
    assert not only_in_doubt(b"\x01" * 15 + b"\x02")
