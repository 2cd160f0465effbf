"""Snapshots: what is loaded is what was there, or it isn't loaded."""

import itertools
import random
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.index.chunk import FIELDS
from imapbox.index.columns import CHUNK_ROWS, Columns
from imapbox.index.head import Counts, Position
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.operations import Append, Flags
from imapbox.index.snapshot import (
    HEADER_SIZE,
    PIECE_ROWS,
    SnapshotHeader,
    snapshot_names,
    table_place,
)
from imapbox.index.snapshot_reader import MailboxSnapshots, check_rows
from imapbox.index.snapshot_writer import SnapshotWriter, remove_older
from imapbox.model.errors import StoreFailure
from imapbox.model.flags import Flag, FlagChange
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated


def contents(state: MailboxState) -> dict[str, Any]:
    """Return all that a state says of the mailbox, as plain values."""
    columns = state.columns
    rows = columns.alive_rows()
    return {
        "position": state.position,
        "counts": state.counts,
        "facts": vars(state.facts),
        "uids": state.roll.now.tolist(),
        "keywords": columns.keywords(rows),
        "vanished": (state.vanished.floor, state.vanished.now.tolist()),
        "graves": state.graves.now.tolist(),
        **{name: columns[name][rows].tolist() for name in FIELDS},
    }


def filled(**settings: Any) -> MailLog:
    """Return a mailbox with some of everything."""
    log = MailLog(simulated(), **settings).make()
    log.append(incoming(b"a" * 99, Flag.SEEN, ["Work"]), incoming(b"b"))
    log.append(incoming(b"c", Flag.DELETED), incoming(b"d" * 300))
    log.set_flags([1, 4], FlagChange.ADD, Flag.FLAGGED, ["todo"])
    log.expunge([3])
    return log


def loaded(log: MailLog, name: str, *, checked: bool = False) -> MailboxState | None:
    return log.run(MailboxSnapshots(checked=checked).load(DIRECTORY, name))


@pytest.mark.parametrize("checked", [False, True])
def test_a_snapshot_says_what_the_log_says(checked: bool) -> None:
    """A mailbox that was loaded is the mailbox that was saved, in all of it."""
    log = filled()
    name = log.snapshot()
    state = loaded(log, name, checked=checked)
    assert state is not None
    assert contents(state) == contents(log.state())


def test_an_empty_mailbox_can_be_saved() -> None:
    """A mailbox without a message, and one that lost all, are loaded."""
    log = MailLog(simulated()).make()
    for _ in range(2):
        state = loaded(log, log.snapshot())
        assert state is not None
        assert contents(state) == contents(log.state())
        log.append(incoming(b"x"))
        log.expunge([1])


def test_a_loaded_mailbox_goes_on() -> None:
    """What is behind a snapshot in the log is read from there, and only that."""
    log = filled(segment_limit=700)
    log.snapshot()
    at = log.head().position
    for number in range(8):
        log.append(incoming(bytes(200), keywords=[f"K{number}"]))
    log.set_flags([1, 2, 7], FlagChange.ADD, Flag.ANSWERED)
    log.expunge([1, 9])
    assert log.head().position.segment > at.segment + 1
    wanted = contents(log.state())
    log.files.disk.calls = []
    _, state = log.open(MailboxSnapshots())
    assert contents(state) == wanted
    opened = {call.path for call in log.files.disk.calls if call.method == "pread"}
    assert f"{DIRECTORY}/log.{at.segment}" in opened
    assert f"{DIRECTORY}/log.1" not in opened


@pytest.mark.slow
def test_every_flipped_byte_is_seen_or_harmless(seed: int, effort: int) -> None:
    """With any byte changed a snapshot says the same, or it is not used.

    One in four is tried, which the seed chooses; in the long form all are.
    """
    step = 4 if effort == 1 else 1
    log = filled()
    name = log.snapshot()
    wanted = contents(log.state())
    good = log.read(name)
    header = SnapshotHeader.decode(good)
    assert header is not None
    parts = header.parts()
    between = set(range(HEADER_SIZE, table_place(parts)[0]))
    for part in parts:
        between -= set(range(part.offset, part.offset + part.size))
    harmless, places = set(), range(seed % step, len(good), step)
    for place in places:
        log.write(name, bytes([good[place] ^ 0x41]), place)
        whole = log.run(check_rows(DIRECTORY, name))
        for checked in (True, False):
            state = loaded(log, name, checked=checked)
            if state is None:
                continue
            try:
                found = contents(state)
            except StoreFailure:
                assert not checked
                assert not whole
                assert MailboxSnapshots().is_spoilt(state)
            else:
                assert found == wanted
                harmless.add(place)
        if not place % 11:
            _, state = log.open(MailboxSnapshots(checked=True))
            assert contents(state) == wanted
        log.write(name, good[place : place + 1], place)
    assert harmless == between.intersection(places), (
        "the zeros between the parts, and no others"
    )


