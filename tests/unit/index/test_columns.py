from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.body import Place
from imapbox.index.columns import CHUNK_ROWS, Columns
from imapbox.index.encoding import ranges_of
from imapbox.index.operations import Append, Flags

u32 = st.integers(0, 2**32 - 1)
masks = st.randoms(use_true_random=False).map(lambda dice: dice.getrandbits(256)) | (
    st.integers(0, 255).map(lambda bit: 1 << bit)
)
uid_sets = st.sets(st.integers(1, 12), max_size=8)
# The usual, and so small that most of what is done concerns several chunks.
chunks = st.sampled_from([CHUNK_ROWS, 1, 2, 4])
events = st.lists(
    st.tuples(st.just("append"), u32, masks)
    | st.tuples(st.just("flags"), uid_sets, u32, u32, masks, masks)
    | st.tuples(st.just("expunge"), st.integers(1, 60), st.integers(1, 10))
    | st.just(("drop",)),
    min_size=15,
    max_size=40,
)


def message(uid: int, flags: int, keywords: int) -> Append:
    """Return an APPEND each of whose fields says its UID."""
    return Append(
        uid,
        flags,
        keywords,
        -uid,
        -uid,
        uid + 1,
        2**40 + uid,
        uid + 2,
        2**32 - uid,
        uid + 3,
        uid.to_bytes(16, "big"),
        card_size=uid + 4,
        card_crc=2**32 - uid - 1,
    )


class Model:
    """Rows as a dictionary: flags, keywords, modseq, alive."""

    def __init__(self) -> None:
        self.rows: dict[int, list[Any]] = {}

    def change(self, operation: Flags, modseq: int) -> None:
        for uids in operation.uids:
            for uid in uids:
                if uid in self.rows:
                    row = self.rows[uid]
                    row[:2] = operation.apply(*row[:2])
                    row[2] = modseq

    def expunge(self, first: int, count: int) -> list[int]:
        gone = [
            uid
            for uid, row in self.rows.items()
            if uid in range(first, first + count) and row[3]
        ]
        for uid in gone:
            self.rows[uid][3] = False
        return gone

    def drop_dead(self, left: set[int]) -> None:
        assert {uid for uid, row in self.rows.items() if row[3]} <= left
        self.rows = {uid: row for uid, row in self.rows.items() if uid in left}
        dead = sum(not row[3] for row in self.rows.values())
        assert dead * 2 <= len(self.rows)

    def alive(self) -> dict[int, list[Any]]:
        return {uid: row for uid, row in self.rows.items() if row[3]}


@pytest.mark.slow
@given(events, chunks)
def test_columns_are_a_table(events: list, chunk_rows: int) -> None:
    """Columns hold what a dictionary of rows would, with up to 256 keywords."""
    columns, model = Columns(chunk_rows), Model()
    uid = modseq = 1
    for event in events:
        modseq += 1
        match event:
            case ("append", flags, keywords):
                columns.append(message(uid, flags, keywords), modseq, 3, uid * 100)
                model.rows[uid] = [flags, keywords, modseq, True]
                uid += 1
            case ("flags", uids, add, remove, add_keywords, remove_keywords):
                ranges = ranges_of(sorted(uids))
                operation = Flags(ranges, add, remove, add_keywords, remove_keywords)
                columns.change_flags(operation, modseq)
                model.change(operation, modseq)
            case ("expunge", first, count):
                rows = columns.expunge([range(first, first + count)])
                assert columns["uid"][rows].tolist() == model.expunge(first, count)
            case ("drop",):
                columns.drop_dead()
                model.drop_dead(set(columns["uid"].tolist()))
        assert_same(columns, model)


def assert_same(columns: Columns, model: Model) -> None:
    uids = columns["uid"].tolist()
    assert uids == list(model.rows)
    assert columns.size == len(uids)
    rows = columns.rows_of(np.array(uids, np.uint32))
    assert np.all(np.diff(rows) > 0)
    found = zip(
        columns["flags"][rows].tolist(),
        columns.keywords(rows),
        columns["modseq"][rows].tolist(),
        columns["alive"][rows].tolist(),
        strict=True,
    )
    assert list(map(list, found)) == list(model.rows.values())
    assert columns["uid"][rows[::-1]].tolist() == uids[::-1]
    alive = model.alive()
    assert columns["uid"][columns.alive_rows()].tolist() == list(alive)
    for flag in (1, 2**31):
        having = [uid for uid, row in alive.items() if row[0] & flag]
        lacking = [uid for uid, row in alive.items() if not row[0] & flag]
        assert columns.uids_with(flag).tolist() == having
        assert columns.first_without(flag) == (lacking[0] if lacking else None)
    runs = columns.runs_of(columns["uid"][rows])
    assert runs.read("flags").tolist() == [row[0] for row in model.rows.values()]
    some = columns.runs_of(columns["uid"][rows][::2])
    assert some.read("uid").tolist() == uids[::2]
    for number in (0, 63, 64, 255):
        having = [bool(row[1] >> number & 1) for row in model.rows.values()]
        assert runs.with_keyword(number).tolist() == having
    for row, uid in zip(rows.tolist(), uids, strict=True):
        assert columns.rows_of(np.array([uid], np.uint32)).tolist() == [row]
        assert columns.keywords_of(row) == model.rows[uid][1]
        assert columns.place(row) == place_of(uid)
        fields = ("date", "zone", "savedate")
        assert [int(columns[name][row]) for name in fields] == [-uid, -uid, uid + 1]
        assert bytes(columns["emailid"][row]) == uid.to_bytes(16, "big")


