"""`imapbox repair`: what is left of a damaged store is a sound one."""

import errno
import os
import random
from pathlib import Path
from typing import Any, Final

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import perform, perform_patiently
from imapbox.index.damage import DAMAGED
from imapbox.index.frame import FRAME_HEADER_SIZE
from imapbox.index.head import Head
from imapbox.index.repair import Job, Mending, State
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.repair import mend_user
from tests.simulation.disk import OWNER, SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.mailbox import ACCOUNT, ALICE, Account, settings_of
from tests.simulation.repairing import (
    deliver_more,
    flip,
    frames_of,
    look,
    lose,
    mailbox_with,
    message,
    put,
    repair,
    segments,
    worst,
)
from tests.unit.store.repairs import (
    log_of,
    lost_found,
    make,
    mended,
    rotated,
    tear_operations,
)

COUNT: Final = 6
LEFT: Final = [1, 2, 3, 4, 6]


def uids_of(seen: Any) -> list[int]:
    """Return the UIDs of a mailbox."""
    return [each.uid for each in seen.messages]


def test_a_sound_store_needs_nothing() -> None:
    """Of a sound store nothing is said and nothing is changed."""
    disk, _ = mailbox_with(COUNT)
    before = disk.tree()
    assert not repair(disk, 1)
    assert not repair(disk, 2, deep=True)
    changed = {path for path, data in disk.tree().items() if before.get(path) != data}
    assert not {path for path in changed if not path.endswith("/lock")}


def break_operations(disk: SimulatedDisk, account: Account, number: int) -> bytes:
    """Flip a bit of a frame's operations; return the whole segment as it was then."""
    frame = frames_of(disk, account.directory)[number]
    flip(disk, log_of(account), frame.start + FRAME_HEADER_SIZE + 20)
    return disk.content(log_of(account))


def test_flipped_operation() -> None:
    """Of an octet that rotted in an index the CRC tells what it was."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    broken = break_operations(disk, account, 1)
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert seen.messages == before.messages
    assert seen.uidvalidity == before.uidvalidity
    assert seen.modseq > before.modseq
    assert broken in lost_found(disk)


@pytest.mark.parametrize("octet", [1, 5, 10, 74, 77, 90])
def test_flipped_header(octet: int) -> None:
    """So it does of the header of its frame."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    frame = frames_of(disk, account.directory)[1]
    flip(disk, log_of(account), frame.start + octet)
    mended(disk, account.directory)
    assert look(disk, 91).messages == before.messages


def test_torn_operations() -> None:
    """A message without index may be anybody's: it is kept, for the operator."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    tear_operations(disk, account, 1)
    said = mended(disk, account.directory)
    assert "1 without index may be another mailbox's" in said
    seen = look(disk, 91)
    assert seen.messages == before.messages[1:], "flags and keywords are lost"
    assert message(1) in lost_found(disk)


def test_flipped_flags() -> None:
    """What a lost change of flags said is not known; the message stays."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    tear_operations(disk, account, 3)
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert uids_of(seen) == LEFT
    assert seen.messages[1].flags == 0
    assert seen.uidvalidity == before.uidvalidity


def test_flipped_body() -> None:
    """With --deep, a message whose octets are broken goes to lost+found."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    frame = frames_of(disk, account.directory)[1]
    flip(disk, log_of(account), frame.payload_start + frame.payload_size - 3)
    broken = disk.content(log_of(account))
    assert not repair(disk, 92), "an index that is sound is left as it is"
    said = mended(disk, account.directory, deep=True)
    assert "1 are gone, with the UIDs 1" in said
    seen = look(disk, 91)
    assert seen.messages == before.messages[1:]
    assert broken in lost_found(disk)


def test_flipped_card() -> None:
    """A card that is broken is no damage: who reads it makes it again."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    frame = frames_of(disk, account.directory)[1]
    flip(disk, log_of(account), frame.payload_start + 3)
    assert not repair(disk, 101, deep=True)
    assert look(disk, 91) == before
    assert segments(disk, account.directory) == [1]
    flip(disk, log_of(account), frames_of(disk, account.directory)[2].start + 70)
    mended(disk, account.directory)
    assert {each.body for each in look(disk, 91).messages} == {
        each.body for each in before.messages
    }


