"""A disk without room: nothing is acknowledged, nothing is harmed, mail can go."""

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.index.batch import RESERVE
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    SetFlags,
)
from imapbox.model.errors import DiskFull, MailboxDamaged
from imapbox.model.flags import Flag, FlagChange
from tests.simulation.fault import Fault
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    known_of,
    simulated,
)

WRITES = frozenset({"pwrite"})


def log_with(count: int) -> MailLog:
    log = MailLog(simulated()).make()
    log.append(*[incoming(b"%d" % n, Flag.DELETED) for n in range(count)])
    return log


def fill(log: MailLog) -> list[int]:
    """Let the disk be full, and what is left in the segment too; return the UIDs."""
    log.files.disk.room = 0
    while True:
        try:
            log.append(incoming(b""))
        except DiskFull:
            return list(log.state().roll.now.tolist())


def fail(log: MailLog, error: int, number: int, **more: bool) -> None:
    """Let a write of the log fail: not one of the hints in the lock file."""
    log.files.disk.faults = (Fault(WRITES, number, error, **more),)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("size", [10, 5000, 3 * 2**20])
def test_a_message_without_room_leaves_all_as_it_was(
    error: int,
    short: bool,
    size: int,
) -> None:
    """ENOSPC at any write of a delivery: refused, the segment as before, and on."""
    log = log_with(1)
    log.files.disk.calls = []
    log.append(incoming(b"x" * size))
    wrote = [call.path for call in log.files.disk.calls if call.method == "pwrite"]
    for number in range(1, len(wrote) + 1):
        log = log_with(1)
        before = log.contents()
        fail(log, error, number, short=short, full=True)
        try:
            log.append(incoming(b"x" * size))
        except DiskFull:
            assert log.contents() == before
            assert log.state().counts.exists == 1
        else:
            assert log.state().counts.exists == 2
        log.files.disk.faults = ()
        log.files.disk.room = None
        expected = log.state().counts.uidnext
        assert log.append() == [expected], "once there is room, it goes on"
        assert "damaged" not in log.names()
    assert {f"{DIRECTORY}/log.1", f"{DIRECTORY}/head"} <= set(wrote)


def test_what_is_full_can_be_emptied() -> None:
    """On a disk that can't grow by one byte, messages are still expunged."""
    log = log_with(20)
    *uids, kept = fill(log)
    for uid in uids[::2]:
        log.expunge([uid])
    log.expunge(uids[1::2])
    state = log.state()
    assert state.roll.now.tolist() == [kept]
    with pytest.raises(DiskFull):
        log.append()


def test_flags_too_are_written_into_the_reserve_while_it_lasts() -> None:
    """The reserve holds a dozen small frames at least; then the disk is full."""
    log = log_with(1)
    there = fill(log)
    end = log.head().position.offset
    written = 0
    with pytest.raises(DiskFull):
        while True:
            what = FlagChange.REMOVE if written % 2 else FlagChange.ADD
            log.set_flags([1], what, Flag.SEEN)
            written += 1
    assert written >= 12
    left = len(log.read("log.1")) - log.head().position.offset
    assert left < log.head().position.offset - end < 2 * RESERVE
    # The last of it is for EXPUNGE.
    log.expunge([1])
    assert log.state().counts.exists == len(there) - 1


def test_the_reserve_is_filled_again() -> None:
    """Each commit on a disk with room leaves the reserve behind the log's end."""
    log = log_with(1)
    for n in range(60):
        log.append(incoming(b"x" * (n * 37 % 500)))
        size = len(log.read("log.1"))
        assert size - log.head().position.offset >= RESERVE
        assert size % 4096 == 0


def test_messages_may_not_use_the_reserve() -> None:
    """A message that would fit into the reserve is refused all the same."""
    log = log_with(3)
    fill(log)
    size = len(log.read("log.1"))
    assert RESERVE - 300 < size - log.head().position.offset < RESERVE + 300
    known = known_of(log.state(), [1])
    log.commit(SetFlags(known, FlagChange.ADD, Flag.SEEN, frozenset()))


