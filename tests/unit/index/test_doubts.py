"""What may not have been read is written down, and removed again."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index import doubts as module
from imapbox.index.doubts import (
    DOUBTS,
    Doubts,
    read_doubts,
    remove_doubts,
    write_doubts,
)
from imapbox.index.remembered_keys import KEY_LIFETIME
from imapbox.model.errors import DiskFull
from imapbox.model.numbers import Uid
from tests.simulation.disk import SimulatedFileSystem, run
from tests.simulation.fault import WRITES, Fault
from tests.unit.index.mail_log import simulated

BOOT = 7
some_keys = st.sets(st.integers(1, 9).map(lambda n: bytes([n]) * 16), max_size=4)
steps = st.one_of(
    st.tuples(st.just("add"), some_keys, st.integers(0, KEY_LIFETIME // 3)),
    st.tuples(st.just("remove"), some_keys),
)


def made() -> SimulatedFileSystem:
    files = simulated()
    files.make_directory("m")
    return files


def read(files: SimulatedFileSystem, boot: int = BOOT, uidnext: int = 5) -> Doubts:
    found: Doubts = run(read_doubts("m", boot, uidnext), files)
    return found


def uid_of(key: bytes) -> Uid:
    return Uid(100 + key[0])


def hold(found: Doubts, key: bytes) -> bool:
    return found.hold(key, uid_of(key))


def add(files: SimulatedFileSystem, keys: set[bytes], time: int = 1) -> None:
    stored = {key: uid_of(key) for key in sorted(keys)}
    run(write_doubts("m", read(files), stored, time), files)


@given(st.lists(steps, max_size=12))
def test_it_holds_what_was_added_and_not_removed(history: list[tuple]) -> None:
    """A key is in doubt from when it was added until it is removed, or too old."""
    files = made()
    model: dict[bytes, int] = {}
    time = 1
    for what, keys, *later in history:
        if what == "add":
            time += later[0]
            new = {key for key in keys if not hold(read(files), key)}
            add(files, new, time)
            model.update(dict.fromkeys(new, time))
        else:
            run(remove_doubts("m", keys), files)
            model = {key: at for key, at in model.items() if key not in keys}
        held = {key for key in model if hold(read(files), key)}
        assert {key for key, at in model.items() if at > time - KEY_LIFETIME} <= held
    assert len(read(files).slots) <= 9 * 32
    assert read(files).since == 5


def test_another_boot_begins_anew() -> None:
    """Behind a power loss nothing is known of the messages that were there."""
    files = made()
    add(files, {b"a" * 16})
    assert read(files, BOOT, 9).since == 5
    assert read(files, BOOT + 1, 9) == Doubts(BOOT + 1, 9)
    assert read(files, BOOT, 4) == Doubts(BOOT, 4), "of a mailbox that was replaced"
    run(write_doubts("m", Doubts(BOOT + 1, 9), {b"b" * 16: uid_of(b"b")}, 3), files)
    found = read(files, BOOT + 1, 12)
    assert found.since == 9
    assert [hold(found, key) for key in (b"a" * 16, b"b" * 16)] == [False, True]


@given(st.integers(0, 127), st.integers(0, 7))
def test_every_flipped_bit_is_seen(at: int, bit: int) -> None:
    """What makes no sense says nothing, or nothing of that key."""
    files = made()
    add(files, {b"a" * 16, b"b" * 16})
    data = bytearray(files.disk.content(f"m/{DOUBTS}"))
    assert len(data) == 128
    data[at] ^= 1 << bit
    fd = files.open(f"m/{DOUBTS}", module.Mode.WRITE)
    files.pwrite(fd, bytes(data), 0)
    files.close(fd)
    found = read(files)
    if at < 64:
        assert found == Doubts(BOOT, 5)
    else:
        one = (b"a", b"b")[(at - 64) // 32] * 16
        assert [each for each in (b"a" * 16, b"b" * 16) if hold(found, each)] == [
            each for each in (b"a" * 16, b"b" * 16) if each != one
        ]


@given(st.integers(0, 127))
def test_a_file_cut_anywhere_says_what_is_left(size: int) -> None:
    """A file that was cut is read as far as it goes."""
    files = made()
    add(files, {b"a" * 16, b"b" * 16})
    fd = files.open(f"m/{DOUBTS}", module.Mode.WRITE)
    files.truncate(fd, size)
    files.close(fd)
    found = read(files)
    assert hold(found, b"a" * 16) == (size >= 96)
    assert not hold(found, b"b" * 16)


def test_a_doubt_is_about_one_message() -> None:
    """That one was written down, and never stored, says nothing of the one before."""
    files = made()
    run(write_doubts("m", read(files), {b"a" * 16: Uid(8)}, 1), files)
    found = read(files)
    assert [found.hold(b"a" * 16, Uid(uid)) for uid in (7, 8)] == [False, True]


@pytest.mark.parametrize("call", ["open", "pread"])
def test_what_can_not_be_opened_is_not_begun_anew(call: str) -> None:
    """Nothing is concluded from the want of a descriptor; the delivery comes later."""
    files = made()
    add(files, {b"a" * 16})
    for ask in (read, lambda files: add(files, {b"b" * 16})):
        files.disk.faults = (Fault(frozenset({call}), 1, errno.EMFILE),)
        with pytest.raises(OSError, match="Too many open files"):
            ask(files)
    files.disk.faults = ()
    assert read(files).since == 5
    assert hold(read(files), b"a" * 16)


def test_it_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all slots are taken, the oldest is given up."""
    monkeypatch.setattr(module, "MOST_SLOTS", 3)
    files = made()
    for number in range(1, 6):
        add(files, {bytes([number]) * 16}, number)
    found = read(files)
    assert [n for n in range(1, 6) if hold(found, bytes([n]) * 16)] == [3, 4, 5]


@pytest.mark.parametrize("number", [1, 2])
def test_a_disk_that_takes_no_more(number: int) -> None:
    """Where there is no room for a doubt the message has to wait."""
    files = made()
    files.disk.faults = (Fault(WRITES, number, errno.ENOSPC),)
    with pytest.raises(DiskFull):
        add(files, {b"a" * 16})
    files.disk.faults = ()
    assert not hold(read(files), b"a" * 16)
    add(files, {b"a" * 16})
    assert hold(read(files), b"a" * 16)


@pytest.mark.parametrize("number", [1, 2])
def test_a_disk_that_fails_harms_nothing(number: int) -> None:
    """Where it can't be written for another reason, the message is stored."""
    files = made()
    files.disk.faults = (Fault(WRITES, number, errno.EIO),)
    add(files, {b"a" * 16})
    files.disk.faults = ()
    assert not hold(read(files), b"a" * 16)
    run(remove_doubts("m", {b"a" * 16}), files)
    run(remove_doubts("n", {b"a" * 16}), files)
