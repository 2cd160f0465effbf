"""Undo brings back what was expunged, and nothing else."""

from itertools import count
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.filesystem import Mode
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import AccountBase, Create, Delete
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.binding import Binding
from imapbox.index.commit import commit
from imapbox.index.create import create_log
from imapbox.index.head import NO_COUNTS
from imapbox.index.history import History, What
from imapbox.index.opening import open_log
from imapbox.index.relocate import MESSAGES_AT_ONCE
from imapbox.index.undo import (
    BroughtBack,
    NoSuchModSeq,
    look_for_expunged,
    undo,
)
from imapbox.model.errors import DiskFull, MailboxBusy, MailboxDamaged, MailboxGone
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.names import INBOX
from tests.formats import second_reader
from tests.support.bad_block import let_block_go_bad
from tests.support.interrupted import interrupted
from tests.unit.index.mail_log import (
    DIRECTORY,
    ID,
    UIDVALIDITY,
    MailLog,
    incoming,
    place_of,
    row_of,
    simulated,
)

ACCOUNT: Final = "a"
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LARGE: Final = b"0123456789abcdef" * 1024


def new_log(**settings: Any) -> MailLog:
    """Return a mailbox that an account binds."""
    log = MailLog(simulated(), **settings).make()
    base = AccountBase(UIDVALIDITY, (Create(ID, UIDVALIDITY, INBOX),), (), ())
    counts = NO_COUNTS._replace(modseq=1)
    log.run(create_log(ACCOUNT, base.encode(), counts, log.settings))
    return log


def binding_of(log: MailLog) -> Binding:
    """Return what is known of the account now."""
    opened = log.run(open_log(ACCOUNT, log.settings, AccountState))
    return Binding(ACCOUNT, opened.token, opened.state.position, ID)


def undone(log: MailLog, to: int) -> BroughtBack:
    """Undo what was expunged behind a modseq."""
    done: BroughtBack = log.run(undo(log.log, binding_of(log), to, log.settings))
    return done


def facts(log: MailLog) -> dict[int, tuple[Any, ...]]:
    r"""Return what a client knows of each message, but for \Deleted, and the octets."""
    state = log.state()
    columns = state.columns
    bodies = log.bodies(state)
    found = {}
    for uid in state.roll.now.tolist():
        row = row_of(state, uid)
        bits = columns.keywords_of(row)
        words = {word for n, word in enumerate(state.facts.keywords) if bits >> n & 1}
        found[uid] = (
            int(columns["flags"][row]) & ~Flag.DELETED,
            frozenset(words),
            (int(columns["date"][row]), int(columns["zone"][row])),
            bytes(columns["emailid"][row]),
            bodies[uid],
        )
    return found


def modseq(log: MailLog) -> int:
    """Return HIGHESTMODSEQ."""
    return log.head().counts.modseq


def test_what_was_expunged_comes_back() -> None:
    r"""It has new UIDs, and its flags, keywords, date and octets, not \Deleted."""
    log = new_log()
    date = InternalDate(1_000_000_000, 120)
    log.append(incoming(b"one\r\n", Flag.SEEN, ["a", "b"], date=date, card=b"card"))
    log.append(incoming(b"two\r\n"), incoming(b"three\r\n", Flag.DRAFT))
    before, to = facts(log), modseq(log)
    log.set_flags([1, 3], FlagChange.ADD, Flag.DELETED)
    log.expunge([1, 3])
    done = undone(log, to)
    assert (done.before, done.now, done.lost) == ([1, 3], [4, 5], [])
    assert facts(log) == {2: before[2], 4: before[1], 5: before[3]}
    state = log.state()
    assert not state.columns.uids_with(Flag.DELETED).size
    assert place_of(state, 4).card_size == len(b"card")
    second_reader.read_mailbox(log.contents())


def test_nobody_comes_back_twice() -> None:
    """A second undo does nothing; what is expunged again comes back again, once."""
    log = new_log()
    log.append(incoming(b"one"))
    kept = facts(log)[1]
    log.expunge([1])
    assert undone(log, 1).now == [2]
    before = log.contents()
    assert undone(log, 1).now == []
    assert log.contents() == before
    log.expunge([2])
    assert undone(log, 1).before == [2]
    assert facts(log) == {3: kept}


def test_what_was_expunged_before_stays_away() -> None:
    """Only what went behind the modseq comes back."""
    log = new_log()
    log.append(incoming(b"one"), incoming(b"two"))
    log.expunge([1])
    to = modseq(log)
    log.expunge([2])
    assert undone(log, to).before == [2]
    assert undone(log, modseq(log)).before == []
    with pytest.raises(NoSuchModSeq) as error:
        undone(log, modseq(log) + 1)
    assert error.value.highest == modseq(log)