def test_every_truncation_is_seen() -> None:
    """A snapshot cut anywhere, or grown, is none."""
    log = filled()
    name = log.snapshot()
    good = log.read(name)
    log.write(name, b"\0", len(good))
    assert loaded(log, name) is None
    for size in reversed(range(len(good))):
        log.truncate(name, size)
        assert loaded(log, name) is None
        assert not log.run(check_rows(DIRECTORY, name))
    _, state = log.open(MailboxSnapshots())
    assert contents(state) == contents(log.state())


def test_rows_that_rot_are_not_served() -> None:
    """A row whose bytes are wrong is an error, never an answer."""
    log = filled()
    name = log.snapshot()
    data = log.read(name)
    sizes = log.state().columns["size"].all().tobytes()
    log.write(name, b"\xff", data.index(sizes[:8]))
    _, state = log.open(MailboxSnapshots())
    assert state.source is not None
    assert state.columns["uid"].tolist() == [1, 2, 4]
    with pytest.raises(StoreFailure):
        state.columns["size"][state.columns.alive_rows()]
    snapshots = MailboxSnapshots()
    assert snapshots.is_spoilt(state)
    _, state = log.open(snapshots)
    assert state.source is None
    assert contents(state) == contents(log.state())


def test_what_lies_behind_the_head_is_not_used() -> None:
    """A snapshot that is newer than the log is of another log."""
    log = filled()
    before = log.contents()
    log.append(incoming(b"more"))
    name = log.snapshot()
    log.truncate("log.1", 0)
    log.write("log.1", before["log.1"])
    log.write("head", before["head"])
    opened, state = log.open(MailboxSnapshots())
    assert name in log.names()
    assert state.source is None
    assert not opened.damaged
    assert contents(state) == contents(log.state())


def test_another_chain_is_another_log() -> None:
    """A snapshot of a log that went on otherwise is not used."""
    log = filled()
    before = log.contents()
    log.append(incoming(b"more"))
    log.snapshot()
    # Restored from a copy, and then as long as it was.
    log.truncate("log.1", 0)
    log.write("log.1", before["log.1"])
    log.write("head", before["head"])
    log.append(incoming(b"else"))
    for _ in range(2):
        opened, state = log.open(MailboxSnapshots())
        assert state.source is None
        assert not opened.damaged
        assert contents(state) == contents(log.state())
        log.append(incoming(b"and behind it"))


def test_a_snapshot_whose_segment_is_gone_is_not_used() -> None:
    """Without the segment in which it ends a snapshot can't be followed."""
    log = filled(segment_limit=700)
    log.snapshot()
    at = log.head().position.segment
    for _ in range(6):
        log.append(incoming(bytes(300)))
    log.relocate(log.state().roll.now.tolist())
    for number in range(1, at + 1):
        log.remove(f"log.{number}")
    opened, state = log.open(MailboxSnapshots())
    assert state.source is None
    assert not opened.damaged
    assert contents(state) == contents(log.state())


def test_a_newer_format_is_not_used() -> None:
    """A snapshot in a format of the future is passed over: the log is there."""
    log = filled()
    name = log.snapshot()
    for place in (8, 14):
        data = log.read(name)
        log.write(name, b"\x02", place)
        assert loaded(log, name) is None
        log.write(name, data[place : place + 1], place)
    log.write(name, b"\x01", 10)
    assert loaded(log, name) is None, "its bits are checked, too"


def test_the_newest_good_one_is_used() -> None:
    """If the newest snapshot is broken, the one before is used."""
    log = filled()
    older = log.snapshot()
    log.append(incoming(b"x"))
    newer = log.snapshot()
    assert log.open(MailboxSnapshots())[1].source.name == newer
    log.truncate(newer, 500)
    assert log.open(MailboxSnapshots())[1].source.name == older


def test_old_ones_are_removed() -> None:
    """The newest and one before it are kept; what is newer than the log is not."""
    log = filled()
    names = []
    for _ in range(4):
        log.append(incoming(b"x"))
        names.append(log.snapshot())
    log.write(f"snap.9.64.{'0' * 8}", b"of a log that was there before")
    log.write("snap.broken", b"not ours")
    names.append(log.snapshot())
    kept = [each.name for each in snapshot_names(log.names())]
    assert sorted(kept) == sorted(names[-2:])
    assert "snap.broken" in log.names()


