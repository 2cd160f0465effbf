from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.body import Place
from imapbox.index.columns import Columns
from imapbox.index.encoding import ranges_of
from imapbox.index.operations import Append, Flags
from imapbox.index.uid_ranges import positions_in

u32 = st.integers(0, 2**32 - 1)
masks = st.randoms(use_true_random=False).map(lambda dice: dice.getrandbits(256)) | (
    st.integers(0, 255).map(lambda bit: 1 << bit)
)
uid_sets = st.sets(st.integers(1, 12), max_size=8)
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


@given(events)
def test_columns_are_a_table(events: list) -> None:
    """Columns hold what a dictionary of rows would, with up to 256 keywords."""
    columns, model = Columns(), Model()
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
                columns.expunge([range(first, first + count)])
                for one in range(first, first + count):
                    if one in model.rows:
                        model.rows[one][3] = False
            case ("drop",):
                columns.drop_dead()
                model.rows = {one: row for one, row in model.rows.items() if row[3]}
        assert_same(columns, model)


def assert_same(columns: Columns, model: Model) -> None:
    uids = columns["uid"].tolist()
    assert uids == list(model.rows)
    assert columns.size == len(uids)
    rows = np.arange(len(uids))
    found = zip(
        columns["flags"].tolist(),
        columns.keywords(rows),
        columns["modseq"].tolist(),
        columns["alive"].tolist(),
        strict=True,
    )
    assert list(map(list, found)) == list(model.rows.values())
    assert columns.rows_of(np.array(uids, np.uint32)).tolist() == rows.tolist()
    for row, uid in enumerate(uids):
        assert columns.rows_of(np.array([uid], np.uint32)).tolist() == [row]
        assert columns.keywords_of(row) == model.rows[uid][1]
        assert columns.place(row) == Place(
            segment=3,
            offset=uid * 100,
            size=2**40 + uid,
            header_size=uid + 2,
            header_crc=2**32 - uid,
            content_crc=uid + 3,
            card_size=uid + 4,
            card_crc=2**32 - uid - 1,
        )
        fields = ("date", "zone", "savedate")
        assert [int(columns[name][row]) for name in fields] == [-uid, -uid, uid + 1]
        assert bytes(columns["emailid"][row]) == uid.to_bytes(16, "big")


@given(st.integers(1, 40), st.integers(0, 40))
def test_what_was_handed_out_keeps_its_length(before: int, after: int) -> None:
    """A column that was handed out neither grows nor forgets its UIDs."""
    columns = Columns()
    for uid in range(1, before + 1):
        columns.append(message(uid, 0, 0), 1, 1, 0)
    uids = columns["uid"]
    for uid in range(before + 1, before + after + 1):
        columns.append(message(uid, 0, 0), 1, 1, 0)
    columns.expunge([range(1, before + 1)])
    columns.drop_dead()
    columns.append(message(99, 0, 0), 1, 1, 0)
    assert uids.tolist() == list(range(1, before + 1))


def test_the_greatest_numbers_fit() -> None:
    """UIDs of 32 bits and modseqs of 63 are kept whole."""
    columns = Columns()
    for uid in (1, 2**32 - 2):
        one = message(1, 0, 0)._replace(uid=uid)
        columns.append(one, 2**63 - 1, 2**24 - 1, 2**39)
    assert positions_in(columns["uid"], [range(2**32 - 2, 2**32)]).tolist() == [1]
    assert columns["modseq"].tolist() == [2**63 - 1] * 2
    assert columns.place(1)[:2] == (2**24 - 1, 2**39)
