"""What a client is told, for any history: it ends where we are."""

import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.spool import MemoryContent
from imapbox.index.encoding import Encoded, join_operations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Counts, Position
from imapbox.index.known import Known, Row
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
    SetFlags,
)
from imapbox.index.operations import Base
from imapbox.index.uid_roll import UidRoll, Uids
from imapbox.mailbox.view import News, View, sync
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid, UidValidity
from tests.support.forgetful import forgetful

START = Position(1, 0, 0, 0)


class History:
    """A mailbox's state, changed as its log would change it."""

    def __init__(self) -> None:
        self.state = MailboxState()
        base = Base(bytes(16), UidValidity(1), Uid(1), ModSeq(1), ModSeq(0))
        counts = NO_COUNTS._replace(uidnext=Uid(1), modseq=ModSeq(1))
        self._apply([base.encode()], counts)

    def append(self, count: int) -> None:
        content = MemoryContent(b"x")
        message = Incoming(
            b"", zlib.crc32(b""), content, bytes(16), None, Flag(0), frozenset()
        )
        self._do(AppendMessages([message] * count))

    def flag(self, uids: set[int], flag: Flag = Flag.SEEN) -> ModSeq | None:
        change = SetFlags(self._known(uids), FlagChange.ADD, flag, frozenset())
        self._do(change)
        return change.modseq

    def expunge(self, uids: set[int]) -> None:
        self._do(ExpungeMessages(self._known(uids), only_deleted=False))

    def uids(self) -> list[int]:
        return self.state.roll.now.tolist()

    def flags(self, uid: int) -> int:
        columns = self.state.columns
        return int(columns["flags"][columns.rows_of(np.array([uid], np.uint32))][0])

    def view(self) -> View:
        """Return what somebody knows for whom changes are kept from now on."""
        view = View.of(self.state)
        self.state.changes.readers.add(view)
        return view

    def forget(self, view: View) -> None:
        """Drop what who has this view does not need."""
        self.state.changes.readers = {view}
        self.state.forget()

    def _known(self, uids: set[int]) -> Known:
        columns = self.state.columns
        rows = {}
        for uid in uids & set(self.uids()):
            row = int(columns.rows_of(np.array([uid], np.uint32))[0])
            flags = int(columns["flags"][row])
            rows[Uid(uid)] = Row(flags, 0, ModSeq(0), 1)
        return Known(START, [], rows)

    def _do(self, transaction: Any) -> None:
        change = transaction.change(self.state.counts, 0)
        if change is not None:
            self._apply(change.operations, change.counts)

    def _apply(self, operations: list[Encoded], counts: Counts) -> None:
        self.state.apply(Frame(0, START, counts, 0, 0, join_operations(operations), 0))


class Client:
    """Believes what it is told: None is a message whose UID it doesn't know."""

    def __init__(self, view: View) -> None:
        self.messages: list[int | None] = view.uids.tolist()
        self.flagged: set[int] = set()

    def obey(self, news: News) -> None:
        for seq in news.expunged:
            del self.messages[seq - 1]
        if news.grown:
            missing = len(news.view) - len(self.messages)
            assert missing > 0
            self.messages += [None] * missing
        self.flagged |= set(news.flagged.tolist())

    def check(self, view: View) -> None:
        """Fail unless it holds exactly the view's messages."""
        assert len(self.messages) == len(view)
        for mine, theirs in zip(self.messages, view.uids.tolist(), strict=True):
            assert mine in (None, theirs)


UIDS = st.sets(st.integers(1, 25), max_size=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3)),
        st.tuples(st.just("flag"), UIDS),
        st.tuples(st.just("expunge"), UIDS),
        st.tuples(st.just("sync"), st.booleans()),
        st.tuples(st.just("forget"), st.none()),
    ),
    max_size=25,
)


# How many changes are kept: none but the newest, few, all.
KEPT = st.sampled_from([0, 6, 10_000])


@given(STEPS, KEPT)
def test_a_client_ends_where_we_are(steps: list[Any], kept: int) -> None:
    """Whoever obeys the updates holds exactly the messages of the view."""
    with forgetful(kept):
        _obey(steps)