@pytest.mark.parametrize("boot", [True, False], ids=["boot", "another boot"])
def test_broken_tail(boot: bool) -> None:
    """If the end can't be read, UIDVALIDITY grows unless the head tells UIDNEXT."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    content = disk.content(log_of(account))
    frame = frames_of(disk, account.directory)[-1]
    put(disk, log_of(account), content[: frame.start] + b"\1" * 300)
    if not boot:
        disk.boot += 1
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert uids_of(seen) == [1, 2, 3, 4, 5, 6]
    assert (seen.uidvalidity > before.uidvalidity) == (not boot)
    assert seen.uidnext == before.uidnext


def test_a_torn_tail_is_cut() -> None:
    """What a crash left behind the end is cut off, and no more is done."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    content = disk.content(log_of(account))
    end = frames_of(disk, account.directory)[-1].end.offset
    put(disk, log_of(account), content[:end] + b"torn" + content[end + 4 :])
    mended(disk, account.directory)
    assert look(disk, 91) == before
    assert segments(disk, account.directory) == [1]


@pytest.mark.parametrize("octets", [b"", b"IBH0 torn", None])
def test_lost_head(octets: bytes | None) -> None:
    """A head that is lost is made again, and no more is done."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    if octets is None:
        lose(disk, f"{account.directory}/head")
    else:
        put(disk, f"{account.directory}/head", octets)
    mended(disk, account.directory)
    assert look(disk, 91) == before
    assert segments(disk, account.directory) == [1]


def test_wrong_head() -> None:
    """A head that says something else than the last frame is made again."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    path = f"{account.directory}/head"
    head = Head.decode(disk.content(path))
    assert head is not None
    wrong = head._replace(counts=head.counts._replace(unseen=99))
    put(disk, path, wrong.encode())
    mended(disk, account.directory)
    assert look(disk, 91) == before


def test_the_mark_goes() -> None:
    """The mark of a mailbox that is sound, messages and all, is removed."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    make(disk, f"{account.directory}/{DAMAGED}", b"a sync failed\n")
    mended(disk, account.directory)
    assert look(disk, 91) == before
    assert segments(disk, account.directory) == [1]


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_lost_segment(which: str) -> None:
    """Of a lost segment the messages are gone; those of the others stay."""
    disk, account = rotated()
    before = look(disk, 90)
    numbers = segments(disk, account.directory)
    number = {"first": numbers[0], "middle": numbers[1], "last": numbers[-1]}[which]
    lost = {
        each.uid
        for each in before.messages
        if any(
            message(each.uid) in disk.content(log_of(account, at)) for at in [number]
        )
    }
    lose(disk, log_of(account, number))
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert set(uids_of(seen)) >= {each.uid for each in before.messages} - lost
    assert set(uids_of(seen)) & lost == set()
    assert seen.uidvalidity == before.uidvalidity
    assert seen.uidnext == before.uidnext


@pytest.mark.parametrize("number", [0, 1, -1])
def test_lost_segment_header(number: int) -> None:
    """A segment whose header is lost is read all the same."""
    disk, account = rotated()
    before = look(disk, 90)
    path = log_of(account, segments(disk, account.directory)[number])
    put(disk, path, bytes(64) + disk.content(path)[64:])
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert seen.messages == before.messages
    assert seen.uidvalidity == before.uidvalidity


def test_lost_lock() -> None:
    """A lock that is lost is made again."""
    disk, account = mailbox_with(COUNT)
    lose(disk, f"{account.directory}/lock")
    mended(disk, account.directory)
    put(disk, f"{account.directory}/lock", b"none of ours")
    mended(disk, account.directory)


@pytest.mark.parametrize("rotates", [False, True])
def test_lost_lock_and_an_old_head(*, rotates: bool) -> None:
    """Nor is it missed where the head beside it is an old one."""
    disk, account = mailbox_with(1, **({"segment_limit": 500} if rotates else {}))
    old = disk.content(f"{account.directory}/head")
    deliver_more(disk, account, range(2, COUNT))
    before = look(disk, 90)
    put(disk, f"{account.directory}/head", old)
    lose(disk, f"{account.directory}/lock")
    mended(disk, account.directory)
    assert look(disk, 91).messages == before.messages


def test_odd_lock(tmp_path: Path) -> None:
    """A lock that is no file is left, and said to be; without it one is made."""
    filesystem = DiskFileSystem(str(tmp_path))
    settings = settings_of(filesystem)
    perform(prepare_store(), filesystem)
    perform(create_account(ALICE, settings), filesystem)
    lock = tmp_path / ACCOUNT / "lock"
    lock.unlink()
    lock.mkdir()
    owner = tmp_path.stat().st_uid
    job = Job(settings, apply=True)
    assert perform_patiently(mend_user(ALICE, job, owner), filesystem) > 0
    sentence = "it is no file; remove it, and a lock is made"
    assert job.mended[0] == Mending(f"{ACCOUNT}/lock", sentence, State.LEFT)
    lock.rmdir()
    job = Job(settings, apply=True)
    assert perform_patiently(mend_user(ALICE, job, owner), filesystem) > 0
    assert [each.sentence for each in job.mended] == ["a lock is made"]


def test_lost_mailbox() -> None:
    """A mailbox of which nothing is left is made anew, with a greater UIDVALIDITY."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    for path in [path for path in disk.names if account.directory in path]:
        lose(disk, path)
    mended(disk, ACCOUNT)
    seen = look(disk, 91)
    assert not seen.messages
    assert seen.uidvalidity > before.uidvalidity


