from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.index.read import follow
from imapbox.model.flags import Flag, FlagChange
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    known_of,
    simulated,
)

uids = st.sets(st.integers(1, 12), min_size=1)
flags = st.integers(0, 31).map(Flag)
keywords = st.frozensets(st.integers(0, 70).map(lambda n: f"k{n}"), max_size=3)
events = st.lists(
    st.tuples(
        st.just("flags"), uids, st.sampled_from(list(FlagChange)), flags, keywords
    )
    | st.tuples(st.just("expunge"), uids)
    | st.tuples(st.just("relocate"), uids)
    | st.tuples(st.just("append"), flags),
    max_size=8,
)


def apply(log: MailLog, event: tuple[Any, ...]) -> None:
    """Let something happen."""
    match event:
        case ("flags", which, what, flags, keywords):
            log.set_flags(which, what, flags, keywords)
        case ("expunge", which):
            log.expunge(which)
        case ("relocate", which):
            log.relocate(which)
        case ("append", flags):
            log.append(incoming(b"x", flags))


@pytest.mark.slow
@given(events, events, uids, st.sampled_from([600, 2**26]))
def test_rows_that_catch_up_are_the_rows_of_now(
    before: list, since: list, which: set[int], limit: int
) -> None:
    """Rows brought up to date say what the whole mailbox, read anew, says of them."""
    log = MailLog(simulated(), segment_limit=limit).make()
    log.append(*[incoming(b"%d" % n) for n in range(8)])
    for event in before:
        apply(log, event)
    state: MailboxState = log.state()
    known = known_of(state, which)
    followed = set(known.rows)
    for event in since:
        apply(log, event)
    log.run(follow(DIRECTORY, known.since, log.head().position, known.follow))
    now = known_of(log.state(), followed)
    assert known.rows == now.rows
    assert known.keywords == now.keywords


@pytest.mark.slow
@given(events, uids, keywords)
def test_what_was_not_written_is_known_no_more(
    since: list, which: set[int], words: frozenset[str]
) -> None:
    """Facts that were brought up to date can be as they were, and begin again."""
    log = MailLog(simulated(), segment_limit=600).make(keywords=["k1"])
    log.append(*[incoming(b"%d" % n) for n in range(8)])
    state: MailboxState = log.state()
    known, same = known_of(state, which), known_of(state, which)
    for event in since:
        apply(log, event)
    for _ in range(2):
        log.run(follow(DIRECTORY, known.since, log.head().position, known.follow))
        asked = known.keyword_bits(words)
        now = known_of(log.state(), same.rows)
        assert known.rows == now.rows
        now.keyword_bits(words)
        assert known.keywords == now.keywords
        known.begin_anew()
        assert (known.rows, known.keywords) == (same.rows, same.keywords)
    log.run(follow(DIRECTORY, known.since, log.head().position, known.follow))
    assert known.keyword_bits(words) == asked


def test_new_keywords_are_defined_once() -> None:
    """Two who want a new keyword at the same moment give it one number."""
    log = MailLog(simulated()).make()
    state = log.state()
    first, second = (
        AppendMessages([incoming(keywords=words)], known_of(state, []))
        for words in (["Red", "blue"], ["BLUE", "green", "red"])
    )
    log.commit_all(first, second)
    assert log.state().facts.keywords == ["Red", "blue", "green"]


def test_a_keyword_keeps_its_first_spelling() -> None:
    """Keywords are compared without regard to case, within a message too."""
    log = MailLog(simulated()).make(keywords=["Todo"])
    log.append(incoming(keywords=["TODO", "todo"]))
    state = log.state()
    assert state.facts.keywords == ["Todo"]
    assert state.columns.keywords_of(0) == 1