def test_looking_changes_nothing() -> None:
    """A dry run says what would come back and what would not."""
    log = new_log()
    log.append(incoming(b"one"), incoming(b"two"))
    place = place_of(log.state(), 2)
    log.expunge([1, 2])
    log.write("log.1", b"x", place.offset)
    before = log.contents()
    looked = log.run(look_for_expunged(log.log, 1, log.settings))
    assert looked.before == [1]
    assert [each.uid for each in looked.lost] == [2]
    assert log.contents() == before


def test_what_was_punched_out_is_said() -> None:
    """What compaction took is lost, and what it left comes back, grace or not."""
    log = new_log(segment_limit=60_000)
    for number in range(7):
        log.append(incoming(b"%d" % number + LARGE))
    log.expunge([1, 7])
    kept = log.state().graves.each()
    assert len(kept) == 2
    log.files.disk.advance_clock(DAY + HOUR)
    log.compact(least=2**20)
    done = undone(log, 1)
    assert done.before == [7], "the last segment is never punched"
    assert [each.uid for each in done.lost] == [1]
    assert done.lost[0].time == kept[0].time


def test_what_went_with_its_segment_is_said() -> None:
    """If the log itself is gone, a message that an expunge names is lost."""
    log = new_log(segment_limit=60_000)
    for number in range(8):
        log.append(incoming(b"%d" % number + LARGE))
    log.expunge([1, 2, 3, 4])
    log.compact(grace=0.0)
    assert "log.1" not in log.names()
    done = undone(log, 1)
    assert (done.before, [each.uid for each in done.lost]) == ([], [1, 2, 3, 4])
    assert done.begins == 5


def test_what_can_not_be_read_is_said() -> None:
    """A block that went bad costs the messages that lie in it, and no other."""
    log = new_log()
    log.append(*(incoming(b"%d" % n + LARGE) for n in range(5)))
    kept, to = facts(log), modseq(log)
    place = place_of(log.state(), 3)
    log.expunge(range(1, 6))
    let_block_go_bad(log.files, "m/log.1", place.offset)
    looked = log.run(look_for_expunged(log.log, to, log.settings))
    done = undone(log, to)
    assert done.before == looked.before == [1, 4, 5]
    assert [each.uid for each in done.lost] == [2, 3]
    assert looked.lost == done.lost
    assert [*facts(log).values()] == [kept[uid] for uid in done.before]


def test_looking_beside_a_compaction() -> None:
    """Segments may go while a dry run reads; what lay in them is lost, no more."""
    policy = {"grace": 0.0, "least": 2**20}
    for number in count():
        log = new_log(segment_limit=60_000)
        for each in range(7):
            log.append(incoming(b"%d" % each + LARGE))
        log.expunge([1, 2, 3, 4, 7])
        other = MailLog(log.files.disk.process(2), segment_limit=60_000)
        done: list[Any] = []
        act = lambda other=other, done=done: done.append(other.compact(**policy))  # noqa: E731 - a short one
        look = look_for_expunged(log.log, 1, log.settings)
        looked = log.run(interrupted(look, number, act))
        gone = [each.uid for each in looked.lost]
        assert sorted(looked.before + gone) == [1, 2, 3, 4, 7]
        assert 7 in looked.before, "it lies in the last segment"
        if not done:
            assert (gone, number > 10) == ([], True)
            return
        assert "log.1" not in log.names()


def test_many_come_back_in_portions() -> None:
    """Between two portions the locks are given back; all come back in the end."""
    log = new_log()
    count = 2 * MESSAGES_AT_ONCE + 1
    log.append(*(incoming(b"%d" % n, header=b"") for n in range(count)))
    kept = [each[-1] for each in facts(log).values()]
    log.expunge(range(1, count + 1))
    to = modseq(log)
    done = undone(log, 2)
    assert modseq(log) == to + 3, "three frames"
    assert done.now == list(range(count + 1, 2 * count + 1))
    assert [each[-1] for each in facts(log).values()] == kept


def test_a_damaged_mailbox_is_left_alone() -> None:
    """Nothing comes back where something is wrong."""
    log = new_log()
    log.append()
    log.expunge([1])
    log.write("damaged", b"a reason\n")
    with pytest.raises(MailboxDamaged):
        undone(log, 1)


def test_a_deleted_mailbox_takes_nothing() -> None:
    """Its account does not bind it any more."""
    log = new_log()
    log.append()
    log.expunge([1])
    known = binding_of(log)
    account = account_log(ACCOUNT)
    state = log.run(open_log(ACCOUNT, log.settings, AccountState)).state
    wish = ChangeAccount(state, lambda _: [Delete(ID)])
    log.run(commit(account, log.settings, lambda: [wish], command="delete"))
    with pytest.raises(MailboxGone):
        log.run(undo(log.log, known, 1, log.settings))