def place_of(uid: int) -> Place:
    """Return where the message of `message` lies."""
    return Place(
        segment=3,
        offset=uid * 100,
        size=2**40 + uid,
        header_size=uid + 2,
        header_crc=2**32 - uid,
        content_crc=uid + 3,
        card_size=uid + 4,
        card_crc=2**32 - uid - 1,
    )


@pytest.mark.slow
@given(events, events, chunks)
def test_frozen_rows_stay_as_they_were(
    before: list, after: list, chunk_rows: int
) -> None:
    """What was frozen is what was there, whatever happens to the columns then."""
    columns = Columns(chunk_rows)
    _play(columns, before, first=1)
    names = ("uid", "flags", "modseq", "alive", "keywords.0", "keywords.3", "offset")
    frozen = columns.freeze()
    kept = [{name: each.read(name).tolist() for name in names} for each in frozen]
    _play(columns, after, first=100)
    now = [{name: each.read(name).tolist() for name in names} for each in frozen]
    assert now == kept


def _play(columns: Columns, events: list, first: int) -> None:
    uid = first
    for modseq, event in enumerate(events, start=first):
        match event:
            case ("append", flags, keywords):
                columns.append(message(uid, flags, keywords), modseq, 3, uid * 100)
                uid += 1
            case ("flags", uids, *masks):
                columns.change_flags(Flags(ranges_of(sorted(uids)), *masks), modseq)
            case ("expunge", start, count):
                columns.expunge([range(start, start + count)])
            case ("drop",):
                columns.drop_dead()


def test_a_message_that_moved_is_found_where_it_is() -> None:
    """A row keeps everything but its place when its message is relocated."""
    columns = Columns(2)
    for uid in range(1, 6):
        columns.append(message(uid, uid, 0), uid, 3, uid * 100)
    (row,) = columns.rows_of(np.array([4], np.uint32))
    assert columns.row_of(4) == int(row)
    moved = message(4, 0, 0)._replace(card_size=0, card_crc=0)
    columns.relocate(int(row), moved, 9, 64)
    elsewhere = place_of(4)._replace(segment=9, offset=64, card_size=0, card_crc=0)
    places = [columns.place(int(each)) for each in columns.alive_rows()]
    assert places == [*map(place_of, (1, 2, 3)), elsewhere, place_of(5)]
    assert columns["modseq"].tolist() == [1, 2, 3, 4, 5]


@given(st.permutations(range(1, 12)), chunks, st.sets(st.integers(1, 12)))
def test_rows_can_be_put_in_order(
    uids: list[int], chunk_rows: int, gone: set[int]
) -> None:
    """Rows that came in any order are then found as if they had ascended."""
    columns, model = Columns(chunk_rows), Model()
    for uid in uids:
        columns.append(message(uid, uid, 1 << uid * 15), uid, 3, uid * 100)
        columns.put_in_order()
        model.rows[uid] = [uid, 1 << uid * 15, uid, True]
    for uid in gone:
        columns.expunge([range(uid, uid + 1)])
        model.expunge(uid, 1)
    columns.append(message(20, 5, 0), 20, 3, 2000)
    model.rows = {uid: model.rows[uid] for uid in sorted(uids)}
    model.rows[20] = [5, 0, 20, True]
    assert_same(columns, model)
    for uid in range(22):
        row = columns.row_of(uid)
        assert (row is not None) == (uid in model.alive())
        assert row is None or columns["uid"][row] == uid


def test_the_greatest_numbers_fit() -> None:
    """UIDs of 32 bits and modseqs of 63 are kept whole."""
    columns = Columns()
    for uid in (1, 2**32 - 2):
        one = message(1, 0, 0)._replace(uid=uid)
        columns.append(one, 2**63 - 1, 2**24 - 1, 2**39)
    assert columns.expunge([range(2**32 - 2, 2**32)]).tolist() == [1]
    assert columns["modseq"].tolist() == [2**63 - 1] * 2
    assert columns.place(1)[:2] == (2**24 - 1, 2**39)
