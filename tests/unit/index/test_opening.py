import zlib
from collections.abc import Iterable
from typing import Final

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.index.frame import Frame
from imapbox.index.head import Head
from imapbox.index.opening import follow_all, open_log, recover
from imapbox.index.settings import Settings
from imapbox.model.errors import MailboxBusy, MailboxDamaged
from imapbox.model.flags import Flag, FlagChange
from tests.simulation.disk import SimulatedFileSystem
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    place_of,
    simulated,
)

CHANGING: Final = {"pwrite", "truncate", "fdatasync", "unlink", "try_lock"}


def filled(limit: int = 2**26) -> MailLog:
    log = MailLog(simulated(), segment_limit=limit).make()
    for number in range(6):
        log.append(incoming(b"message %d" % number, keywords=[f"k{number}"]))
    log.set_flags([2, 3], FlagChange.ADD, Flag.FLAGGED)
    log.expunge([1])
    return log


@pytest.mark.parametrize("limit", [600, 2**26])
def test_a_clean_log_is_opened_without_a_lock(limit: int) -> None:
    """Opening what nobody left torn takes no lock and writes nothing."""
    log = filled(limit)
    log.files.disk.calls = []
    opened, state = log.open()
    assert not CHANGING & {call.method for call in log.files.disk.calls}
    assert opened.token == log.read("head")
    assert opened.head.position == state.position
    assert opened.head.counts == state.counts
    assert state.counts.exists == 5
    assert not opened.damaged


def test_bodies_are_not_read() -> None:
    """Opening a mailbox reads its operations, not its mail."""
    log = MailLog(simulated()).make()
    log.append(*[incoming(bytes([n]) * 2**20) for n in range(5)])
    log.append()
    log.files.disk.calls = []
    assert log.state().counts.exists == 6
    read = sum(
        call.numbers[0] for call in log.files.disk.calls if call.method == "pread"
    )
    assert read < 2**19


@pytest.mark.parametrize("written", [1, 2**20])
def test_a_large_frame_that_is_being_written_is_not_read(written: int) -> None:
    """Opening a mailbox beside a large COPY looks at a piece, not at all of it."""
    log = filled()
    end = log.head().position.offset
    log.write("log.1", b"x" * written, end)
    log.truncate("log.1", end + 2**23)
    writer = log.files.disk.process(2)
    assert writer.try_lock(writer.open(f"{DIRECTORY}/lock", Mode.WRITE))
    log.files.disk.calls = []
    with pytest.raises(MailboxBusy):
        log.open()
    calls = log.files.disk.calls
    assert sum(call.numbers[0] for call in calls if call.method == "pread") < 2**17


def test_zeros_behind_the_head_are_read_in_pieces() -> None:
    """However much room a log has: it is clean, and no piece of it is large."""
    log = filled()
    log.truncate("log.1", 2**20 + 5)
    log.files.disk.calls = []
    assert log.state().counts.exists == 5
    calls = log.files.disk.calls
    assert not CHANGING & {call.method for call in calls}
    assert max(call.numbers[0] for call in calls if call.method == "pread") <= 2**16
    log.write("log.1", b"x", 2**20 + 4)
    log.files.disk.calls = []
    assert log.state().counts.exists == 5
    assert CHANGING & {call.method for call in log.files.disk.calls}


def test_another_boot_settles_first() -> None:
    """After the machine started anew, the log is settled under its lock, once."""
    log = filled()
    disk = log.files.disk
    disk.boot += 1
    log.settings = Settings(disk.boot, "simulated", 1, 1.0)
    disk.calls = []
    assert log.state().counts.exists == 5
    assert "try_lock" in {call.method for call in disk.calls}
    assert log.head().boot == disk.boot
    disk.calls = []
    assert log.state().counts.exists == 5
    assert "try_lock" not in {call.method for call in disk.calls}


def test_opening_needs_patience_only_if_something_is_wrong() -> None:
    """A held lock keeps nobody from opening a clean log, but from settling one."""
    log = filled()
    other = log.files.disk.process(2)
    fd = other.open(f"{DIRECTORY}/lock", Mode.WRITE)
    assert other.try_lock(fd)
    assert log.state().counts.exists == 5
    log.write("head", bytes(64))
    with pytest.raises(MailboxBusy):
        log.open()


