import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import PIECE, Content
from imapbox.disk.steps import Steps
from imapbox.index.body import Span, read_bodies
from imapbox.index.commit import commit
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.frame import Frame
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
    SetFlags,
)
from imapbox.index.read import follow
from imapbox.model.errors import (
    MailboxBusy,
    MailboxGone,
    NumbersExhausted,
    TooManyKeywords,
)
from imapbox.model.flags import MAX_KEYWORDS, Flag, FlagChange
from imapbox.model.numbers import MAX_UID
from tests.simulation.disk import EPOCH
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    known_of,
    place_of,
    simulated,
)
from tests.unit.index.test_copying import copied
from tests.unit.index.test_undo import new_log, undone


def writes(log: MailLog, *names: str) -> list[str]:
    """Return the calls that changed or synced these files since the last look."""
    calls = log.files.disk.calls
    found = [
        f"{call.method} {call.path.removeprefix(DIRECTORY + '/')}"
        for call in calls
        if call.method in {"pwrite", "fdatasync"}
        and call.path.removeprefix(DIRECTORY + "/") in names
    ]
    calls.clear()
    return found


@given(st.lists(st.sampled_from(["append", "flags", "expunge"]), max_size=10))
def test_a_batch_is_one_write_and_one_sync(kinds: list[str]) -> None:
    """However many transactions wait, they cost one write, one sync, one head."""
    log = MailLog(simulated()).make()
    log.append(*[incoming(b"%d" % n) for n in range(10)])
    state = log.state()
    log.files.disk.calls = []
    transactions = []
    for number, kind in enumerate(kinds, start=1):
        known = known_of(state, [number])
        transactions.append(
            {
                "append": AppendMessages([incoming(b"new")]),
                "flags": SetFlags(known, FlagChange.ADD, Flag.SEEN, frozenset("k")),
                "expunge": ExpungeMessages(known, only_deleted=False),
            }[kind]
        )
    outcomes = log.commit_all(*transactions)
    assert writes(log, "log.1", "head") == (
        ["pwrite log.1", "fdatasync log.1", "pwrite head"] if kinds else []
    )
    assert [outcome.transaction for outcome in outcomes] == transactions
    assert all(outcome.change for outcome in outcomes)
    after = log.state()
    assert after.counts.exists == 10 + kinds.count("append") - kinds.count("expunge")
    assert after.counts.modseq == state.counts.modseq + len(kinds)
    assert len(log.changes()) == 1 + len(kinds), "each has a frame of its own"


def test_transactions_of_a_batch_see_one_another() -> None:
    """In one batch, the second decides on what the first did."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"a"), incoming(b"b"))
    state = log.state()
    mark, gone, late, append = (
        SetFlags(known_of(state, [1]), FlagChange.ADD, Flag.DELETED, frozenset()),
        ExpungeMessages(known_of(state, [1, 2])),
        SetFlags(known_of(state, [1]), FlagChange.ADD, Flag.SEEN, frozenset()),
        AppendMessages([incoming(b"c")]),
    )
    outcomes = log.commit_all(mark, gone, late, append)
    assert [outcome.change is not None for outcome in outcomes] == [1, 1, 0, 1]
    after = log.state()
    assert after.roll.now.tolist() == [2, 3]
    assert append.uids == [3]


def test_facts_of_different_age_share_a_batch() -> None:
    """Each transaction learns what came since its own facts, and nothing twice."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"a"), incoming(b"b"))
    old = log.state()
    log.set_flags([1], FlagChange.ADD, keywords=["red"])
    new = log.state()
    log.commit_all(
        SetFlags(known_of(old, [1]), FlagChange.ADD, Flag(0), frozenset({"blue"})),
        SetFlags(
            known_of(new, [2]), FlagChange.ADD, Flag(0), frozenset({"green", "blue"})
        ),
    )
    state = log.state()
    assert state.facts.keywords == ["red", "blue", "green"]
    assert [state.columns.keywords_of(row) for row in (0, 1)] == [0b011, 0b110]


def test_a_refused_transaction_disturbs_no_other() -> None:
    """Who is refused fails alone; nothing of it is in the log."""
    log = MailLog(simulated()).make(
        uidnext=MAX_UID - 2, keywords=[f"k{n}" for n in range(MAX_KEYWORDS)]
    )
    log.append(incoming(b"a"))
    state = log.state()

    class Broken(AppendMessages):
        def change(self, *_: object) -> None:
            raise ZeroDivisionError

    transactions = [
        AppendMessages([incoming(b"no", keywords=["new"])], known_of(state, [])),
        SetFlags(
            known_of(state, [MAX_UID - 2]), FlagChange.ADD, Flag.SEEN, frozenset()
        ),
        AppendMessages([incoming(b"no"), incoming(b"no")]),
        Broken([]),
        AppendMessages([incoming(b"yes")]),
        AppendMessages([incoming(b"no")]),
    ]
    outcomes = log.commit_all(*transactions)
    assert [type(outcome.error) for outcome in outcomes] == [
        TooManyKeywords,
        type(None),
        NumbersExhausted,
        ZeroDivisionError,
        type(None),
        NumbersExhausted,
    ]
    after = log.state()
    assert after.roll.now.tolist() == [MAX_UID - 2, MAX_UID - 1]
    assert after.columns["flags"].tolist() == [Flag.SEEN, 0]
    assert after.counts.modseq == state.counts.modseq + 2
    assert len(after.facts.keywords) == MAX_KEYWORDS


def test_a_batch_of_refused_ones_writes_nothing() -> None:
    """Nothing to write, nothing written, nothing synced."""
    log = MailLog(simulated()).make(uidnext=MAX_UID)
    log.files.disk.calls = []
    (outcome,) = log.commit_all(AppendMessages([incoming()]))
    assert isinstance(outcome.error, NumbersExhausted)
    assert writes(log, "log.1", "head") == []


