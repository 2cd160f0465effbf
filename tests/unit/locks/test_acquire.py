"""The lock's protocol, on a simulated disk and clock."""

import errno
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from imapbox.disk import steps
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Finished, Steps, Unfinished, advance, perform
from imapbox.locks.acquire import LONGEST_POLL, Identity, locked
from imapbox.locks.lock_file import (
    LOCK_FILE_SIZE,
    NOTE,
    SLOT_COUNT,
    SLOT_SIZE,
    SLOTS,
    LockHints,
    Note,
    Waiter,
    decode_hints,
    new_lock_file,
)
from imapbox.model.errors import MailboxBusy, MailboxDamaged
from tests.simulation.disk import EPOCH, SimulatedDisk

PATIENCE = 30.0


def disk_with(*paths: str) -> SimulatedDisk:
    disk = SimulatedDisk()
    maker = disk.process(999)
    for path in paths:
        fd = maker.open(path, Mode.CREATE)
        maker.pwrite(fd, new_lock_file(), 0)
        maker.close(fd)
    return disk


def hints(disk: SimulatedDisk, path: str = "lock") -> LockHints:
    return decode_hints(disk.content(path))


class Asker:
    """Somebody who wants locks, step by step."""

    def __init__(
        self,
        disk: SimulatedDisk,
        pid: int,
        *paths: str,
        section: Callable[[], Steps[Any]] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.filesystem: Any = disk.process(pid)
        self.turns = 0
        self.outcome: Finished | Unfinished | None = None
        identity = Identity(self.filesystem.node, pid, f"command {pid}")
        self._section = section or self._nothing
        self.steps = locked(
            paths or ("lock",), identity, disk.clock + patience, self._take_turn
        )

    def go_on(self, error: BaseException | None = None) -> None:
        """Make calls until the next pause or the end."""
        self.outcome = advance(self.steps, self.filesystem, error)

    @property
    def done(self) -> bool:
        return isinstance(self.outcome, Finished)

    @property
    def waits(self) -> bool:
        return isinstance(self.outcome, Unfinished)

    def _take_turn(self) -> Steps[Any]:
        self.turns += 1
        return (yield from self._section())

    def _nothing(self) -> Steps[None]:
        yield from steps.now()


class Holder:
    """Somebody who has the lock, and keeps it."""

    def __init__(self, disk: SimulatedDisk, pid: int, path: str = "lock") -> None:
        self.filesystem = disk.process(pid)
        self._fd = self.filesystem.open(path, Mode.WRITE)
        assert self.filesystem.try_lock(self._fd)
        note = Note(pid, EPOCH, "simulated", "keeping").encode()
        self.filesystem.pwrite(self._fd, note, NOTE)

    def release(self) -> None:
        self.filesystem.close(self._fd)


def test_a_free_lock_is_taken_without_waiting() -> None:
    """Who finds the lock free has it at once, and leaves his name."""
    disk = disk_with("lock")
    asker = Asker(disk, 1)
    asker.go_on()
    assert asker.done
    assert disk.locks == {}
    assert disk.files == {}
    note = hints(disk).note
    assert note == Note(1, EPOCH, "simulated", "command 1")
    assert hints(disk).waiters == ()


def test_a_taken_lock_is_waited_for_with_a_slot() -> None:
    """Who finds it taken writes a slot, and pauses for 20 ms at most."""
    disk = disk_with("lock")
    holder = Holder(disk, 1)
    asker = Asker(disk, 2)
    for _ in range(20):
        asker.go_on()
        assert asker.waits
        pause = asker.outcome.pause
        assert pause.path == "lock"
        assert disk.clock < pause.until <= disk.clock + LONGEST_POLL
        disk.clock = pause.until
    assert [waiter.pid for waiter in hints(disk).waiters] == [2]
    holder.release()
    asker.go_on()
    assert asker.done
    assert hints(disk).waiters == ()


def test_the_releaser_rings() -> None:
    """Who gives the lock back while somebody waits writes to the file, after it."""
    disk = disk_with("lock")
    seen: list[str] = []

    def section() -> Steps[None]:
        second.go_on()
        disk.settle()
        yield from steps.now()

    second = Asker(disk, 2)
    first = Asker(disk, 1, section=section)
    first.go_on()
    seen = [call.method for call in disk.calls or [] if call.pid == 1]
    assert seen.index("unlock") < seen.index("pwrite")
    assert second.waits
    second.go_on()
    assert second.done


def test_nobody_rings_without_need() -> None:
    """Who gives the lock back while nobody waits writes nothing then."""
    disk = disk_with("lock")
    Asker(disk, 1).go_on()
    disk.settle()
    Asker(disk, 1).go_on()
    methods = [call.method for call in disk.calls or []]
    assert "pwrite" not in methods[methods.index("unlock") :]


def test_two_users_of_one_process_exclude_one_another() -> None:
    """Within a process the lock excludes, too."""
    disk = disk_with("lock")
    inner: list[Asker] = []

    def section() -> Steps[None]:
        inner.append(Asker(disk, 1))
        inner[0].go_on()
        assert inner[0].waits
        yield from steps.now()

    Asker(disk, 1, section=section).go_on()
    inner[0].go_on()
    assert inner[0].done


def test_closing_another_descriptor_changes_nothing(tmp_path: Any) -> None:
    """The kernel keeps the lock though another descriptor of the file is closed."""
    (tmp_path / "lock").write_bytes(new_lock_file())
    one, other = (DiskFileSystem(str(tmp_path)) for _ in range(2))
    held = one.open("lock", Mode.WRITE)
    assert one.try_lock(held)
    one.close(one.open("lock", Mode.WRITE))
    one.close(one.open("lock", Mode.READ))
    tried = other.open("lock", Mode.WRITE)
    assert not other.try_lock(tried)
    assert other.is_locked(tried)
    one.unlock(held)
    assert other.try_lock(tried)
    one.close(held)
    other.close(tried)


def test_patience_ends_and_names_the_holder() -> None:
    """Who waited long enough is told by whom the lock is held, and leaves."""
    disk = disk_with("lock")
    holder = Holder(disk, 1)
    asker = Asker(disk, 2, patience=1.0)
    with pytest.raises(MailboxBusy) as caught:
        while True:
            asker.go_on()
            disk.clock = asker.outcome.pause.until
    assert disk.clock == 1.0
    assert "pid 1" in caught.value.holder
    assert "keeping" in caught.value.holder
    assert hints(disk).waiters == ()
    assert {pid for pid, _ in disk.files} == {1}
    holder.release()


def test_who_held_it_last_lets_others_go_first() -> None:
    """Of two who want it all the time, each has it every other time."""
    disk = disk_with("lock")
    order: list[int] = []
    askers: dict[int, Asker] = {}

    def ask(pid: int) -> None:
        def section() -> Steps[None]:
            order.append(pid)
            # The other one meets a taken lock, and waits.
            other = askers[3 - pid]
            if not other.done:
                other.go_on()
            yield from steps.now()

        askers[pid] = Asker(disk, pid, section=section)

    ask(1)
    ask(2)
    for _ in range(40):
        # The one that is just through asks again before the other can wake.
        for pid in (order[-1], 3 - order[-1]) if order else (1, 2):
            askers[pid].go_on() if not askers[pid].done else None
            if askers[pid].done:
                ask(pid)
        disk.clock += 0.001
    counts = [order.count(1), order.count(2)]
    assert min(counts) > 5
    assert max(counts) - min(counts) <= 2


def test_slots_of_the_dead_are_cleared_and_cost_no_wait() -> None:
    """Who held it last does not let a dead process, or a very old slot, go first."""
    disk = disk_with("lock")
    Asker(disk, 1).go_on()
    filesystem = disk.process(3)
    disk.dead |= {2}
    fd = filesystem.open("lock", Mode.WRITE)
    slots = [
        Waiter(5, 2, EPOCH, "simulated"),  # its process is gone
        Waiter(6, 3, EPOCH - 3600, "simulated"),  # no patience is that long
        Waiter(7, 2, EPOCH - 3600, "elsewhere"),
    ]
    for slot in slots:
        filesystem.pwrite(fd, slot.encode(), SLOTS + slot.number * SLOT_SIZE)
    filesystem.close(fd)
    asker = Asker(disk, 1)
    asker.go_on()
    assert asker.done
    assert hints(disk).waiters == ()


def test_one_of_another_node_may_live() -> None:
    """Nobody can tell whether a process of another node lives: it goes first."""
    disk = disk_with("lock")
    Asker(disk, 1).go_on()
    disk.dead |= {2}
    filesystem = disk.process(3)
    fd = filesystem.open("lock", Mode.WRITE)
    filesystem.pwrite(fd, Waiter(5, 2, EPOCH, "elsewhere").encode(), SLOTS)
    asker = Asker(disk, 1)
    asker.go_on()
    assert asker.waits
    asker.go_on()
    assert asker.done


def test_the_lock_of_a_dead_process_is_free() -> None:
    """A process that dies holding the lock holds up nobody."""
    disk = disk_with("lock")
    Holder(disk, 1)
    asker = Asker(disk, 2)
    asker.go_on()
    assert asker.waits
    disk.kill(1)
    asker.go_on()
    assert asker.done


def test_several_are_taken_all_or_none() -> None:
    """Who waits for one of several locks holds none of the others."""
    disk = disk_with("a", "b", "c")
    holder = Holder(disk, 1, "c")
    asker = Asker(disk, 2, "a", "b", "c")
    for _ in range(5):
        asker.go_on()
        assert asker.waits
        assert {disk.names["c"]} == set(disk.locks)
    holder.release()
    asker.go_on()
    assert asker.done


@given(st.randoms(use_true_random=False), st.integers(2, 4))
def test_no_order_ends_in_a_deadlock(chance: random.Random, count: int) -> None:
    """Whoever asks for which locks in which order, all get them, one at a time."""
    disk = disk_with("a", "b", "c")
    inside: list[str] = []

    def section(paths: list[str]) -> Callable[[], Steps[None]]:
        def enter() -> Steps[None]:
            assert not set(paths) & set(inside)
            inside.extend(paths)
            yield from steps.now()
            for path in paths:
                inside.remove(path)

        return enter

    askers = []
    for pid in range(1, count + 1):
        paths = chance.sample("abc", chance.randint(1, 3))
        askers.append(Asker(disk, pid, *paths, section=section(paths)))
    for _ in range(500):
        waiting = [asker for asker in askers if not asker.done]
        if not waiting:
            break
        chance.choice(waiting).go_on()
        disk.clock += 0.001
    assert all(asker.done for asker in askers)
    assert disk.locks == {}
    assert disk.files == {}


def test_more_wait_than_there_are_slots() -> None:
    """With more waiters than slots, all get the lock in the end."""
    disk = disk_with("lock")
    holder = Holder(disk, 9999)
    askers = [Asker(disk, pid) for pid in range(1, SLOT_COUNT + 10)]
    for asker in askers:
        asker.go_on()
    assert len(hints(disk).waiters) == SLOT_COUNT
    holder.release()
    for asker in askers:
        asker.go_on()
    assert all(asker.done for asker in askers)
    assert hints(disk).waiters == ()


@pytest.mark.parametrize("pauses", [1, 2, 5])
def test_cancelled_it_gives_everything_back(pauses: int) -> None:
    """Cancelled in any pause, it leaves no file, no lock and no slot."""
    disk = disk_with("a", "b")
    holder = Holder(disk, 1, "b")
    asker = Asker(disk, 2, "a", "b")
    for _ in range(pauses):
        asker.go_on()
    with pytest.raises(CancelledError):
        asker.go_on(CancelledError())
    assert {pid for pid, _ in disk.files} == {1}
    assert hints(disk, "a").waiters == hints(disk, "b").waiters == ()
    holder.release()
    assert disk.locks == {}


def test_cancelled_while_it_lets_others_go_first() -> None:
    """Cancelled out of courtesy's pause, it leaves no slot either."""
    disk = disk_with("lock")
    holder = Holder(disk, 3)
    first = Asker(disk, 1)
    first.go_on()
    holder.release()
    first.go_on()
    filesystem = disk.process(3)
    fd = filesystem.open("lock", Mode.WRITE)
    filesystem.pwrite(fd, Waiter(3, 3, EPOCH, "simulated").encode(), SLOTS + 96)
    polite = Asker(disk, 1)
    polite.go_on()
    assert polite.waits
    assert len(hints(disk).waiters) == 2
    with pytest.raises(CancelledError):
        polite.go_on(CancelledError())
    assert [waiter.pid for waiter in hints(disk).waiters] == [3]


class Failing:
    """A file system in which one call fails, or all of a kind."""

    def __init__(self, filesystem: Any, number: int, kinds: set[str]) -> None:
        self.calls = 0
        self._filesystem = filesystem
        self._number = number
        self._kinds = kinds

    def __getattr__(self, method: str) -> Any:
        if method in self._kinds:
            self.calls += 1
            if self.calls == self._number or not self._number:
                return self._fail
        return getattr(self._filesystem, method)

    def _fail(self, *_: object) -> None:
        raise OSError(errno.EIO, "failed")


def test_an_error_anywhere_gives_everything_back() -> None:
    """Whichever call fails, no file stays open and no lock is held."""
    failed = 0
    for number in range(1, 40):
        disk = disk_with("a", "b")
        asker = Asker(disk, 1, "a", "b")
        asker.filesystem = Failing(
            asker.filesystem, number, {"open", "pread", "pwrite", "try_lock"}
        )
        try:
            asker.go_on()
        except OSError:
            failed += 1
        assert disk.files == {}
        assert disk.locks == {}
    assert failed == 4, "two opens and two locks; hints may fail"


def test_hints_may_all_fail() -> None:
    """Where nothing can be written, the lock still excludes and still ends."""
    disk = disk_with("lock")
    holder = Holder(disk, 1)
    asker = Asker(disk, 2, patience=1.0)
    asker.filesystem = Failing(asker.filesystem, 0, {"pwrite"})
    asker.go_on()
    assert asker.waits
    holder.release()
    asker.go_on()
    assert asker.done


@given(st.binary(max_size=LOCK_FILE_SIZE), st.integers(0, LOCK_FILE_SIZE))
def test_any_content_is_harmless(noise: bytes, at: int) -> None:
    """Whatever stands in the file, the lock can be taken."""
    disk = disk_with("lock")
    content = bytearray(new_lock_file())
    content[at : at + len(noise)] = noise
    disk.data[disk.names["lock"]] = bytes(content[:LOCK_FILE_SIZE])
    asker = Asker(disk, 1)
    asker.go_on()
    for _ in range(3):
        if not asker.done:
            asker.go_on()
    assert asker.done


def test_a_lost_lock_is_damage() -> None:
    """Files without their lock are damaged; where no file is, nothing ever was."""
    disk = SimulatedDisk()
    disk.process(9).make_directory("box")
    disk.process(9).close(disk.process(9).open("box/log.1", Mode.CREATE))
    asker = Asker(disk, 1, "box/lock")
    with pytest.raises(MailboxDamaged):
        asker.go_on()
    disk.process(9).unlink("box/log.1")
    asker = Asker(disk, 1, "box/lock")
    with pytest.raises(FileNotFoundError):
        asker.go_on()


def test_a_section_that_fails_gives_the_lock_back() -> None:
    """An error inside is told, and the lock is free."""
    disk = disk_with("lock")

    def section() -> Steps[None]:
        yield from steps.now()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Asker(disk, 1, section=section).go_on()
    assert disk.locks == {}
    assert disk.files == {}


def test_a_protocol_that_waits_needs_a_driver() -> None:
    """Nobody can wait without a driver: that is an error of ours."""
    disk = disk_with("lock")
    Holder(disk, 1)
    with pytest.raises(TypeError):
        perform(Asker(disk, 2).steps, disk.process(2))