@pytest.mark.parametrize("limit", [600, 2**26])
def test_damage_below_the_head_is_marked_and_read_up_to(limit: int) -> None:
    """A frame that rotted: readers get what is before it, writers are refused."""
    count = len(frames_of(filled(limit)))
    for number in range(count):
        log = filled(limit)
        whole = log.state()
        frame = frames_of(log)[number]
        place = frame.start + 100 if number % 2 else frame.start + 50
        name = f"log.{frame.end.segment}"
        log.write(name, bytes([log.read(name)[place] ^ 0x10]), place)
        before = log.contents()
        opened, state = log.open()
        assert opened.damaged
        assert log.read("damaged")
        assert {**before, "damaged": log.read("damaged")} == log.contents()
        assert state.counts.exists == len(state.roll.now)
        if limit > 600:
            assert state.counts.modseq == max(0, number)
            arrived = set(range(1, min(number, 7)))
            assert set(state.roll.now.tolist()) == arrived
        assert set(log.bodies(state)) <= set(range(1, whole.counts.uidnext))
        with pytest.raises(MailboxDamaged):
            log.append()
        again, same = log.open()
        assert again.damaged
        assert same.roll.now.tolist() == state.roll.now.tolist()


def frames_of(log: MailLog) -> list[Frame]:
    """Return all frames of a log."""
    frames: list[Frame] = []
    log.run(follow_all(DIRECTORY, log.head().position, frames.append))
    return frames


@pytest.mark.slow
def test_every_damaged_byte_of_a_log_is_seen_or_harmless(
    seed: int, effort: int
) -> None:
    """Whichever byte rots, what is read is true, or it is marked as damaged.

    One in seven is tried; the seed chooses which.
    """
    step = 7 if effort == 1 else 3
    log = filled(900)
    before = log.contents()
    whole = log.state()
    bodies = log.bodies(whole)
    uids = set(bodies)
    marked = 0
    for name in sorted(before):
        end = len(before[name].rstrip(b"\0"))
        if name == f"log.{whole.position.segment}":
            end = whole.position.offset
        for offset in range(seed % step, end, step):
            log.write(name, bytes([before[name][offset] ^ 0x41]), offset)
            try:
                opened, state = log.open()
            except MailboxDamaged:
                marked += 1
            else:
                marked += opened.damaged
                found = log.bodies(state)
                if not opened.damaged:
                    assert set(found) == uids, (name, offset)
                assert all(
                    body in (None, bodies.get(uid), before_gone(uid))
                    for uid, body in found.items()
                )
            for changed, content in before.items():
                log.write(changed, content)
            if "damaged" in log.names():
                log.remove("damaged")
    assert marked > 60


def before_gone(uid: int) -> bytes:
    """Return the body that message ``uid`` of `filled` had."""
    one = incoming(b"message %d" % (uid - 1))
    return one.header + one.content.octets


def test_several_segments_of_which_one_is_gone_are_damage() -> None:
    """Without one of its segments a mailbox is damaged, and shows what is left."""
    log = filled(600)
    assert log.head().position.segment >= 3
    log.remove("log.2")
    opened, state = log.open()
    assert opened.damaged
    assert state.roll.now.tolist() == [5, 6]
    assert state.missing == state.counts.exists - 2
    with pytest.raises(MailboxDamaged):
        log.append()


@pytest.mark.parametrize("limit", [600, 2**26])
@pytest.mark.parametrize("head", ["lost", "torn", "older"])
@pytest.mark.parametrize("rotten", [False, True])
def test_a_damaged_mailbox_is_read_as_far_as_it_checks(
    limit: int,
    head: str,
    rotten: bool,
) -> None:
    """With the mark and without a good head, all whole frames are read, none made."""
    log = MailLog(simulated(), segment_limit=limit).make()
    older = log.read("head")
    for number in range(6):
        log.append(incoming(b"message %d" % number))
    if rotten:
        place = place_of(log.state(), 6)
        log.write(f"log.{place.segment}", b"\xff", place.offset)
    if head == "older":
        log.write("head", older)
        log.settings = Settings(77, "simulated", 1, 1.0)
    elif head == "torn":
        log.write("head", bytes(32), 32)
    else:
        log.remove("head")
    log.write("damaged", b"for a test\n")
    before = log.contents()
    opened, state = log.open()
    assert opened.damaged
    assert state.counts.exists == len(state.roll.now) == (5 if rotten else 6)
    assert opened.head.position == state.position
    assert opened.head.counts == state.counts
    with pytest.raises(MailboxDamaged):
        log.append()
    assert log.contents() == before