def test_a_message_without_room_keeps_no_expunge_back() -> None:
    """What a batch has no room for is refused alone; the others get through."""
    log = log_with(3)
    there = fill(log)
    state = log.state()
    keyword = frozenset({"new"})
    wishes = [
        SetFlags(known_of(state, [2]), FlagChange.ADD, Flag.SEEN, keyword),
        AppendMessages([incoming()], known_of(state, [])),
        ExpungeMessages(known_of(state, [1])),
        AppendMessages([incoming(keywords=["other"])], known_of(state, [])),
        SetFlags(known_of(state, [1, 2, 3]), FlagChange.ADD, Flag.FLAGGED, keyword),
    ]
    outcomes = log.commit_all(*wishes)
    refused = [type(outcome.error) for outcome in outcomes]
    assert refused == [type(None), DiskFull, type(None), DiskFull, type(None)]
    assert [outcome.change is None for outcome in outcomes] == [
        error is DiskFull for error in refused
    ]
    after = log.state()
    assert after.roll.now.tolist() == there[1:]
    assert after.facts.keywords == ["new"], "each is defined once, if it is used"
    columns = after.columns
    for uid, flags in ((2, Flag.SEEN | Flag.FLAGGED), (3, Flag.FLAGGED)):
        row = columns.row_of(uid)
        assert columns["flags"][row] == flags | Flag.DELETED
        assert columns.keywords_of(row) == 1
    assert after.counts.modseq == state.counts.modseq + 3


def test_what_was_written_alone_stays_acknowledged() -> None:
    """A disk that fails behind a change that was written takes nothing of it back."""
    mixed = 0
    for number in range(1, 9):
        log = log_with(3)
        fill(log)
        state = log.state()
        wishes = [ExpungeMessages(known_of(state, [uid])) for uid in (1, 2, 3)]
        without_room = AppendMessages([incoming()])
        log.files.disk.faults = (Fault(frozenset({"fdatasync"}), number, errno.EIO),)
        try:
            outcomes = log.commit_all(wishes[0], without_room, *wishes[1:])
        except MailboxDamaged:
            continue  # nobody was told anything else
        log.files.disk.faults = ()
        errors = [outcome.error for outcome in outcomes]
        damaged = [isinstance(error, MailboxDamaged) for error in errors]
        assert damaged == sorted(damaged), "behind the failure nothing is written"
        if errors[0] is None:
            assert 1 not in log.state().roll.now.tolist()
            mixed += any(damaged)
    assert mixed


@pytest.mark.parametrize("room", [False, True])
def test_what_can_be_taken_back_in_no_other_way_is_cut(room: bool) -> None:
    """A disk without room even for zeros damages nothing; the reserve is gone."""
    log = log_with(1)
    end = log.head().position.offset
    is_log = lambda path: path.endswith("/log.1")  # noqa: E731 - a short one
    log.files.disk.faults = tuple(
        Fault(WRITES, 1, errno.ENOSPC, short=half, where=is_log)
        for half in (True, False)
    )
    with pytest.raises(DiskFull):
        log.append(incoming(b"refused" * 1000))
    log.files.disk.faults = ()
    assert "damaged" not in log.names()
    assert len(log.read("log.1")) == end
    assert log.head().position.offset == end
    assert log.state().counts.exists == 1
    if not room:
        log.files.disk.room = 0
        with pytest.raises(DiskFull):
            log.expunge([1])
        log.files.disk.room = None
    log.expunge([1])
    assert log.append() == [2]
    assert len(log.read("log.1")) - log.head().position.offset >= RESERVE


