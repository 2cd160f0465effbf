import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    SetFlags,
    SetMeta,
)
from imapbox.model.errors import NumbersExhausted, TooManyKeywords
from imapbox.model.flags import MAX_KEYWORDS, Flag, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.numbers import MAX_MODSEQ, MAX_UID
from tests.simulation.disk import EPOCH
from tests.unit.index.mail_log import (
    MailLog,
    incoming,
    known_of,
    row_of,
    simulated,
)


@given(st.integers(0, 5), st.integers(1, 6))
def test_uids_end_before_they_wrap(left: int, wanted: int) -> None:
    """UIDNEXT never passes 2**32 - 1: a message more is refused, nothing wraps."""
    log = MailLog(simulated()).make(uidnext=MAX_UID - left)
    messages = [incoming(b"%d" % n) for n in range(wanted)]
    before = log.contents()
    if wanted > left:
        with pytest.raises(NumbersExhausted):
            log.append(*messages)
        assert log.contents() == before
    else:
        uids = log.append(*messages)
        assert uids == [MAX_UID - left + n for n in range(wanted)]
        state = log.state()
        assert state.roll.now.tolist() == uids
        assert state.counts.uidnext == MAX_UID - left + wanted <= MAX_UID


def test_modseqs_end_before_they_wrap() -> None:
    """Nothing changes a mailbox whose HIGHESTMODSEQ is 2**63 - 1."""
    log = MailLog(simulated()).make(modseq=MAX_MODSEQ - 2)
    log.append(incoming(b"last but one", Flag.DELETED))
    state = log.state()
    assert log.set_flags([1], FlagChange.ADD, Flag.SEEN).modseq == MAX_MODSEQ
    before = log.contents()
    known = known_of(state, [1])
    for transaction in (
        AppendMessages([incoming()]),
        SetFlags(known, FlagChange.REMOVE, Flag.SEEN, frozenset()),
        ExpungeMessages(known_of(state, [1])),
        SetMeta("a", b"1"),
    ):
        with pytest.raises(NumbersExhausted):
            log.commit(transaction)
        assert log.contents() == before
    assert log.state().counts.modseq == MAX_MODSEQ


def test_a_mailbox_without_numbers_still_rotates() -> None:
    """A new segment needs no new number."""
    log = MailLog(simulated(), segment_limit=100).make(modseq=MAX_MODSEQ)
    with pytest.raises(NumbersExhausted):
        log.append()
    assert log.state().position.segment == 2


@pytest.mark.parametrize("there", [MAX_KEYWORDS - 1, MAX_KEYWORDS])
def test_there_is_room_for_256_keywords(there: int) -> None:
    """The 257th keyword is refused with all that came with it."""
    log = MailLog(simulated()).make(keywords=[f"k{n}" for n in range(there)])
    left = MAX_KEYWORDS - there
    log.append(incoming(keywords=["K0", f"k{there - 1}", *(["new"] * left)]))
    before = log.contents()
    for what in (FlagChange.ADD, FlagChange.REPLACE):
        with pytest.raises(TooManyKeywords):
            log.set_flags([1], what, Flag.SEEN, ["another"])
    with pytest.raises(TooManyKeywords):
        log.append(incoming(), incoming(keywords=["another"]))
    assert log.contents() == before
    log.set_flags([1], FlagChange.REMOVE, keywords=["another", "K0"])
    state = log.state()
    assert len(state.facts.keywords) == MAX_KEYWORDS
    assert state.columns.keywords_of(0) >> (there - 1) & 1
    assert not state.columns.keywords_of(0) & 1


def test_all_messages_of_one_append_have_one_modseq() -> None:
    """Messages that come in one frame come at once, in order."""
    log = MailLog(simulated()).make()
    log.append()
    assert log.append(incoming(b"a"), incoming(b"b")) == [2, 3]
    state = log.state()
    assert state.columns["modseq"].tolist() == [2, 3, 3]
    assert [change.arrived for change in log.changes()] == [1, 2]


def test_dates_are_what_was_asked_for_or_now() -> None:
    """INTERNALDATE keeps its zone; without one it is the moment of the commit."""
    log = MailLog(simulated()).make()
    log.append(incoming(date=InternalDate(-5, -720)), incoming())
    columns = log.state().columns
    now = int(EPOCH)
    assert columns["date"].tolist() == [-5, now]
    assert columns["zone"].tolist() == [-720, 0]
    assert columns["savedate"].tolist() == [now, now]


def test_a_change_that_changes_nothing_is_not_written() -> None:
    """Flags that are there already, and messages that are gone, cost no frame."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"x", Flag.SEEN, ["todo"]))
    before = log.contents()
    log.set_flags([1], FlagChange.ADD, Flag.SEEN, ["TODO"])
    log.set_flags([1], FlagChange.REPLACE, Flag.SEEN, ["todo"])
    log.set_flags([1], FlagChange.REMOVE, Flag.DRAFT, ["unknown"])
    log.set_flags([7], FlagChange.ADD, Flag.DRAFT, ["unknown"])
    log.expunge([7])
    state = log.state()
    outcome = log.commit(ExpungeMessages(known_of(state, [1])))
    assert outcome.change is None, "it is not deleted"
    assert log.contents() == before


def test_only_what_changed_gets_a_modseq() -> None:
    """A message whose flags stay as they are keeps its modseq: RFC 7162 §3.1.3."""
    log = MailLog(simulated()).make()
    log.append(*[incoming(b"%d" % n) for n in range(5)])
    log.set_flags([2, 4], FlagChange.ADD, Flag.FLAGGED)
    log.set_flags([1, 2, 3, 4], FlagChange.ADD, Flag.FLAGGED)
    state = log.state()
    assert state.columns["modseq"].tolist() == [4, 3, 4, 3, 2]
    assert log.changes()[-1].flagged == (range(1, 2), range(3, 4))


def test_a_change_is_decided_on_what_is_true_under_the_lock() -> None:
    """Whoever asks with old facts gets the result of new ones."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"a", Flag.DELETED), incoming(b"b", Flag.DELETED))
    old = log.state()
    log.set_flags([1], FlagChange.REMOVE, Flag.DELETED)
    log.commit(ExpungeMessages(known_of(old, [1, 2])))
    state = log.state()
    assert state.roll.now.tolist() == [1]
    assert row_of(state, 2) is None
    transaction = SetFlags(
        known_of(old, [1, 2]), FlagChange.ADD, Flag.SEEN, frozenset()
    )
    log.commit(transaction)
    assert log.state().counts.unseen == 0


def test_an_account_change_that_decides_nothing_is_not_written() -> None:
    """No operations, no frame."""
    assert (
        ChangeAccount(AccountState(), lambda _: []).change(AccountState().counts, 0)
        is None
    )
