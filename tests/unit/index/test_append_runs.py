"""APPENDs that are read many at a time."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.append_runs import AppendRun, OperationOrRun, decode_in_runs
from imapbox.index.columns import CHUNK_ROWS, Columns
from imapbox.index.encoding import DamagedOperations, join_operations
from imapbox.index.operations import (
    NO_KEY,
    Append,
    Expunge,
    Operation,
    decode_operations,
)
from imapbox.index.uid_roll import UidRoll
from imapbox.model.numbers import Uid

Rows = list[tuple[object, ...]]
PAYLOAD = 1000

keywords = st.sampled_from([0, 1, 200, 256, 2**64 + 1, 2**130])
keys = st.sampled_from([NO_KEY, b"k" * 16])
# Runs of one length, and what interrupts them.
plans = st.lists(
    st.tuples(st.integers(1, 40), keywords, keys) | st.none(), min_size=1, max_size=6
)


def operations_of(plan: list[tuple[int, int, bytes] | None]) -> list[Operation]:
    """Return runs of APPENDs, no two alike, and an EXPUNGE for each None."""
    found: list[Operation] = []
    uid = 1
    for step in plan:
        if step is None:
            found.append(Expunge((range(1, 2),)))
            continue
        count, bits, key = step
        found += [message(uid + more, bits, key) for more in range(count)]
        uid += count
    return found


def message(uid: int, bits: int, key: bytes) -> Append:
    """Return an APPEND each of whose fields says its UID."""
    return Append(
        Uid(uid),
        uid + 9,
        bits,
        -uid,
        -uid,
        uid + 1,
        2**40 + uid,
        uid + 2,
        2**32 - uid,
        uid + 3,
        uid.to_bytes(16, "big"),
        key,
        card_size=2**32 - uid - 4,
        card_crc=2**32 - uid - 1,
    )


def table_of(columns: Columns, roll: UidRoll) -> Rows:
    """Return all that columns and a roll say."""
    rows = columns.alive_rows()
    names = ("uid", "flags", "modseq", "date", "zone", "savedate", "size", "segment")
    names += ("offset", "header_size", "header_crc", "content_crc", "card_size")
    table = [columns[name][rows].tolist() for name in (*names, "card_crc", "emailid")]
    table += [columns.keywords(rows), roll.now.tolist()]
    return list(zip(*table, strict=True))


def read(
    data: bytes, rows: int, decode: Callable[[bytes], Iterable[OperationOrRun]]
) -> tuple[Rows, list[tuple[bytes, int]]]:
    """Return the table and the keys of operations, decoded in one way."""
    columns, roll, offset = Columns(rows), UidRoll(rows), PAYLOAD
    found: list[tuple[bytes, int]] = []
    for each in decode(data):
        if isinstance(each, AppendRun):
            columns.extend(each, 7, 3, each.offsets(offset))
            roll.extend(each.fields["uid"])
            found += each.with_keys()
        elif isinstance(each, Append):
            columns.append(each, 7, 3, offset + each.card_size)
            roll.append(each.uid)
            found += [(each.key, each.uid)] if each.key != NO_KEY else []
        else:
            continue
        offset += each.payload_size
    return table_of(columns, roll), found


@given(plans, st.sampled_from([CHUNK_ROWS, 1, 4, 7]))
def test_many_at_a_time_they_say_what_they_say_one_by_one(
    plan: list[tuple[int, int, bytes] | None], rows: int
) -> None:
    """However APPENDs are read, the same messages come of them."""
    data = join_operations(each.encode() for each in operations_of(plan))
    assert read(data, rows, decode_in_runs) == read(data, rows, decode_operations)


@given(plans, st.data())
def test_what_is_cut_off_is_noticed(
    plan: list[tuple[int, int, bytes] | None], data: st.DataObject
) -> None:
    """Operations that end too soon are damaged, however they are read."""
    whole = join_operations(each.encode() for each in operations_of(plan))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        decode_operations(cut)
    except DamagedOperations:
        with pytest.raises(DamagedOperations):
            list(decode_in_runs(cut))
    else:
        assert read(cut, 4, decode_in_runs) == read(cut, 4, decode_operations)


def test_lengths_that_do_not_agree_are_not_a_run() -> None:
    """An APPEND with octets behind its keywords is read by itself."""
    first, second = message(1, 0, NO_KEY).encode(), message(2, 1, NO_KEY).encode()
    longer = first._replace(content=first.content + b"?")
    data = join_operations([longer, second, second])
    assert len(longer.content) == len(second.content)
    counts = [
        len(each) if isinstance(each, AppendRun) else 1 for each in decode_in_runs(data)
    ]
    assert counts == [1, 2]


def test_a_copy_of_thousands_is_one_table() -> None:
    """What comes in one frame of a hundred thousand messages are few arrays."""
    one = message(5, 3, NO_KEY)
    data = join_operations(
        one._replace(uid=Uid(uid)).encode() for uid in range(1, 100_001)
    )
    (run,) = decode_in_runs(data)
    assert isinstance(run, AppendRun)
    assert np.array_equal(run.fields["uid"], np.arange(1, 100_001))
