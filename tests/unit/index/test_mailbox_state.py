from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from imapbox.disk.filesystem import Mode
from imapbox.index.changes import Changed
from imapbox.index.encoding import DamagedOperations
from imapbox.index.known import Known
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    SetFlags,
    SetMeta,
)
from imapbox.index.read import follow, look
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.snapshot import snapshot_names
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.mailbox.view import View
from imapbox.model.errors import TooManyKeywords
from imapbox.model.flags import MAX_KEYWORDS, Flag, FlagChange
from imapbox.model.message import InternalDate
from tests.unit.index.mail_log import (
    DIRECTORY,
    ID,
    UIDVALIDITY,
    MailLog,
    incoming,
    known_of,
    row_of,
    simulated,
)

flags = st.integers(0, 31).map(Flag)
# Enough names to fill several columns of 64, and once in a while all 256.
names = st.integers(0, 280).map(lambda n: f"K{n}")
keywords = st.frozensets(names, max_size=4)
many_keywords = st.frozensets(names, min_size=20, max_size=90)
uids = st.sets(st.integers(1, 40), max_size=12)


@dataclass
class Message:
    """A message in the model."""

    flags: Flag
    keywords: frozenset[str]
    modseq: int
    size: int


class MailboxMachine(RuleBasedStateMachine):
    """A mailbox, its log, two readers that catch up, and a dictionary.

    Every change is made by someone whose facts are as old as the slow reader's.
    """

    limit = 2**26

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[int, Message] = {}
        self.uidnext = 1
        self.modseq = 1
        self.spelling: dict[str, str] = {}
        self.meta: dict[str, bytes] = {}
        self.told: list[Changed] = []
        self.moved: Counter[int] = Counter()
        self.is_cut = False
        self.vanished: list[tuple[int, int]] = []

    @initialize(limit=st.sampled_from([700, 3000, 2**26]))
    def make(self, limit: int) -> None:
        self.log = MailLog(simulated(), segment_limit=limit).make()
        opened, self.state = self.log.open()
        self.state.changes.readers.add(View.of(self.state))
        self.token = opened.token
        self.slow = self.log.state()
        self.fd = self.log.files.open(f"{DIRECTORY}/head", Mode.READ)

    @rule(
        messages=st.lists(
            st.tuples(st.binary(max_size=30), flags, keywords), min_size=1, max_size=3
        )
    )
    def append(self, messages: list[tuple[bytes, Flag, frozenset[str]]]) -> None:
        known = Known(self.slow.position, list(self.slow.facts.keywords))
        transaction = AppendMessages([incoming(*one) for one in messages], known)
        wanted = frozenset().union(*(one[2] for one in messages))
        if self._commit(transaction, wanted) is None:
            return
        assert transaction.uids == [self.uidnext + n for n in range(len(messages))]
        assert transaction.uidvalidity == UIDVALIDITY
        self.modseq += 1
        for one, new in zip(transaction.messages, messages, strict=True):
            self.messages[self.uidnext] = Message(
                new[1], self._learn(new[2]), self.modseq, one.size
            )
            self.uidnext += 1

    @rule(
        which=uids,
        what=st.sampled_from(list(FlagChange)),
        flags=flags,
        words=keywords | many_keywords,
    )
    def set_flags(
        self, which: set[int], what: FlagChange, flags: Flag, words: frozenset[str]
    ) -> None:
        known = known_of(self.slow, which)
        transaction = SetFlags(known, what, flags, words)
        learnt = frozenset() if what is FlagChange.REMOVE else words
        outcome = self._commit(transaction, learnt)
        if outcome is None:
            return
        lowered = frozenset(word.lower() for word in words)
        changed = False
        for uid in which & self.slow_uids & self.messages.keys():
            message = self.messages[uid]
            before = message.flags, message.keywords
            after = {
                FlagChange.ADD: (before[0] | flags, before[1] | lowered),
                FlagChange.REMOVE: (before[0] & ~flags, before[1] - lowered),
                FlagChange.REPLACE: (flags, lowered),
            }[what]
            if after != before:
                changed = True
                message.flags, message.keywords = after
                message.modseq = self.modseq + 1
        assert (outcome.change is not None) == changed
        assert transaction.modseq == (self.modseq + 1 if changed else None)
        if changed:
            self._learn(learnt)
            self.modseq += 1

    @rule(which=uids, only_deleted=st.booleans())
    def expunge(self, which: set[int], only_deleted: bool) -> None:
        known = known_of(self.slow, which)
        outcome = self._commit(ExpungeMessages(known, only_deleted=only_deleted))
        gone = [
            uid
            for uid in which & self.slow_uids & self.messages.keys()
            if self.messages[uid].flags & Flag.DELETED or not only_deleted
        ]
        assert (outcome.change is not None) == bool(gone)
        self.modseq += bool(gone)
        for uid in gone:
            del self.messages[uid]
            self.vanished.append((self.modseq, uid))

    @rule(name=st.sampled_from(["a", "b"]), value=st.binary(max_size=3))
    def set_meta(self, name: str, value: bytes) -> None:
        self._commit(SetMeta(name, value))
        self.modseq += 1
        self.meta[name] = value
        if not value:
            del self.meta[name]

    @rule(which=uids)
    def relocate(self, which: set[int]) -> None:
        before = self.log.head().counts
        self.log.relocate(which)
        self.moved.update(which & self.messages.keys())
        assert self.log.head().counts == before, "nobody is told"

    @rule()
    def oldest_segments_go(self) -> None:
        """What holds nothing that lives is removed, oldest first."""
        self.slow_reader_catches_up()
        columns = self.slow.columns
        lived_in = set(columns["segment"][columns.alive_rows()].tolist())
        for number in segment_numbers(self.log.names())[:-1]:
            if number in lived_in:
                break
            self.log.remove(segment_name(number))
            self.is_cut = True

    @rule()
    def slow_reader_catches_up(self) -> None:
        self.log.run(
            follow(
                DIRECTORY,
                self.slow.position,
                self.log.head().position,
                self.slow.apply,
            )
        )
        self._assert_is(self.slow)

    @rule()
    def reopen(self) -> None:
        opened, state = self.log.open()
        assert not opened.damaged
        assert opened.token == self.token
        self._assert_is(state)
        assert state.position == self.state.position

    @rule(slow=st.booleans())
    def snapshot(self, slow: bool) -> None:
        self.log.snapshot(self.slow if slow else self.state)

    @rule(checked=st.booleans())
    def reopen_from_a_snapshot(self, checked: bool) -> None:
        opened, state = self.log.open(MailboxSnapshots(checked=checked))
        assert not opened.damaged
        assert opened.token == self.token
        self._assert_is(state)
        assert state.position == self.state.position
        names = self.log.names()
        usable = [
            each.name
            for each in snapshot_names(names)
            if segment_name(each.segment) in names
        ]
        assert (state.source.name if state.source else None) in (usable or [None])

    @rule()
    def go_on_from_a_snapshot(self) -> None:
        """Who began with a snapshot is what everybody else is."""
        _, self.slow = self.log.open(MailboxSnapshots())

    @rule(keep=st.booleans())
    def drop_dead(self, keep: bool) -> None:
        if not keep:
            self.state.changes.readers = {View.of(self.state)}
            self.state.changes.forget_read()
            assert not self.state.changes
        self.state.columns.drop_dead()

    @property
    def slow_uids(self) -> set[int]:
        return set(self.slow.roll.now.tolist())

    @invariant()
    def reader_agrees(self) -> None:
        """After each step the reader looks, and has what the model has."""
        if not hasattr(self, "log"):
            return
        at = self.state.position
        news = self.log.run(look(DIRECTORY, self.fd, self.token, at))
        if news is not None:
            assert news.token != self.token
            number = self.state.changes.next
            before = set(self.state.roll.now.tolist())
            for frame in news.frames:
                self.state.apply(frame)
            self.token = news.token
            self._assert_told(before, self.state.changes.since(number) or [])
        assert self.state.position == self.log.head().position
        self._assert_is(self.state)

    def _assert_told(self, before: set[int], changes: list[Changed]) -> None:
        """What the changes say happened is what happened."""
        now = set(self.state.roll.now.tolist())
        assert sum(change.arrived for change in changes) == len(now - before)
        gone = [uid for change in changes for uid in change.expunged]
        assert sorted(gone) == sorted(before - now)
        assert all(change.modseq == self.modseq for change in changes)

    def _assert_is(self, state: MailboxState) -> None:
        counts = state.counts
        unseen = sum(not one.flags & Flag.SEEN for one in self.messages.values())
        live = sum(one.size for one in self.messages.values())
        assert counts == (
            self.modseq,
            self.uidnext,
            len(self.messages),
            unseen,
            UIDVALIDITY,
            live,
        )
        assert self.log.head().counts == counts
        assert state.roll.now.tolist() == sorted(self.messages)
        assert state.facts.keywords == list(self.spelling.values())
        assert state.facts.meta == self.meta
        assert state.facts.mailbox_id == ID
        self._assert_gone(state)
        assert state.missing == 0
        for uid, message in self.messages.items():
            row = row_of(state, uid)
            columns = state.columns
            bits = columns.keywords_of(row)
            found = frozenset(
                name.lower()
                for number, name in enumerate(state.facts.keywords)
                if bits >> number & 1
            )
            assert (
                int(columns["flags"][row]),
                found,
                int(columns["modseq"][row]),
                int(columns["size"][row]),
            ) == (message.flags, message.keywords, message.modseq, message.size)

    def _assert_gone(self, state: MailboxState) -> None:
        for modseq in {1, self.modseq // 2 + 1, self.modseq}:
            vanished = state.vanished.since(modseq)
            if vanished is None and self.is_cut:
                continue
            assert vanished is not None
            assert sorted(uid for uids in vanished for uid in uids) == sorted(
                uid for when, uid in self.vanished if when > modseq
            )
        buried = Counter(grave.uid for grave in state.graves.each())
        dead = Counter(uid for _, uid in self.vanished) + self.moved
        assert buried == dead or (self.is_cut and buried < dead)

    def _commit(
        self, transaction: Any, words: frozenset[str] = frozenset()
    ) -> Any | None:
        """Commit; None if there was no room for the keywords."""
        distinct = {word.lower() for word in words} | self.spelling.keys()
        before = self.log.read("head")
        if len(distinct) > MAX_KEYWORDS:
            with pytest.raises(TooManyKeywords):
                self.log.commit(transaction)
            if self.log.head().position.segment == self.state.position.segment:
                assert self.log.read("head") == before
            return None
        return self.log.commit(transaction)

    def _learn(self, words: frozenset[str]) -> frozenset[str]:
        for word in sorted(words):
            self.spelling.setdefault(word.lower(), word)
        return frozenset(word.lower() for word in words)


@pytest.mark.slow
class TestMailbox(MailboxMachine.TestCase):
    """A log, folded in any way, says what a dictionary of messages says."""

    settings = settings(stateful_step_count=30)


def test_a_log_without_its_oldest_segments() -> None:
    """Flags, keywords, modseqs and dates of messages outlive their segment."""
    log = MailLog(simulated(), segment_limit=400).make()
    old = InternalDate(5, -90)
    log.append(incoming(b"first" * 99, Flag.FLAGGED, ["Work"], date=old))
    log.set_flags([1], FlagChange.ADD, Flag.SEEN, ["todo"])
    log.append(incoming(b"second" * 99), incoming(b"third"))
    log.set_flags([1, 2], FlagChange.REMOVE, Flag.FLAGGED)
    log.relocate([1, 3])
    log.set_flags([3], FlagChange.ADD, Flag.ANSWERED)
    log.append(incoming(b"fourth"))
    log.expunge([2])
    before = log.state()
    bodies = log.bodies(before)
    for number in range(1, max(before.columns["segment"].tolist())):
        if number not in before.columns["segment"][before.columns.alive_rows()]:
            log.remove(segment_name(number))
    assert "log.1" not in log.names()
    after = log.state()
    assert after.missing == 0
    assert after.roll.now.tolist() == before.roll.now.tolist() == [1, 3, 4]
    assert log.bodies(after) == bodies
    rows, then = (state.columns.alive_rows().tolist() for state in (after, before))
    for name in ("flags", "modseq", "date", "zone", "savedate", "size", "emailid"):
        found = after.columns[name][rows]
        assert (found == before.columns[name][then]).all(), name
    assert after.columns.keywords(rows) == before.columns.keywords(then)
    assert log.append() == [5]


def test_a_segment_that_should_not_have_gone_is_missed() -> None:
    """Messages whose segment is gone, and that were not relocated, are missed."""
    log = MailLog(simulated(), segment_limit=400).make()
    log.append(incoming(b"first" * 99))
    log.append(incoming(b"second"))
    log.remove("log.1")
    opened, state = log.open()
    assert (opened.damaged, state.missing) == (True, 1)
    assert log.bodies(state) == {2: b"Return-Path: <>\r\nsecond"}


def test_counts_that_disagree_are_damage() -> None:
    """A frame that says another number of messages than the fold has is refused."""
    log = MailLog(simulated()).make()
    log.append()
    frames = []
    state = log.state()
    log.append()
    end = log.head().position
    log.run(follow(DIRECTORY, state.position, end, frames.append))
    (frame,) = frames
    wrong = frame._replace(counts=frame.counts._replace(exists=3))
    with pytest.raises(DamagedOperations):
        state.apply(wrong)
