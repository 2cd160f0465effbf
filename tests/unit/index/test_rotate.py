import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.checked_log import Severity
from imapbox.index.commit import write
from imapbox.index.frame import Frame
from imapbox.index.head import Head
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import AppendMessages, SetMeta
from imapbox.index.opening import follow_all
from imapbox.index.operations import Append, Base, decode_operations
from imapbox.index.remembered_keys import KEY_LIFETIME, RECORD
from imapbox.index.rotate import rotate
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.settle import settle
from imapbox.index.snapshot import snapshot_names
from imapbox.model.errors import MailboxDamaged
from tests.simulation.disk import EPOCH, OWNER, SimulatedDisk
from tests.simulation.fault import Fault
from tests.unit.index.mail_log import (
    DIRECTORY,
    ID,
    MailLog,
    incoming,
    simulated,
)


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(100, 1500))
def test_segments_are_cut_at_the_limit(sizes: list[int], limit: int) -> None:
    """A segment goes a frame and SWITCH beyond its limit, never more."""
    log = MailLog(simulated(), segment_limit=limit).make()
    for size in sizes:
        log.append(incoming(b"x" * size))
    numbers = segment_numbers(log.names())
    assert numbers == list(range(1, log.head().position.segment + 1))
    for number in numbers[:-1]:
        size = len(log.read(segment_name(number)).rstrip(b"\0"))
        assert limit <= size < max(limit, 256) + 1100 + 128
    state = log.state()
    assert state.counts.exists == len(sizes)
    assert [len(body) for body in log.bodies(state).values()] == [
        size + 17 for size in sizes
    ]


def test_what_base_carries_over() -> None:
    """Keywords, META and the mailbox's id go on in each new segment."""
    log = MailLog(simulated(), segment_limit=300).make()
    log.append(incoming(keywords=["todo"]))
    log.commit(SetMeta("a", b"1"))
    log.commit(SetMeta("b", b"2"))
    log.commit(SetMeta("a", b""))
    log.append()
    facts = MailboxFacts()
    tail = log.run(settle(DIRECTORY, log.settings))
    last = tail.position.segment
    assert last > 3
    for number in range(1, last):
        log.remove(f"log.{number}")

    log.run(follow_all(DIRECTORY, tail.position, facts.apply))
    assert (facts.mailbox_id, facts.keywords, facts.meta) == (ID, ["todo"], {"b": b"2"})


def test_a_switch_without_its_end_is_none() -> None:
    """A power loss may leave the new segment, and all of SWITCH but its end.

    If it took the head, too, the log ends before SWITCH, and goes on there.
    """
    log = MailLog(simulated(), segment_limit=300).make()
    log.append(incoming(b"x" * 300))
    tail = log.run(settle(DIRECTORY, log.settings))
    log.run(rotate(DIRECTORY, MailboxFacts(), tail, log.settings))
    octets = log.read("log.1").rstrip(b"\0")
    log.truncate("log.1", len(octets) - 8)
    log.remove("head")
    checked = log.run(check_log(DIRECTORY, MailboxAudit, OWNER))
    assert {each.severity for each in checked.findings} == {Severity.NOTE}
    log.append(incoming(b"y"))
    assert log.state().counts.exists == 2
    assert not checked.broken


def busy() -> MailLog:
    """Return a mailbox whose first segment is full, with a snapshot in it."""
    log = MailLog(simulated(), segment_limit=4000).make()
    for number in range(5):
        log.append(incoming(bytes(300), keywords=[f"K{number}"]))
    log.commit(SetMeta("a", b"1"))
    log.snapshot()
    log.commit(SetMeta("b", b"2"))
    log.append(incoming(bytes(1200), keywords=["last"]))
    return log


def base_of(log: MailLog, segment: int) -> Base:
    """Return what a segment begins with."""
    frames: list[Frame] = []
    log.run(follow_all(DIRECTORY, log.head().position, frames.append))
    (first,) = [
        operation
        for frame in frames
        if frame.end.segment == segment
        for operation in decode_operations(frame.operations)
        if isinstance(operation, Base)
    ]
    return first