def test_an_empty_mailbox_directory() -> None:
    """So it is if only its directory is left."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    for path in [path for path in disk.names if f"{account.directory}/" in path]:
        lose(disk, path)
    mended(disk, account.directory)
    assert look(disk, 91).uidvalidity > before.uidvalidity


def test_any_flipped_byte_is_mended(effort: int) -> None:
    """Whatever byte is flipped: no message is another one, one at most is gone."""
    disk, account = mailbox_with(COUNT)
    end = frames_of(disk, account.directory)[-1].end.offset
    bodies = {message(number) for number in range(1, COUNT + 1)}
    chance = random.Random(1)
    for at in chance.sample(range(end), 40 * effort):
        broken = disk.copy()
        flip(broken, log_of(account), at)
        repair(broken, 1, deep=True)
        assert not worst(broken, 2, account.directory), at
        assert not repair(broken, 3, deep=True), at
        seen = look(broken, 4)
        found = [each.body for each in seen.messages]
        assert set(found) <= bodies, at
        assert len(set(found)) == len(found) >= COUNT - 2, at


def test_any_cut_is_mended(effort: int) -> None:
    """Wherever a segment is cut, what lies before the cut is there."""
    disk, account = mailbox_with(COUNT)
    frames = frames_of(disk, account.directory)
    content = disk.content(log_of(account))
    chance = random.Random(2)
    for at in chance.sample(range(frames[-1].end.offset), 20 * effort):
        broken = disk.copy()
        put(broken, log_of(account), content[:at])
        repair(broken, 1)
        assert not worst(broken, 2, account.directory), at
        assert not repair(broken, 3), at
        whole = [frame for frame in frames if frame.end.offset <= at]
        least = whole[-1].counts.exists if whole else 0
        assert len(look(broken, 4).messages) >= least, at


class BadBlock(SimulatedFileSystem):
    """Can't read one block of the first segment."""

    start = 4096

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        found = super().pread(fd, size, offset)
        is_log = (
            self._file(fd).path.endswith("log.1") and "/mail" in self._file(fd).path
        )
        if is_log and offset < self.start + 4096 and offset + len(found) > self.start:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return found


def test_a_block_that_can_not_be_read() -> None:
    """What lies in other blocks is there; the copy has zeros instead."""
    disk, account = mailbox_with(20)
    before = look(disk, 90)
    content = disk.content(log_of(account))
    job = Job(settings_of(disk.process(80)), apply=True)
    run(mend_user(ALICE, job, OWNER), BadBlock(disk, 80))
    assert not any(each.left for each in job.mended)
    assert not worst(disk, 81, account.directory)
    seen = look(disk, 91)
    assert set(seen.messages) < set(before.messages)
    assert len(seen.messages) > len(before.messages) / 2
    assert content[:4096] + bytes(4096) + content[8192:] in lost_found(disk)


def test_a_dry_run_beside_a_writer() -> None:
    """What a writer has not finished is not taken for damage."""
    disk, account = mailbox_with(COUNT)
    end = frames_of(disk, account.directory)[-1].end.offset
    content = disk.content(log_of(account))
    put(disk, log_of(account), content[:end] + b"being written")
    writer = disk.process(82)
    assert writer.try_lock(writer.open(f"{account.directory}/lock", Mode.WRITE))
    (said,) = repair(disk, 1, apply=False)
    assert said.left
    assert "changed all the time" in said.sentence