@pytest.mark.parametrize("number", [1, 2, 3])
def test_rotation_without_room_is_put_off(number: int) -> None:
    """A disk without room for a new segment makes the old one longer."""
    log = MailLog(simulated(), segment_limit=300).make()
    log.append(incoming(b"a"))
    # The lock's note is the first write, then the new segment, then SWITCH.
    fail(log, errno.ENOSPC, number, short=True)
    log.append(incoming(b"b"))
    state = log.state()
    assert state.counts.exists == 2
    assert state.position.segment == (2 if number == 1 else 1)
    log.files.disk.faults = ()
    log.append(incoming(b"c"))
    assert log.state().counts.exists == 3
    assert log.state().position.segment >= 2, "next time there is room"


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
def test_an_error_that_is_not_room_is_damage(call: str) -> None:
    """After EIO nobody writes; what was acknowledged is still read."""
    log = log_with(2)
    number = {"fdatasync": 1, "pwrite": 2}[call]
    log.files.disk.faults = (Fault(frozenset({call}), number, errno.EIO),)
    with pytest.raises(MailboxDamaged):
        log.append()
    log.files.disk.faults = ()
    assert b"EIO" in log.read("damaged") or b"Input/output" in log.read("damaged")
    opened, state = log.open()
    assert opened.damaged
    assert state.counts.exists == 2
    before = log.contents()
    with pytest.raises(MailboxDamaged):
        log.expunge([1])
    assert log.contents() == before
    # The administrator looked, and removed the mark.
    log.remove("damaged")
    assert log.append()[0] in {3, 4}


def test_a_head_that_can_not_be_written_is_damage() -> None:
    """EIO at the head: not acknowledged, marked, and found by who repairs."""
    log = log_with(1)
    fail(log, errno.EIO, 3)
    with pytest.raises(MailboxDamaged):
        log.append()
    log.files.disk.faults = ()
    assert log.state().counts.exists == 1
    log.remove("damaged")
    assert log.append() == [3], "it was durable, and is adopted"


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EIO, errno.EINTR])
def test_a_head_that_can_not_be_opened_is_no_damage(error: int) -> None:
    """Without a descriptor for the head nothing is acknowledged, and nothing marked."""
    log = log_with(1)
    opens = frozenset({"open"})
    fault = Fault(opens, 2, error, where=lambda path: path.endswith("/head"))
    log.files.disk.faults = (fault,)
    with pytest.raises(OSError, match=os.strerror(error)):
        log.append()
    assert fault.fired
    log.files.disk.faults = ()
    assert not log.files.exists(f"{DIRECTORY}/damaged")
    assert log.append() == [3], "it was durable, and is adopted"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_head_that_was_written_is_not_taken_back(error: int) -> None:
    """Once the head is written all is done, whatever closing it says."""
    log = log_with(1)
    closes = frozenset({"close"})
    fault = Fault(closes, 2, error, where=lambda path: path.endswith("/head"))
    log.files.disk.faults = (fault,)
    assert log.append() == [2]
    assert fault.fired
    assert log.state().counts.exists == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "imapbox-test", tmp_path]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_real_disk_can_be_filled_and_emptied(small_disk: Path) -> None:
    """On a full tmpfs deliveries are refused, and messages can be expunged."""
    log = MailLog(DiskFileSystem(str(small_disk))).make()
    delivered = 0
    with pytest.raises(DiskFull):
        while True:
            log.append(incoming(b"x" * 3000))
            delivered += 1
    assert delivered > 5
    assert log.state().counts.exists == delivered
    with pytest.raises(DiskFull):
        log.append(incoming(b"x" * 30_000))
    for uid in range(1, delivered):
        log.expunge([uid])
    state = log.state()
    assert state.roll.now.tolist() == [delivered]
    (body,) = log.bodies(state).values()
    assert body is not None
    assert body.endswith(b"x" * 3000)
    assert "damaged" not in log.names()


@pytest.fixture
def small_files() -> Iterator[None]:
    """A limit of 64 KiB on each file that this process writes, as ``ulimit -f``."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_limit_on_files_is_no_damage(tmp_path: Path) -> None:
    """A log that may not grow is like a full disk, and goes on once it may."""
    log = MailLog(DiskFileSystem(str(tmp_path))).make()
    delivered = 0
    with pytest.raises(DiskFull):
        while True:
            log.append(incoming(b"x" * 3000))
            delivered += 1
    assert delivered > 5
    assert "damaged" not in log.names()
    log.expunge([1])
    assert log.state().counts.exists == delivered - 1
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert log.append(incoming(b"x" * 2**20)) == [delivered + 1]