def test_who_holds_the_lock_is_waited_for() -> None:
    """Without the locks nothing comes back, and that is said."""
    log = new_log()
    log.append()
    log.expunge([1])
    other = log.files.disk.process(2)
    lock = other.open(f"{DIRECTORY}/lock", Mode.WRITE)
    assert other.try_lock(lock)
    with pytest.raises(MailboxBusy):
        undone(log, 1)


def test_a_full_disk_takes_nothing() -> None:
    """There must be room for what comes back; later it can be done again."""
    log = new_log()
    log.append(incoming(LARGE))
    log.expunge([1])
    log.files.disk.room = 0
    with pytest.raises(DiskFull):
        undone(log, 1)
    assert facts(log) == {}
    log.files.disk.room = None
    assert undone(log, 1).now == [2]


def test_what_is_interrupted_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that becomes full costs only what was still to come back."""
    monkeypatch.setattr("imapbox.index.undo.MESSAGES_AT_ONCE", 1)
    log = new_log()
    log.append(incoming(b"small"), incoming(LARGE * 4))
    log.expunge([1, 2])
    done = BroughtBack()
    log.files.disk.room = len(LARGE)
    with pytest.raises(DiskFull):
        log.run(undo(log.log, binding_of(log), 1, log.settings, done))
    assert (done.before, done.now) == ([1], [3])
    log.files.disk.room = None
    assert undone(log, 1).before == [2]


sizes = st.sampled_from([0, 100, 3000, 9000])
which = st.sets(st.integers(1, 16), max_size=6)
events = st.one_of(
    st.tuples(st.just("append"), st.lists(sizes, min_size=1, max_size=3)),
    st.tuples(
        st.just("flags"),
        which,
        st.sampled_from(list(FlagChange)),
        st.integers(0, 31).map(Flag),
        st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
    ),
    st.tuples(st.just("expunge"), which),
    st.tuples(st.just("undo"), st.integers(0, 12)),
    st.tuples(st.just("compact"), st.sampled_from([2**14, 0])),
    st.tuples(st.just("wait"), st.sampled_from([HOUR, DAY / 2])),
)


class Model:
    """A mailbox with its dead, as it should be.

    Attributes:
        dead: Modseq and time of each expunge, and what the message was.
    """

    def __init__(self, limit: int) -> None:
        self.log = new_log(segment_limit=limit)
        self.dead: dict[int, tuple[int, float, tuple[Any, ...]]] = {}

    def now(self) -> float:
        """Return the disk's time."""
        return self.log.files.disk.clock

    def happen(self, event: tuple[Any, ...], number: int) -> None:
        """Let something happen; each message is unlike any other."""
        log = self.log
        match event:
            case ("append", lengths):
                bodies = (
                    b"%d %d " % (number, n) + LARGE[:size]
                    for n, size in enumerate(lengths)
                )
                log.append(*map(incoming, bodies))
            case ("flags", uids, what, flags, words):
                log.set_flags(uids, what, flags, words)
            case ("expunge", uids):
                self.expunge(uids)
            case ("undo", back):
                self.undo(max(1, modseq(log) - back))
            case ("compact", least):
                log.compact(least=least)
            case ("wait", seconds):
                log.files.disk.advance_clock(seconds)

    def expunge(self, uids: set[int]) -> None:
        """Expunge, and remember what went."""
        before = facts(self.log)
        self.log.expunge(uids)
        for uid in uids & before.keys():
            self.dead[uid] = modseq(self.log), self.now(), before[uid]

    def undo(self, to: int) -> None:
        """Undo, and see that all came back that must, and nothing else."""
        before, uidnext = facts(self.log), self.log.head().counts.uidnext
        wanted = {uid: each for uid, each in self.dead.items() if each[0] > to}
        looked = self.log.run(look_for_expunged(self.log.log, to, self.log.settings))
        done = undone(self.log, to)
        assert (looked.before, looked.lost) == (done.before, done.lost)
        assert {*done.before, *(each.uid for each in done.lost)} <= wanted.keys()
        for uid, (_, time, _) in wanted.items():
            if self.now() - time < DAY:
                assert uid in done.before, "it is in grace"
        assert done.now == list(range(uidnext, uidnext + len(done.before)))
        back = {
            now: wanted[uid][2] for uid, now in zip(done.before, done.now, strict=True)
        }
        assert facts(self.log) == before | back
        for uid in done.before:
            del self.dead[uid]


@pytest.mark.slow
@given(st.lists(events, max_size=14), st.sampled_from([900, 12_000, 2**26]))
def test_exactly_what_was_expunged_comes_back(history: list[Any], limit: int) -> None:
    """Whatever happened before: what is in grace comes back, nothing else does."""
    model = Model(limit)
    for number, event in enumerate(history):
        model.happen(event, number)
    model.undo(1)
    second_reader.read_mailbox(model.log.contents())
    told = model.log.run(
        open_log(DIRECTORY, model.log.settings, History)
    ).state.happened
    assert all(each.what is not What.FACT for each in told)