def test_time_never_goes_back() -> None:
    """With a clock that was set back, a frame has the time of the one before."""
    log = MailLog(simulated()).make()
    start = log.head().position
    log.files.disk.clock = 1000.0
    log.append(incoming(b"a"))
    log.files.disk.clock = 10.0
    log.append(incoming(b"b"))
    log.files.disk.clock = 2000.0
    log.append(incoming(b"c"))
    frames: list[Frame] = []
    log.run(follow(DIRECTORY, start, log.head().position, frames.append))
    times = [frame.time // 1_000_000 - int(EPOCH) for frame in frames]
    assert times == [1000, 1000, 2000]


def test_dates_are_by_the_clock() -> None:
    """INTERNALDATE, where none is named, and SAVEDATE are the clock's.

    That it was ahead once is not seen in what comes when it is right again, whether
    it is appended, delivered, copied or brought back.
    """
    log = new_log()
    log.files.disk.clock = 366 * 86400.0
    log.append(incoming(b"a"))
    log.files.disk.clock = 10.0
    log.append(incoming(b"b"))
    before = log.head().counts.modseq
    letter = incoming(b"c")._replace(key=bytes(range(16)))
    log.commit(DeliverOnce(letter, DeliveryKeys()))
    copied(log, 1, 2)
    log.files.disk.clock = 20.0
    log.expunge([2])
    assert undone(log, before).now == [6]
    columns = log.state().columns
    ahead = 366 * 86400
    for name, seconds in (
        ("date", [ahead, 10, 10, ahead, 10, 10]),
        ("savedate", [ahead, 10, 10, 10, 10, 20]),
    ):
        told = (columns[name].all() - int(EPOCH)).tolist()
        assert told == seconds, name


class FakeSpool(Content):
    """A content that is not in memory: octets made up as they are read."""

    def __init__(self, octets: bytes, crc: int) -> None:
        super().__init__(octets[: 256 * 1024], len(octets), crc, None)
        self.octets = octets
        self.largest = 0

    @property
    def in_memory(self) -> bool:
        return False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        self.largest = max(self.largest, size)
        yield from ()
        return self.octets[offset : offset + size]


def spooled(octets: bytes) -> Incoming:
    message = incoming(octets)
    return message._replace(content=FakeSpool(octets, message.content.crc))


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_large_messages_are_copied_in_pieces(size: int) -> None:
    """A large message goes from its spool to the log, never whole into memory."""
    octets = hashlib.shake_128(b"x").digest(size)
    log = MailLog(simulated()).make()
    small, large = incoming(b"small"), spooled(octets)
    log.files.disk.calls = []
    log.commit_all(
        AppendMessages([small, large, small]),
        AppendMessages([large]),
        AppendMessages([small]),
    )
    pieces = [
        call.numbers[0]
        for call in log.files.disk.calls
        if call.method == "pwrite" and call.path.endswith("log.1")
    ]
    assert max(pieces) <= PIECE
    assert large.content.largest <= PIECE
    state = log.state()
    bodies = log.bodies(state)
    assert [len(body or b"") for body in bodies.values()] == [
        small.size,
        large.size,
        small.size,
        large.size,
        small.size,
    ]
    assert bodies[2] == bodies[4] == large.header + octets
    span = Span(place_of(state, 4), 10, 30)
    assert log.run(read_bodies(DIRECTORY, [span])) == [(large.header + octets)[10:40]]


def test_many_small_messages_are_written_in_bounded_pieces() -> None:
    """A batch that is larger than a piece is more than one write, still one sync."""
    log = MailLog(simulated()).make()
    log.files.disk.calls = []
    big = [incoming(bytes([n]) * 200_000) for n in range(12)]
    log.commit_all(*[AppendMessages([one]) for one in big])
    done = writes(log, "log.1", "head")
    assert done.count("fdatasync log.1") == 1
    assert 1 < done.count("pwrite log.1") < 6
    bodies = log.bodies(log.state())
    assert [body[-1] for body in bodies.values()] == list(range(12))


def test_a_short_write_is_continued() -> None:
    """A disk that takes half of a write gets the other half."""
    files = simulated()
    log = MailLog(files).make()
    taken = files.pwrite
    files.pwrite = lambda fd, data, offset: taken(
        fd, data[: max(1, len(data) // 2)], offset
    )
    log.append(incoming(b"a" * 5000), incoming(b"b"))
    assert [len(body) for body in log.bodies(log.state()).values()] == [5017, 18]


def test_what_the_guard_refuses_is_not_asked_for() -> None:
    """A guard that raises under the lock ends the commit before the batch is taken."""
    log = MailLog(simulated()).make()

    def guard() -> Steps[None]:
        yield from ()
        raise MailboxGone

    asked = []
    with pytest.raises(MailboxGone):
        log.run(
            commit(
                log.log,
                log.settings,
                lambda: asked.append(1) or [],
                command="test",
                guard=guard,
            )
        )
    assert not asked
    assert log.append() == [1], "and the lock was given back"


def test_a_held_lock_costs_patience() -> None:
    """Who can't have the lock within its patience is told so, and was asked nothing."""
    log = MailLog(simulated()).make()
    other = log.files.disk.process(2)

    fd = other.open(f"{DIRECTORY}/lock", Mode.WRITE)
    assert other.try_lock(fd)
    transaction = AppendMessages([incoming()])
    with pytest.raises(MailboxBusy):
        log.commit(transaction)
    assert transaction.uids == []
    other.close(fd)
    assert log.append() == [1]