def saved(log: MailLog) -> str:
    """Let something come, and save it."""
    log.append(incoming(b"x"))
    return log.snapshot()


def begun(log: MailLog) -> SnapshotWriter:
    """Let something come, and begin to save it, as another process does."""
    log.append(incoming(b"x"))
    writer = SnapshotWriter(DIRECTORY, log.state().freeze())
    assert not log.run(writer.go_on())
    return writer


def test_a_torn_one_is_not_kept_for_the_whole_one_before_it() -> None:
    """If power tears the newest, there is a whole one, though a maker was killed."""
    log = filled()
    good = saved(log)
    log.truncate(saved(log), 500)
    log.truncate(saved(log), 500)
    newest = saved(log)
    log.truncate(newest, 500)
    _, state = log.open(MailboxSnapshots())
    assert state.source is not None
    assert state.source.name == good


def test_a_torn_one_goes_when_two_newer_ones_are_whole() -> None:
    """What a killed maker left is on the disk no longer than that."""
    log = filled()
    saved(log)
    torn = begun(log).name
    first = saved(log)
    assert torn in log.names()
    second = saved(log)
    kept = [each.name for each in snapshot_names(log.names())]
    assert kept == [second, first]


def test_one_in_the_making_stays() -> None:
    """What others are writing, newer or older, is left until two newer are whole."""
    log = filled()
    before = saved(log)
    older = begun(log)
    mine = begun(log)
    newer = begun(log)
    while not log.run(mine.go_on()):
        pass
    assert {before, older.name, mine.name, newer.name} <= set(log.names())
    while not log.run(newer.go_on()):
        pass
    kept = [each.name for each in snapshot_names(log.names())]
    assert kept == [newer.name, mine.name]


def test_one_that_is_begun_meanwhile_stays() -> None:
    """What is newer than the head of a moment ago may be another process's."""
    for number in itertools.count():
        log = filled()
        mine = saved(log)
        other = MailLog(log.files.disk.process(2))
        work, answer, writer = remove_older(DIRECTORY, mine), None, None
        with suppress(StopIteration):
            for at in itertools.count():
                call = work.send(answer)
                if at == number:
                    writer = begun(other)
                answer = getattr(log.files, call.method)(*call.arguments)
        if writer is None:
            break
        assert {mine, writer.name} <= set(log.names())
    assert number > 2


def test_a_snapshot_that_is_given_up_leaves_nothing() -> None:
    """Wherever its making ends, no file and no descriptor is left."""
    log = filled()
    names = log.names()
    for spells in itertools.count():
        writer = SnapshotWriter(DIRECTORY, log.state().freeze(), spell=1)
        if any(log.run(writer.go_on()) for _ in range(spells)):
            break
        log.run(writer.give_up())
        assert log.names() == names
        assert not log.files.disk.files
    assert spells > len(FIELDS)
    assert loaded(log, writer.name) is not None


@pytest.mark.parametrize("is_cut", [False, True])
def test_deleting_any_of_it_loses_nothing(is_cut: bool) -> None:
    """Without head and any of the snapshots all is as it was, flags and keywords."""
    log = filled(segment_limit=700)
    for number in range(6):
        log.append(incoming(bytes(150), keywords=[f"K{number}"]))
        log.set_flags([1, number], FlagChange.ADD, Flag.ANSWERED)
    if is_cut:
        log.relocate([1, 2, 4])
        log.remove("log.1")
    first = log.snapshot()
    log.expunge([6])
    log.append(incoming(b"x"))
    second = log.snapshot()
    log.set_flags([7], FlagChange.REPLACE, Flag.DRAFT, ["last"])
    before = log.contents()
    wanted = contents(log.state())
    may_go = [first, second, "head"]
    for count in range(len(may_go) + 1):
        for gone in itertools.combinations(may_go, count):
            for name in gone:
                log.remove(name)
            opened, state = log.open(MailboxSnapshots())
            assert not opened.damaged
            found = contents(state)
            assert (state.source is None) == ({first, second} <= set(gone))
            if state.source is not None:
                # It knows more of what vanished than a log that was cut.
                assert found["vanished"][0] <= wanted["vanished"][0]
                for what in ("vanished", "graves"):
                    found[what] = wanted[what]
            assert found == wanted
            log.append(incoming(b"goes on"))
            for name in log.contents():
                log.remove(name)
            for name, data in before.items():
                log.write(name, data)