def test_a_damaged_mailbox_with_a_head_of_a_removed_segment_is_read() -> None:
    """A power loss left a head of before a compaction: it counts as lost."""
    log = MailLog(simulated(), segment_limit=600).make()
    log.append(incoming(b"expunged and gone"))
    older = log.read("head")
    for number in range(6):
        log.append(incoming(b"message %d" % number))
    log.expunge([1])
    log.compact(grace=0.0)
    assert "log.1" not in log.names()
    kept = log.bodies(log.state())
    assert len(kept) == 6
    log.write("head", older)
    log.settings = Settings(77, "simulated", 1, 1.0)
    log.write("damaged", b"for a test\n")
    before = log.contents()
    opened, state = log.open()
    assert opened.damaged
    assert log.bodies(state) == kept
    assert opened.head.counts == state.counts
    assert log.contents() == before


def test_a_damaged_mailbox_without_a_log_says_so() -> None:
    """Where there is nothing to read, nothing is made."""
    log = filled()
    log.remove("head")
    log.write("log.1", bytes(64))
    log.write("damaged", b"for a test\n")
    before = log.contents()
    with pytest.raises(MailboxDamaged):
        log.open()
    assert log.contents() == before


def test_a_commit_on_its_way_is_waited_for() -> None:
    """Who opens between a commit's log and its head looks again, without a lock."""
    log = filled()
    before = log.contents()
    log.append()
    after = log.read("head")
    log.write("head", before["head"])
    files = log.files
    reads = 0
    pread = files.pread

    def and_then_published(fd: int, size: int, offset: int) -> bytes:
        nonlocal reads
        data = pread(fd, size, offset)
        if size == 64 and offset == 0 and data == before["head"]:
            reads += 1
            log.write("head", after)
        return data

    files.pread = and_then_published
    files.disk.calls = []
    opened, state = log.open()
    assert reads == 1
    assert opened.token == after
    assert state.counts.exists == 6
    assert "try_lock" not in {call.method for call in files.disk.calls}


def test_no_log_is_no_mailbox() -> None:
    """A directory that isn't there is not made by looking."""
    files = simulated()
    settings = Settings(1, "simulated", 1)
    with pytest.raises(FileNotFoundError):
        MailLog(files).run(open_log(DIRECTORY, settings, lambda: print))
    assert files.list_directory("") == []


def test_recovering_a_good_log_changes_nothing() -> None:
    """`recover` on what is in order writes no byte of log or head."""
    log = filled()
    before = log.contents()
    log.run(recover(DIRECTORY, log.settings, command="recover"))
    assert log.contents() == before


def test_a_head_of_another_log_is_damage() -> None:
    """A head that is good and belongs elsewhere is not believed."""
    log, other = filled(), MailLog(simulated()).make()
    other.append()
    data = bytearray(log.read("head"))
    data[8:16] = other.read("head")[8:16]
    content = bytes(data[:60])
    log.write("head", content + zlib.crc32(content).to_bytes(4, "little"))
    assert Head.decode(log.read("head")) is not None
    with pytest.raises(MailboxDamaged):
        log.append()
    assert log.open()[0].damaged


def worth_compacting(gone: Iterable[int]) -> tuple[MailLog, MailLog]:
    """Return a log of three segments, and the same as another process sees it."""
    log = MailLog(simulated(), segment_limit=80_000).make()
    for number in range(11):
        log.append(incoming(b"%d" % number + b"0123456789abcdef" * 1024))
    log.expunge(gone)
    files = log.files
    assert isinstance(files, SimulatedFileSystem)
    return log, MailLog(files.disk.process(2), segment_limit=80_000)


@pytest.mark.parametrize("last", [10, 11])
def test_a_compaction_without_grace_is_no_damage(last: int) -> None:
    """Who reads a log while what he needs is written again behind it begins again."""
    log, other = worth_compacting({*range(2, last + 1)} - {6})
    head = log.head().position
    pread = log.files.pread
    looked = 0

    def and_then_compacted(fd: int, size: int, offset: int) -> bytes:
        nonlocal looked
        data = pread(fd, size, offset)
        # The last look before the log is read: is something behind its end?
        if offset == head.offset and not looked:
            looked += 1
            other.compact(grace=0.0)
        return data

    log.files.pread = and_then_compacted  # type: ignore[method-assign] # a turn
    opened, state = log.open()
    assert looked
    gone = "log.2" if last == 10 else f"log.{head.segment}"
    assert gone not in log.names()
    assert not opened.damaged
    assert "damaged" not in log.names()
    assert state.roll.now.tolist() == [1, 6, 11][: 13 - last]
