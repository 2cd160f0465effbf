from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.carry_on import carry_on, replace
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import follow
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.mailbox.view import View
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated
from tests.unit.index.test_compact import (
    DAY,
    HOUR,
    disk_of,
    events,
    facts,
    happen,
    three_segments,
)


def told_of(state: MailboxState) -> Any:
    """Return the only change that is to be told."""
    (change,) = state.changes
    return change


@pytest.mark.slow
@given(
    st.lists(events, max_size=6),
    st.lists(events, max_size=8),
    st.sampled_from([900, 12_000]),
)
def test_what_was_missed_is_the_difference(
    before: list[Any], since: list[Any], limit: int
) -> None:
    """Who reads the log anew tells all that came, went and changed, and no more."""
    log = MailLog(simulated(), segment_limit=limit).make()
    for number, event in enumerate(before):
        happen(log, event, number)
    older, then = log.state(), facts(log)
    older.changes.forget_read()
    older.changes.readers.add(View.of(older))
    for number, event in enumerate(since, len(before)):
        happen(log, event, number)
    # What is written again today lets its old segments go tomorrow.
    for _ in range(2):
        disk_of(log).advance_clock(DAY + HOUR)
        log.compact()
    newer, now = log.state(), facts(log)
    newer.changes.forget_read()
    number = older.changes.next
    assert carry_on(older, newer)
    # Who was not told yet still finds its own rows, not its neighbours'.
    known = np.array(sorted(then), np.uint32)
    rows = newer.columns.rows_of(known)
    assert newer.columns["uid"][rows].tolist() == known.tolist()
    alive = newer.columns["alive"][rows].tolist()
    assert alive == [uid in now for uid in known.tolist()]
    assert newer.changes.next == number + 1
    change = told_of(newer)
    assert change.expunged.tolist() == sorted(then.keys() - now.keys())
    assert change.arrived == len(now.keys() - then.keys())
    flagged = {uid for uids in change.flagged for uid in uids}
    different = {uid for uid in then.keys() & now.keys() if then[uid] != now[uid]}
    assert different <= flagged <= then.keys() & now.keys()


def test_another_log_is_not_carried_on() -> None:
    """Numbers that went back, or a UID of another message: it was replaced."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"one"), incoming(b"two"))
    state = log.state()
    other = MailLog(simulated()).make()
    other.append(incoming(b"one"))
    assert not carry_on(state, other.state())
    other.append(incoming(b"another"))
    other.append(incoming(b"three"))
    assert not carry_on(state, other.state())
    assert carry_on(state, log.state())


def test_a_state_in_another_s_place_keeps_what_is_not_told() -> None:
    """A message that is gone with its segment has its row, for who was not told."""
    log = three_segments()
    older = log.state()
    older.changes.forget_read()
    older.changes.readers.add(View.of(older))
    log.expunge([2, 3, 4, 5, 7, 8, 9, 10])
    disk_of(log).advance_clock(DAY + HOUR)
    assert log.compact().relocated == 2
    end = log.head().position
    log.run(follow(DIRECTORY, older.position, end, older.apply))
    disk_of(log).advance_clock(DAY + HOUR)
    assert log.compact().removed == 2
    end = log.head().position
    log.run(follow(DIRECTORY, older.position, end, older.apply))
    newer = log.state()
    assert newer.position == older.position
    assert newer.columns.row_of(2) is None
    assert replace(older, newer)
    known = np.arange(1, 12, dtype=np.uint32)
    rows = newer.columns.rows_of(known)
    for name in ("uid", "alive", "flags", "size", "emailid"):
        then = older.columns[name][older.columns.rows_of(known)].tolist()
        assert newer.columns[name][rows].tolist() == then, name
    assert newer.changes.next == older.changes.next
    assert told_of(newer).expunged.tolist() == [2, 3, 4, 5, 7, 8, 9, 10]


def test_rows_that_rotted_are_not_kept() -> None:
    """Where the row of what is gone can't be read, nobody takes the state's place."""
    log = three_segments()
    name = log.snapshot()
    snapshots = MailboxSnapshots()
    older = log.run(snapshots.load(DIRECTORY, name))
    older.changes.readers.add(View.of(older))
    log.expunge([2])
    end = log.head().position
    log.run(follow(DIRECTORY, older.position, end, older.apply))
    (chunk,) = older.columns.chunks
    chunk.unchecked["date"] ^= 1
    newer = log.state()
    assert replace(older, newer), "it needs no row of the older one's"
    assert replace(older, without(newer, 2)) is False


def without(state: MailboxState, uid: int) -> MailboxState:
    """Return a state that never knew of a message that is gone."""
    (chunk,) = state.columns.chunks
    there = chunk.read("uid") != uid
    chunk.arrays = {name: chunk.read(name)[there] for name in chunk.arrays}
    chunk.size = int(there.sum())
    return state