def large(rows: int, dice: random.Random) -> MailboxState:
    """Return a mailbox of many rows, some of them dead, on no disk."""
    state = MailboxState()
    columns = state.columns
    for uid in range(1, rows + 1):
        message = Append(
            uid, uid % 7, 1 << uid % 70, uid, 0, uid, uid, 1, 2, 3, bytes(16)
        )
        columns.append(message, uid, 1, uid * 8)
    columns.expunge(
        [range(uid, uid + 1) for uid in sorted(dice.sample(range(1, rows), rows // 9))]
    )
    columns.change_flags(Flags((range(rows // 2, rows),), 8, 0, 1 << 3, 0), 5)
    alive = columns["uid"][columns.alive_rows()].tolist()
    state.position = Position(1, 640, 7, 8)
    state.counts = Counts(9, rows + 1, len(alive), 0, 1, 0)
    return state


@pytest.mark.parametrize("rows", [CHUNK_ROWS - 1, 2 * CHUNK_ROWS + 5])
def test_many_rows_lie_in_pieces(rows: int, seed: int) -> None:
    """Mailboxes of more than one piece are saved and loaded, without their dead."""
    log = filled()
    state = large(rows, random.Random(seed))
    name = log.snapshot(state)
    found = loaded(log, name)
    assert found is not None
    assert found.columns.size == state.counts.exists
    alive, all_rows = state.columns.alive_rows(), found.columns.alive_rows()
    for column in FIELDS:
        before, after = state.columns[column][alive], found.columns[column][all_rows]
        assert np.array_equal(before, after)
    assert found.columns.keywords(all_rows) == state.columns.keywords(alive)
    assert found.roll.now.tolist() == found.columns["uid"].tolist()


def test_a_second_piece_that_rots_leaves_the_first(seed: int) -> None:
    """Rows are checked piece by piece: the bad ones are refused, others are not."""
    log = filled()
    state = large(2 * PIECE_ROWS, random.Random(seed))
    name = log.snapshot(state)
    offsets = state.columns["offset"][state.columns.alive_rows()].tobytes()
    log.write(name, b"\xff", log.read(name).index(offsets) + len(offsets) - 1)
    found = loaded(log, name)
    assert found is not None
    assert found.columns.place(5).offset % 8 == 0
    with pytest.raises(StoreFailure):
        found.columns.place(int(found.columns.alive_rows()[-1]))
    assert found.source is not None
    assert found.source.broken
    assert not log.run(check_rows(DIRECTORY, name))


def test_it_is_used_where_it_lies(tmp_path: Any) -> None:
    """On a real disk rows are used in place, and changes reach no file."""
    files = DiskFileSystem(str(tmp_path))
    log = MailLog(files).make()
    log.append(*[incoming(b"%d" % number) for number in range(50)])
    name = log.snapshot()
    before = log.read(name)
    log.set_flags(range(1, 51), FlagChange.ADD, Flag.SEEN)
    log.remove(name)
    log.write(name, before)
    _, state = log.open(MailboxSnapshots())
    assert state.source is not None
    assert not state.columns.chunks[0].arrays["uid"].flags.owndata
    log.remove(name)
    assert state.columns["flags"].tolist() == [Flag.SEEN] * 50
    assert contents(state) == contents(log.state())
    fd = files.open("kept", Mode.ENSURE)
    files.pwrite(fd, before, 0)
    assert files.pread(fd, len(before), 0) == before
    files.close(fd)


def test_names() -> None:
    """Snapshots are told by their names, the newest first, and nothing else is."""
    names = ["snap.2.64.aa", "snap.10.64.aa", "snap.2.640.bb", "snap", "snap.x.1.y"]
    found = [each.name for each in snapshot_names([*names, "log.1", "snap.1.2"])]
    assert found == ["snap.10.64.aa", "snap.2.640.bb", "snap.2.64.aa"]


def test_freezing_copies_nothing() -> None:
    """The rows of a snapshot are lent: freezing a mailbox costs no copy."""
    columns = Columns()
    for uid in range(1, 100):
        columns.append(Append(uid, 0, 0, 0, 0, 0, 1, 0, 0, 0, bytes(16)), 1, 1, 8 * uid)
    (frozen,) = columns.freeze()
    assert np.shares_memory(frozen.arrays["flags"], columns.chunks[0].arrays["flags"])
    columns.change_flags(Flags((range(5, 6),), 1, 0, 0, 0), 2)
    assert not frozen.read("flags").any()
    columns.append(Append(100, 1, 0, 0, 0, 0, 1, 0, 0, 0, bytes(16)), 3, 1, 8)
    assert frozen.size == 99