def _obey(steps: list[Any]) -> None:
    history = History()
    history.append(5)
    view = history.view()
    client = Client(view)
    for kind, value in steps:
        if kind == "sync":
            before = client.messages[:]
            news = sync(view, history.state, may_expunge=value)
            client.obey(news)
            if not value:
                assert client.messages[: len(before)] == before
                assert not len(news.expunged)
            view = news.view
            client.check(view)
        elif kind == "forget":
            history.forget(view)
        else:
            getattr(history, kind)(value)
    news = sync(view, history.state, may_expunge=True)
    client.obey(news)
    client.check(news.view)
    assert news.view.uids.tolist() == history.uids()
    again = sync(news.view, history.state, may_expunge=True)
    assert not len(again.expunged)
    assert not len(again.flagged)
    assert not again.grown


@given(STEPS, KEPT)
def test_every_change_of_flags_is_told(steps: list[Any], kept: int) -> None:
    """Each message whose flags changed is told, if the client knows it; no other."""
    with forgetful(kept):
        _tell_flags(steps)


def _tell_flags(steps: list[Any]) -> None:
    history = History()
    history.append(8)
    view = history.view()
    changed: set[int] = set()
    for kind, value in steps:
        if kind == "flag":
            known = set(history.uids())
            modseq = history.state.counts.modseq
            history.flag(value, Flag.FLAGGED)
            if history.state.counts.modseq != modseq:
                changed |= {uid for uid in value if uid in known}
        elif kind in {"append", "expunge"}:
            getattr(history, kind)(value)
    news = sync(view, history.state, may_expunge=True)
    told = set(news.flagged.tolist())
    possible = changed & set(range(1, 9)) & set(history.uids())
    assert told <= possible
    flags = history.state.columns
    for uid in possible - told:
        row = int(flags.rows_of(np.array([uid], np.uint32))[0])
        assert int(flags["flags"][row]) & Flag.FLAGGED, "was so before"


FLAGS = st.sampled_from([Flag.SEEN, Flag.FLAGGED, Flag.DRAFT])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 2)),
            st.tuples(st.just("flag"), UIDS, FLAGS),
            st.tuples(st.just("expunge"), UIDS),
            st.tuples(st.just("sync"), st.booleans()),
        ),
        max_size=25,
    ),
    KEPT,
)
def test_flags_are_told_whatever_is_expunged(steps: list[Any], kept: int) -> None:
    """After each sync a client knows the flags of all that it knows and is there."""
    with forgetful(kept):
        _know_flags(steps)


def _know_flags(steps: list[Any]) -> None:
    history = History()
    history.append(6)
    view = history.view()
    known = {uid: history.flags(uid) for uid in view.uids.tolist()}
    for kind, *values in [*steps, ("sync", False), ("sync", True)]:
        if kind != "sync":
            getattr(history, kind)(*values)
            continue
        (may_expunge,) = values
        news = sync(view, history.state, may_expunge=may_expunge)
        for uid in news.flagged.tolist():
            assert uid in known
            known[uid] = history.flags(uid)
        view = news.view
        there = set(view.uids.tolist())
        known = {
            uid: known.get(uid, history.flags(uid)) for uid in sorted(there | {*known})
        }
        for uid in there & set(history.uids()):
            assert known[uid] == history.flags(uid)
        again = sync(view, history.state, may_expunge=may_expunge)
        assert not len(again.flagged), "and none is told twice"


def test_own_changes_are_not_told_twice() -> None:
    """A flag change that the client made itself is not told to it, another's is."""
    history = History()
    history.append(3)
    view = history.view()
    mine = history.flag({1, 2})
    history.flag({2}, Flag.FLAGGED)
    assert mine is not None
    news = sync(view, history.state, may_expunge=False, told={mine})
    assert news.flagged == [2]


def test_expunges_are_told_from_the_last_on() -> None:
    """Positions are told highest first, so that none moves before it is told."""
    history = History()
    history.append(6)
    view = history.view()
    history.expunge({2, 3})
    history.expunge({5})
    assert sync(view, history.state, may_expunge=True).expunged.tolist() == [5, 3, 2]


def test_who_falls_behind_is_told_all_that_it_must_know() -> None:
    """Where changes are not kept any more, the mailbox itself says what changed.

    The client is then told of its own changes, too: nobody knows any more
    whether somebody else changed the same message before.
    """
    history = History()
    history.append(40)
    view = history.view()
    with forgetful(10):
        history.expunge({3, 5})
        history.flag({7})
        mine = history.flag({9})
        for uid in range(20, 40):
            history.flag({uid}, Flag.FLAGGED)
        history.append(1)
        assert len(history.state.changes) < 10
        assert mine is not None
        news = sync(view, history.state, may_expunge=False, told={mine})
        assert news.flagged.tolist() == [7, 9, *range(20, 40)]
        assert news.view.waits
        later = sync(news.view, history.state, may_expunge=True)
    assert later.expunged.tolist() == [5, 3]
    assert (len(later.flagged), later.grown) == (0, True)