@pytest.mark.parametrize("whose", ["its own", "none", "another log's", "a torn one"])
def test_a_snapshot_spares_the_reading_of_a_full_segment(
    whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins a segment reads on behind a snapshot, if there is a good one."""
    monkeypatch.setattr("imapbox.index.rotate.WORTH_RESUMING", 0)
    log = busy()
    assert log.head().position.segment == 1
    (name,) = [each.name for each in snapshot_names(log.names())]
    if whose == "none":
        log.remove(name)
    if whose == "a torn one":
        log.truncate(name, 700)
    if whose == "another log's":
        other = MailLog(simulated(), segment_limit=4000).make()
        other.append(incoming(b"x", keywords=["of another log"]))
        log.write(name, other.read(other.snapshot()))
        log.truncate(name, len(other.read(other.snapshot())))
    log.files.disk.calls = []
    log.append(incoming(bytes(200)))
    assert log.head().position.segment == 2
    reads = [
        call.numbers
        for call in log.files.disk.calls
        if call.method == "pread" and call.path.endswith("log.1")
    ]
    state = log.state()
    base = base_of(log, 2)
    assert (
        list(base.keywords)
        == state.facts.keywords
        == [*[f"K{n}" for n in range(5)], "last"]
    )
    assert base.meta == state.facts.meta == {"a": b"1", "b": b"2"}
    assert base.mailbox_id == ID
    from_its_beginning = any(size > 64 and offset <= 64 for size, offset in reads)
    assert from_its_beginning == (whose != "its own")


def test_delivery_keys_are_remembered_for_a_week() -> None:
    """A BASE holds the keys of the last seven days, and no older ones."""
    facts = MailboxFacts()
    now = int(EPOCH * 1_000_000)
    frame = _frame_at(now - KEY_LIFETIME)
    facts.take_in(_append(1, b"\1" * 16), frame)
    facts.take_in(_append(2, b"\2" * 16), _frame_at(now - KEY_LIFETIME + 1))
    facts.take_in(_append(3, bytes(16)), _frame_at(now))
    counts = Head.decode(MailLog(simulated()).make().read("head")).counts
    base = Base.decode(facts.base(counts, now).content)
    assert base.keys == RECORD.pack(b"\2" * 16, 2, now - KEY_LIFETIME + 1)
    again = MailboxFacts()
    again.take_in(base, frame)
    assert again.keys.records() == base.keys


def _append(uid: int, key: bytes) -> Append:
    return Append(uid, 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes(16), key)


def _frame_at(time: int) -> object:
    log = MailLog(simulated()).make()
    frames: list = []
    log.run(follow_all(DIRECTORY, log.head().position, frames.append))
    assert [type(one) for one in decode_operations(frames[0].operations)] == [Base]
    return frames[0]._replace(time=time)


def test_the_next_segment_is_durable_before_it_is_named() -> None:
    """New segment, its directory, then SWITCH, then the head: each synced in turn."""
    log = MailLog(simulated(), segment_limit=300).make()
    log.append()
    log.files.disk.calls = []
    log.append()
    done = [
        (call.method, call.path.rpartition("/")[2])
        for call in log.files.disk.calls
        if call.method in {"pwrite", "fdatasync", "sync_directory"}
        and not call.path.endswith("lock")
    ]
    assert done == [
        ("pwrite", "log.2"),
        ("fdatasync", "log.2"),
        ("sync_directory", DIRECTORY),
        ("pwrite", "log.1"),
        ("fdatasync", "log.1"),
        ("pwrite", "head"),
        ("pwrite", "log.2"),
        ("fdatasync", "log.2"),
        ("pwrite", "head"),
    ]


def test_a_broken_segment_is_not_folded_into_the_next() -> None:
    """Rotation over a frame that rotted is refused, and marked as damage."""
    log = MailLog(simulated(), segment_limit=700).make()
    log.append()
    log.append()
    log.write("log.1", b"\xff", 130)
    with pytest.raises(MailboxDamaged):
        log.append()
    assert "damaged" in log.names()
    assert "log.2" not in log.names()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EINTR, errno.EIO])
def test_a_segment_that_can_not_be_made_is_no_damage(code: int) -> None:
    """Where the next segment can't be opened nothing is in doubt."""
    disk = SimulatedDisk()
    log = MailLog(disk.process(1), segment_limit=600).make()
    while log.head().position.offset < 600:
        log.append(incoming(b"body"))
    before = log.state().counts
    new = f"{DIRECTORY}/log.2"
    disk.faults = (Fault(frozenset({"open"}), 1, code, where=new.__eq__),)
    with pytest.raises(OSError, match=os.strerror(code)):
        log.append(incoming(b"body"))
    disk.faults = ()
    assert "damaged" not in log.names()
    assert log.state().counts == before
    log.append(incoming(b"body"))
    assert log.head().position.segment == 2


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOMEM, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "sync_directory"])
def test_a_segment_that_was_half_made_is_no_damage(call: str, code: int) -> None:
    """Nothing leads to the next segment yet: what failed of it is made anew."""
    disk = SimulatedDisk()
    log = MailLog(disk.process(1), segment_limit=600).make()
    while log.head().position.offset < 600:
        log.append(incoming(b"body"))
    before = log.contents()
    at = {DIRECTORY, f"{DIRECTORY}/log.2"}
    fault = Fault(frozenset({call}), 1, code, where=at.__contains__)
    disk.faults = (fault,)
    with pytest.raises(OSError, match=os.strerror(code)):
        log.append(incoming(b"body"))
    assert fault.fired
    assert log.contents() == before
    disk.faults = ()
    log.append(incoming(b"body"))
    assert log.head().position.segment == 2


def test_writers_who_know_nothing_need_no_lock_of_their_own() -> None:
    """`write` continues where `settle` ended, in a new segment too."""
    log = MailLog(simulated(), segment_limit=300).make()
    for number in range(4):
        tail = log.run(settle(DIRECTORY, log.settings))
        transaction = AppendMessages([incoming()])
        log.run(write(log.log, log.settings, tail, [transaction]))
        assert transaction.uids == [number + 1]
    assert log.state().position.segment >= 3
