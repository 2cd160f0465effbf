"""What the first step under the lock makes of what a crash or a bad disk left."""

import errno
import struct
import zlib
from typing import Final

import pytest

from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.encoding import Encoded, Kind, join_operations
from imapbox.index.frame import (
    MAGIC,
    FrameContent,
    encode_frame,
    encode_trailer,
)
from imapbox.index.head import HEAD_SIZE, Counts, Head, Position
from imapbox.index.mailbox_transactions import AppendMessages, SetFlags
from imapbox.index.operations import Append, Switch
from imapbox.index.read import first_position
from imapbox.index.rotate import single_frame
from imapbox.index.segment import SegmentHeader
from imapbox.index.settle import settle
from imapbox.model.errors import MailboxDamaged, UnknownFormat
from imapbox.model.flags import Flag, FlagChange
from tests.simulation.disk import OWNER
from tests.simulation.fault import WRITES, Fault
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    known_of,
    place_of,
    simulated,
)

MAIL: Final = [incoming(b"message %d" % n, card=b"card" * n) for n in range(5)]


class Crashed:
    """A log whose last batch was written and not published.

    Attributes:
        log: As it is before the batch.
        batch: What the batch wrote behind ``start``.
        ends: Offsets in it behind its frames.
    """

    def __init__(self, frames: int = 3, limit: int = 2**26) -> None:
        self.log = MailLog(simulated(), segment_limit=limit).make()
        self.log.append(MAIL[0])
        before = self.log.contents()
        self.start = self.log.head().position.offset
        transactions = [AppendMessages([one]) for one in MAIL[1 : 1 + frames]]
        self.log.commit_all(*transactions)
        self.end = self.log.head().position.offset
        self.batch = self.log.read("log.1")[self.start : self.end]
        self.ends = []
        at = 0
        while at < len(self.batch):
            operations, payload = struct.unpack_from("<I4xQ", self.batch, at + 8)
            at += -(-(96 + operations + payload) // 8) * 8 + 16
            self.ends.append(at)
        self.log.write("head", before["head"])
        self.log.truncate("log.1", len(before["log.1"]))

    def leave(self, batch: bytes) -> None:
        """Let the crash leave this much of the batch, zeros behind it."""
        self.log.write("log.1", bytes(len(self.batch)), self.start)
        self.log.write("log.1", batch, self.start)

    def whole_frames(self, size: int) -> int:
        return sum(end <= size for end in self.ends)


def test_every_truncation_of_a_batch_is_torn() -> None:
    """Of a batch cut anywhere, the whole frames are adopted, the rest is cut off."""
    crashed = Crashed()
    log = crashed.log
    before = log.contents()
    for cut in range(len(crashed.batch) + 1):
        for name, content in before.items():
            log.write(name, content)
        torn = crashed.batch[:cut]
        crashed.leave(torn)
        whole = crashed.whole_frames(len(torn.rstrip(b"\0")))
        if cut in crashed.ends or torn[-1:] == b"\0":
            whole = crashed.whole_frames(cut)
        state = log.state()
        assert state.counts.exists == 1 + whole, cut
        assert list(log.bodies(state).values()) == [
            one.header + one.content.octets for one in MAIL[: 1 + whole]
        ]
        rest = torn[crashed.ends[whole - 1] if whole else 0 :]
        copies = [name for name in log.names() if ".cut." in name]
        assert bool(copies) == any(rest)
        if copies:
            assert copies == ["log.1.cut.1"]
            assert log.read("log.1.cut.1").rstrip(b"\0") == rest.rstrip(b"\0")
            log.remove("log.1.cut.1")
        end = log.head().position.offset
        assert not any(log.read("log.1")[end:]), "behind the log are zeros"


def test_every_flipped_bit_of_an_unpublished_frame_is_seen() -> None:
    """A frame with any bit flipped, even in its card or body, is not adopted."""
    crashed = Crashed(frames=1)
    log = crashed.log
    before = log.contents()
    for bit in range(8 * len(crashed.batch)):
        for name, content in before.items():
            log.write(name, content)
        damaged = bytearray(crashed.batch)
        damaged[bit // 8] ^= 1 << bit % 8
        crashed.leave(bytes(damaged))
        log.run(settle(DIRECTORY, log.settings))
        assert log.head().counts.exists == 1, bit
        log.remove("log.1.cut.1")


def test_cut_copies_never_replace_one_another() -> None:
    """Each crash has its own copy of what was cut off."""
    crashed = Crashed()
    log = crashed.log
    for number in range(1, 4):
        torn = crashed.batch[: 100 + number]
        crashed.leave(torn)
        log.state()
        assert log.read(f"log.1.cut.{number}").startswith(torn.rstrip(b"\0"))
    assert log.append(MAIL[4]) == [2]


def test_what_is_torn_is_cut_where_there_is_no_room_for_zeros() -> None:
    """A full disk on which every write needs new blocks keeps nobody from reading."""
    crashed = Crashed()
    log = crashed.log
    end = log.head().position.offset
    crashed.leave(crashed.batch[:-20])
    whole = crashed.whole_frames(len(crashed.batch) - 20)
    end += crashed.ends[whole - 1]
    is_log = lambda path: "/log." in path  # noqa: E731 - a short one
    full = Fault(WRITES, 1 + whole, errno.ENOSPC, stays=True, where=is_log)
    log.files.disk.faults = (full,)
    state = log.state()
    assert full.fired
    assert state.counts.exists == 1 + whole
    assert len(log.read("log.1")) == end
    log.files.disk.faults = ()
    assert log.append(MAIL[4]) == [2 + whole]
    assert "damaged" not in log.names()


def test_adopted_frames_are_written_again_and_synced_before_they_count() -> None:
    """What a dead writer left is on the disk before the head says so."""
    crashed = Crashed()
    crashed.leave(crashed.batch)
    disk = crashed.log.files.disk
    disk.calls = []
    crashed.log.append(MAIL[4])
    done = [
        (call.method, call.path.rpartition("/")[2], *call.numbers)
        for call in disk.calls
        if call.method in {"pwrite", "fdatasync"} and "lock" not in call.path
    ]
    starts = [0, *crashed.ends]
    rewritten = [
        ("pwrite", "log.1", end - start, crashed.start + start)
        for start, end in zip(starts, crashed.ends, strict=False)
    ]
    assert done[:5] == [
        *rewritten,
        ("fdatasync", "log.1"),
        ("pwrite", "head", HEAD_SIZE, 0),
    ]
    assert crashed.log.state().counts.exists == 5


@pytest.mark.parametrize("boot", ["this", "another"])
@pytest.mark.parametrize("head", ["good", "lost", "empty", "torn", "older"])
def test_a_head_can_be_lost(head: str, boot: str) -> None:
    """Lost, torn or old heads, on this boot or the next, lose nothing."""
    log = MailLog(simulated(), segment_limit=500).make()
    log.append(MAIL[0])
    older = log.read("head")
    for one in MAIL[1:]:
        log.append(one)
    log.set_flags([2], FlagChange.ADD, keywords=["todo"])
    log.expunge([1])
    wanted = log.state()
    assert wanted.position.segment > 2
    if head == "lost":
        log.remove("head")
    elif head == "empty":
        log.truncate("head", 0)
    elif head == "torn":
        log.write("head", bytes(20), 40)
    elif head == "older":
        log.write("head", older)
    if boot == "another":
        log = MailLog(log.files, segment_limit=500)
        object.__setattr__(log.settings, "boot", 77)
    elif head == "older":
        # On the boot that wrote it a head is never older than what was
        # acknowledged; a commit reads on all the same.
        log.run(settle(DIRECTORY, log.settings))
    state = log.state()
    assert state.position == wanted.position
    assert state.counts == wanted.counts
    assert state.roll.now.tolist() == wanted.roll.now.tolist()
    assert log.head().boot == log.settings.boot
    assert log.append() == [6]
    assert "damaged" not in log.names()


def test_a_good_head_of_this_boot_costs_no_write() -> None:
    """Where nothing happened, settling writes nothing."""
    log = MailLog(simulated()).make()
    log.append()
    before = log.contents()
    log.files.disk.calls = []
    tail = log.run(settle(DIRECTORY, log.settings))
    assert tail.position == log.head().position
    assert tail.counts == log.head().counts
    assert {call.method for call in log.files.disk.calls} <= {
        "exists",
        "open",
        "pread",
        "size",
        "close",
    }
    assert log.contents() == before


def damaged(log: MailLog) -> bool:
    """Say whether writers refuse and readers were told."""
    before = {name: log.read(name) for name in ("head", "log.1")}
    with pytest.raises(MailboxDamaged):
        log.append()
    assert "damaged" in log.names()
    with pytest.raises(MailboxDamaged):
        log.append()
    assert before == {name: log.read(name) for name in before}
    return True


def test_a_frame_before_a_later_batch_is_not_torn_but_damaged() -> None:
    """What was durable once is not cut off; nobody writes any more."""
    log = MailLog(simulated()).make()
    log.append(MAIL[0])
    older = log.read("head")
    log.append(MAIL[1])
    start = Head.decode(older).position.offset
    log.append(MAIL[2])
    log.write("head", older)
    log.write("log.1", b"\xff", start + 120)
    object.__setattr__(log.settings, "boot", 77)
    assert damaged(log)
    assert log.open()[0].damaged, "readers read on"
    assert log.state().counts.exists == 1


def test_a_frame_before_its_own_batch_is_torn() -> None:
    """Of a batch that was never acknowledged, later frames are no proof of damage."""
    crashed = Crashed()
    torn = bytearray(crashed.batch)
    torn[130] ^= 1
    crashed.leave(bytes(torn))
    assert crashed.log.append(MAIL[4]) == [2]
    assert "damaged" not in crashed.log.names()


def test_a_body_that_looks_like_a_later_batch_is_not_one() -> None:
    """Mail that holds frames, even of this very log, damages nothing when torn."""
    log = MailLog(simulated()).make()
    log.append(MAIL[0])
    before = log.contents()
    position = log.head().position._replace(salt=0xBAD)
    operations = b"x" * 20
    content = FrameContent(log.head().counts, operations, 1, 0, 9, 2**30)
    frame, end = encode_frame(position, content)
    forged = frame + encode_trailer(end.chain, 20, 0, 9)
    log.append(incoming(forged * 3))
    written = log.read("log.1")
    log.write("head", before["head"])
    offset = log.head().position.offset
    log.write("log.1", bytes([written[offset + 100] ^ 1]), offset + 100)
    assert log.append(MAIL[1]) == [2]


@pytest.mark.parametrize(
    "what", ["cut", "trailer", "header", "number", "salt", "all zeros"]
)
def test_a_published_end_that_is_not_there_is_damage(what: str) -> None:
    """Where the head says the log ends, the last frame must end."""
    log = MailLog(simulated()).make()
    log.append(MAIL[0])
    end = log.head().position.offset
    if what == "cut":
        log.truncate("log.1", end - 1)
    elif what == "trailer":
        log.write("log.1", b"\xff", end - 12)
    elif what == "header":
        log.write("log.1", b"\xff", 40)
    elif what in {"number", "salt"}:
        header = bytearray(log.read("log.1")[:60])
        header[16 if what == "number" else 20] ^= 1
        crc = zlib.crc32(header).to_bytes(4, "little")
        log.write("log.1", bytes(header) + crc)
    else:
        log.write("log.1", bytes(end))
    assert damaged(log)


@pytest.mark.parametrize("lost_head", [False, True])
def test_a_newer_format_is_refused(lost_head: bool) -> None:
    """An older imapbox neither reads nor writes a newer segment, and says why."""
    log = MailLog(simulated()).make()
    log.append()
    header = bytearray(log.read("log.1")[:60])
    header[8] = 2
    log.write("log.1", bytes(header) + zlib.crc32(header).to_bytes(4, "little"))
    if lost_head:
        log.remove("head")
    before = log.contents()
    for act in (log.append, log.open):
        with pytest.raises(UnknownFormat) as refused:
            act()
        assert "newer imapbox" in refused.value.sentence()
    assert log.contents() == before, "and leaves it as it is"


def test_a_log_without_segments_is_damaged() -> None:
    """A head without its segment is lost, and without any segment all is."""
    log = MailLog(simulated()).make()
    log.append()
    log.remove("log.1")
    with pytest.raises(MailboxDamaged):
        log.append()


def switched() -> tuple[MailLog, dict[str, bytes]]:
    """Return a log with two segments, its head from before the SWITCH."""
    log = MailLog(simulated(), segment_limit=600).make()
    log.append(MAIL[0])
    log.append(MAIL[1])
    head = log.read("head")
    log.append(MAIL[2])
    assert log.head().position.segment == 2
    files = log.contents()
    log.write("head", head)
    return log, files


def test_an_adopted_switch_is_followed() -> None:
    """A writer that died between SWITCH and head leaves a log that goes on."""
    log, _ = switched()
    assert log.append(MAIL[3]) == [4]
    state = log.state()
    assert (state.position.segment, state.counts.exists) == (2, 4)


@pytest.mark.parametrize("what", ["gone", "no base", "no header"])
def test_a_switch_that_leads_nowhere_is_damage(what: str) -> None:
    """SWITCH is written when the next segment is durable: one that isn't is damage."""
    log, files = switched()
    if what == "gone":
        log.remove("log.2")
    elif what == "no base":
        log.write("log.2", bytes(len(files["log.2"]) - 64), 64)
    else:
        log.write("log.2", bytes(64))
    before = log.read("log.1")
    with pytest.raises(MailboxDamaged):
        log.append()
    assert "damaged" in log.names()
    assert log.read("log.1") == before


def without_switch() -> MailLog:
    """Return a log of two segments whose SWITCH, and whose head, are lost."""
    log, files = switched()
    offset = log.head().position.offset
    log.write("log.1", bytes(len(files["log.1"]) - offset), offset)
    log.remove("head")
    return log


def test_the_litter_of_a_rotation_is_no_segment() -> None:
    """A segment that no SWITCH names is not read, and the next rotation removes it."""
    log = without_switch()
    operations, payload = struct.unpack_from("<I4xQ", log.read("log.2"), 64 + 8)
    log.truncate("log.2", 64 + -(-(96 + operations + payload) // 8) * 8 + 16)
    assert log.state().counts.exists == 2
    assert log.append(MAIL[3]) == [3]
    state = log.state()
    assert (state.position.segment, state.counts.exists) == (2, 3)


def test_a_segment_with_mail_is_no_litter() -> None:
    """One that holds more than BASE lost its SWITCH: damage, and it is kept."""
    log = without_switch()
    kept = log.read("log.2")
    with pytest.raises(MailboxDamaged):
        log.append(MAIL[3])
    assert log.read("log.2") == kept
    assert "damaged" in log.names()


@pytest.mark.parametrize("with_head", [True, False])
def test_a_switch_that_is_broken_is_not_cut(*, with_head: bool) -> None:
    """What is left of it is not taken for torn while the segment is there it led to."""
    log, _ = switched()
    log.write("log.1", b"what is left of SWITCH", log.head().position.offset)
    if not with_head:
        log.remove("head")
    kept = log.read("log.1")
    with pytest.raises(MailboxDamaged):
        log.run(settle(DIRECTORY, log.settings))
    assert log.read("log.1") == kept


@pytest.mark.parametrize("broken", ["gone", "header", "second frame"])
def test_mail_behind_a_broken_segment_is_no_litter(broken: str) -> None:
    """Whatever else is broken of what comes behind the end, mail in it is kept."""
    log = MailLog(simulated(), segment_limit=600).make()
    log.append(MAIL[0])
    while "log.3" not in log.names():
        log.append(MAIL[1])
        if "log.2" not in log.names():
            head, end = log.read("head"), log.head().position.offset
    log.append(MAIL[2])
    log.write("head", head)
    log.write("log.1", b"what is left of SWITCH", end)
    if broken == "gone":
        log.remove("log.2")
    elif broken == "header":
        log.write("log.2", bytes(64))
    else:
        at = log.read("log.2").index(MAGIC, 64 + 8)
        log.write("log.2", bytes(8), at)
    names = log.names()
    with pytest.raises(MailboxDamaged):
        log.run(settle(DIRECTORY, log.settings))
    assert set(names) <= set(log.names())
    found = log.run(check_log(DIRECTORY, MailboxAudit, OWNER)).findings
    assert any("holds mail" in each.sentence for each in found)


def test_a_switch_leads_to_the_next_segment() -> None:
    """One that leads anywhere else makes no sense, and keeps nobody running."""
    for segment in (0, 1, 3):
        log = MailLog(simulated()).make()
        log.append()
        at, counts = log.head().position, log.head().counts
        octets, _ = single_frame(at, Switch(segment, at.salt).encode(), counts, 2**50)
        log.write("log.1", octets, at.offset)
        with pytest.raises(MailboxDamaged):
            log.append()


NO_SENSE: Final = {
    "an unknown kind": b"\xff" * 8,
    "too short": b"\x03",
    "a SWITCH and more": join_operations([Switch(2, 3).encode()] * 2),
    "a SWITCH cut short": join_operations([Encoded(Kind.SWITCH, b"12")]),
    "a header larger than its message": join_operations(
        [Append(9, 0, 0, 0, 0, 0, 1, 2, 0, 0, bytes(16)).encode()]
    ),
    "a message that is not counted": join_operations(
        [Append(9, 0, 0, 0, 0, 0, 1, 0, 0, zlib.crc32(b"x"), bytes(16)).encode()]
    ),
    "a text that is none": join_operations([Encoded(Kind.KEYWORD, b"\x01\x00\xff")]),
}


# What belongs to those that bring a message.
PAYLOADS: Final = dict.fromkeys(
    ("a header larger than its message", "a message that is not counted"), b"x"
)


def written_by_a_bug(
    at: Position, counts: Counts, operations: bytes, payload: bytes = b""
) -> bytes:
    """Return a frame that is whole, whatever its operations say."""
    content = FrameContent(counts, operations, 1, len(payload), 2**50, at.offset)
    octets, end = encode_frame(at, content)
    trailer = encode_trailer(end.chain, len(operations), len(payload), 2**50)
    return octets + payload + trailer


@pytest.mark.parametrize("what", NO_SENSE)
@pytest.mark.parametrize("head", ["good", "lost"])
def test_a_whole_frame_without_sense_is_damage(what: str, head: str) -> None:
    """What a bug wrote is neither adopted as it is nor cut off: it is damage."""
    log = MailLog(simulated()).make()
    log.append()
    at = log.head().position
    counts = log.head().counts
    frame = written_by_a_bug(at, counts, NO_SENSE[what], PAYLOADS.get(what, b""))
    log.write("log.1", frame, at.offset)
    if head == "lost":
        log.remove("head")
    before = log.read("log.1")
    for _ in range(2):
        opened, state = log.open()
        assert opened.damaged
        assert len(state.roll) == state.counts.exists == 1
    with pytest.raises(MailboxDamaged):
        log.append()
    assert log.read("log.1") == before


def test_a_log_whose_first_frame_makes_no_sense_is_opened() -> None:
    """Nothing of it can be shown, and it takes no changes; that is all."""
    log = MailLog(simulated()).make()
    header = SegmentHeader.decode(log.read("log.1"))
    assert header is not None
    at = first_position(1, header.salt)
    frame = written_by_a_bug(at, log.head().counts, NO_SENSE["an unknown kind"])
    log.write("log.1", frame, at.offset)
    log.remove("head")
    opened, state = log.open()
    assert opened.damaged
    assert not len(state.roll)


@pytest.mark.parametrize("lost", ["head and end", "another log", "a longer one"])
def test_what_was_read_and_is_gone_is_damage(lost: str) -> None:
    """Who knows more than the log says changes nothing by what it knows."""
    log = MailLog(simulated()).make()
    log.append()
    log.append(incoming(keywords=["one"]))
    known = known_of(log.state(), [1])
    place = place_of(log.state(), 2)
    if lost == "head and end":
        log.write("log.1", b"\xff", place.offset)
        log.remove("head")
    else:
        other = MailLog(simulated()).make()
        other.append()
        other.append(incoming(keywords=["two"]))
        if lost == "a longer one":
            other.append()
        for name in ("log.1", "head"):
            log.write(name, other.read(name))
    with pytest.raises(MailboxDamaged):
        log.commit(SetFlags(known, FlagChange.ADD, Flag(0), frozenset({"two"})))
    assert log.read("damaged")
