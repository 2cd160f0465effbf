from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.carry_on import carry_on
from imapbox.index.mailbox_state import MailboxState
from tests.unit.index.mail_log import MailLog, incoming, simulated
from tests.unit.index.test_compact import DAY, HOUR, disk_of, events, facts, happen


def told_of(state: MailboxState) -> Any:
    """Return the only change that is to be told."""
    (change,) = state.changes
    return change


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
    older.forget_changes_before(older.next_change)
    for number, event in enumerate(since, len(before)):
        happen(log, event, number)
    # What is written again today lets its old segments go tomorrow.
    for _ in range(2):
        disk_of(log).advance_clock(DAY + HOUR)
        log.compact()
    newer, now = log.state(), facts(log)
    newer.forget_changes_before(newer.next_change)
    number = older.next_change
    assert carry_on(older, newer)
    # Who was not told yet still finds its own rows, not its neighbours'.
    known = np.array(sorted(then), np.uint32)
    rows = newer.columns.rows_of(known)
    assert newer.columns["uid"][rows].tolist() == known.tolist()
    alive = newer.columns["alive"][rows].tolist()
    assert alive == [uid in now for uid in known.tolist()]
    assert newer.next_change == number + 1
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