def test_a_change_is_kept_however_much_it_names() -> None:
    """Who changes many messages is not told of them once more."""
    history = History()
    history.append(40)
    view = history.view()
    with forgetful(10):
        mine = history.flag({*range(1, 40, 2)})
        assert mine is not None
        news = sync(view, history.state, may_expunge=True, told={mine})
    assert not len(news.flagged)


def test_rows_that_nobody_shows_are_dropped() -> None:
    """Of what came and went no row is kept for who shows other messages."""
    with forgetful(6):
        history = History()
        history.append(4)
        view = history.view()
        columns = history.state.columns
        history.expunge({2})
        for uid in range(5, 45):
            history.append(1)
            history.expunge({uid})
            history.forget(view)
            assert columns.dead < 10
        rows = columns.rows_of(view.uids[0:4])
        assert columns["uid"][rows].tolist() == [1, 2, 3, 4]
        assert columns["alive"][rows].tolist() == [True, False, True, True]
        assert len(history.state.changes) < 10
        assert sync(view, history.state, may_expunge=True).expunged.tolist() == [2]


def test_what_came_and_went_is_never_told() -> None:
    """A message that comes and goes between two looks is not told at all."""
    history = History()
    history.append(2)
    view = history.view()
    history.append(1)
    history.expunge({3})
    news = sync(view, history.state, may_expunge=False)
    assert (len(news.expunged), len(news.flagged), news.grown) == (0, 0, False)
    assert news.view.uids.tolist() == [1, 2]


def uids_of(uids: list[int]) -> Uids:
    roll = UidRoll(3)
    for uid in uids:
        roll.append(uid)
    return roll.now


@given(UIDS.map(sorted))
def test_positions_and_uids_agree(uids: list[int]) -> None:
    """Every position has a UID, every UID its position, and others none."""
    view = View(uids_of(uids), 0, ModSeq(0), 0)
    for seq, uid in enumerate(uids, start=1):
        assert view.uid_at(Seq(seq)) == uid
        assert view.seq_of(Uid(uid)) == seq
    for beyond in (0, -1, len(uids) + 1):
        with pytest.raises(NoSuchMessage):
            view.uid_at(Seq(beyond))
    assert all(view.seq_of(Uid(uid)) is None for uid in {*range(30)} - {*uids})


@given(UIDS.map(sorted), st.integers(0, 2**33), st.integers(0, 2**33))
def test_any_range_of_uids_is_answered(uids: list[int], low: int, high: int) -> None:
    """A range of UIDs is intersected with the view, also where it is beyond all."""
    for start, stop in ((low, high), (low % 30, high % 30), (low % 30, high)):
        view = View(uids_of(uids), 0, ModSeq(0), 0)
        found = view.uids[view.positions(range(start, stop))].tolist()
        assert found == [uid for uid in uids if start <= uid < stop]


@pytest.fixture(scope="module")
def large() -> History:
    history = History()
    history.append(100_000)
    return history


@pytest.mark.slow
def test_cost_is_that_of_the_changes(large: History) -> None:
    """In 100,000 messages, learning of one change allocates next to nothing."""
    view = large.view()
    large.append(1)
    large.flag({50_000})
    tracemalloc.start()
    try:
        news = sync(view, large.state, may_expunge=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert news.flagged == [50_000]
    assert news.grown
    assert most < 20_000
    begun = time.perf_counter()
    for _ in range(100):
        sync(view, large.state, may_expunge=True)
    assert (time.perf_counter() - begun) / 100 < 0.002


def test_a_second_view_costs_nothing(large: History) -> None:
    """Views of one mailbox share their UIDs."""
    views = [large.view() for _ in range(10)]
    assert all(view.uids is views[0].uids for view in views)


def test_views_far_apart_cost_little(large: History) -> None:
    """A client that was told nothing for long has a view of its own: 64 KiB."""
    tracemalloc.start()
    try:
        views = []
        for uid in range(70_000, 70_010):
            large.expunge({uid})
            views.append(large.view())
        state = large.state
        state.forget()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(views) < 64 * 1024


def test_an_expunge_leaves_old_views_as_they_are(large: History) -> None:
    """What a client was told does not change under it."""
    view = large.view()
    before = view.uids.tolist()
    large.expunge(set(range(1, 1000, 2)))
    large.append(10)
    assert view.uids.tolist() == before
    news = sync(view, large.state, may_expunge=True)
    assert len(news.expunged) == 500
