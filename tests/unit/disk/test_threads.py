"""Where no thread can be started, work waits a while, and nothing is lost."""

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import defer
from twisted.internet.task import Clock

from imapbox.disk import steps
from imapbox.disk.blocking import BlockingDriver, result_of
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.driver import Driver
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import Spool
from imapbox.disk.steps import Call, Pause, Steps
from imapbox.disk.threads import PATIENCE, NoThread, Threads
from imapbox.disk.watch import Watch
from imapbox.model.errors import StoreFailure
from tests.support.no_threads import NoThreads
from tests.support.waiting import open_files, reactor, until

FOREVER = 3600.0


class ImpatientClock:
    """The reactor, but patience for a thread ends when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()

    def __getattr__(self, name: str) -> Any:
        holder = self.clock if name in {"callLater", "seconds"} else reactor
        return getattr(holder, name)


class GatedFileSystem(DiskFileSystem):
    """Counts what it is asked for, and keeps it until the test lets it go."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.entered: list[str] = []
        self.gate = threading.Event()

    def block(self, name: str) -> None:
        self.entered.append(name)
        assert self.gate.wait(20)


@pytest.fixture
def filesystem(tmp_path: Path) -> Iterator[GatedFileSystem]:
    (tmp_path / "file").write_bytes(b"x")
    filesystem = GatedFileSystem(str(tmp_path))
    yield filesystem
    filesystem.gate.set()


@pytest.fixture
def time() -> ImpatientClock:
    return ImpatientClock()


@pytest_twisted.async_yield_fixture
async def driver(
    filesystem: GatedFileSystem, time: ImpatientClock
) -> AsyncIterator[Driver]:
    watch = Watch(filesystem.root, reactor)
    driver = Driver(filesystem, watch, time, threads=4)
    driver.start()
    yield driver
    filesystem.gate.set()
    await driver.stop()
    watch.close()


def blocked(name: str) -> Steps[str]:
    yield Call("block", (name,))
    return name


def holding_a_file(events: list[str]) -> Steps[None]:
    """Open a file, pause, and close it again, whatever comes."""

    def body(_: int) -> Steps[None]:
        events.append("opened")
        until = (yield from steps.monotonic()) + FOREVER
        yield Pause("file", until)
        events.append("woken")

    try:
        yield from steps.opened("file", Mode.WRITE, body)
    except BaseException as error:
        events.append(type(error).__name__)
        raise


@pytest_twisted.ensureDeferred
async def test_it_is_tried_again(driver: Driver, time: ImpatientClock) -> None:
    """What finds no thread waits for one, and is done when it can be started."""
    system = NoThreads(driver)
    results = [driver.run(steps.exists("file")) for _ in range(3)]
    assert system.failed
    time.clock.advance(PATIENCE / 2)
    assert not any(result.called for result in results)
    system.end()
    time.clock.advance(PATIENCE / 4)
    assert await defer.gatherResults(results) == [True] * 3
    await until(lambda: not driver.runs)
    assert time.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_a_living_thread_takes_it_once(
    driver: Driver, filesystem: GatedFileSystem, time: ImpatientClock
) -> None:
    """A thread that is busy takes what waits behind its work, each of it once."""
    first = driver.run(blocked("first"))
    await until(lambda: filesystem.entered)
    NoThreads(driver)
    others = [driver.run(blocked(str(number))) for number in range(3)]
    time.clock.advance(1.0)
    assert filesystem.entered == ["first"]
    filesystem.gate.set()
    await first

    def all_done() -> bool:
        time.clock.advance(0.01)
        return all(each.called for each in others)

    await until(all_done)
    assert filesystem.entered == ["first", "0", "1", "2"]


@pytest_twisted.ensureDeferred
async def test_patience_ends(driver: Driver, time: ImpatientClock) -> None:
    """Where none can be started for long, that is a refusal, and all goes on after it.

    The refused protocol made no call.
    """
    system = NoThreads(driver)
    ends: list[str] = []
    made = driver.run(steps.make_directory("made"), lambda: ends.append("ended"))
    time.clock.advance(PATIENCE)
    with pytest.raises(StoreFailure):
        await made
    assert ends == ["ended"]
    assert not driver.runs
    assert time.clock.getDelayedCalls() == []
    system.end()
    assert await driver.run(steps.exists("made")) is False


@pytest_twisted.ensureDeferred
async def test_who_pauses_gives_back_what_it_holds(
    driver: Driver, time: ImpatientClock, tmp_path: Path
) -> None:
    """A protocol that can't go on after its pause closes its file."""
    events: list[str] = []
    result = driver.run(holding_a_file(events))
    await until(lambda: driver.watch.listens_to("file"))
    driver.rest()
    await until(lambda: not any(each.is_alive() for each in driver.pool.threads))
    system = NoThreads(driver)
    (tmp_path / "file").write_bytes(b"y")
    await until(lambda: system.failed)
    assert str(tmp_path / "file") in open_files()
    time.clock.advance(PATIENCE)
    with pytest.raises(StoreFailure):
        await result
    assert events == ["opened", "StoreFailure"]
    assert str(tmp_path / "file") not in open_files()
    assert not driver.watch.listens_to("file")
    assert not driver.runs


@pytest_twisted.ensureDeferred
async def test_stop_ends(filesystem: GatedFileSystem, tmp_path: Path) -> None:
    """Stopping ends what waits for a thread, though none can be started ever."""
    watch = Watch(filesystem.root, reactor)
    driver = Driver(filesystem, watch, ImpatientClock(), threads=4)
    driver.start()
    events: list[str] = []
    pausing = driver.run(holding_a_file(events))
    await until(lambda: watch.listens_to("file"))
    driver.rest()
    await until(lambda: not any(each.is_alive() for each in driver.pool.threads))
    NoThreads(driver)
    waiting = driver.run(steps.exists("file"))
    behind: list[object] = []

    def ask_again(_: object) -> None:
        driver.run(steps.exists("file")).addErrback(behind.append)

    waiting.addErrback(ask_again)
    stopped = defer.ensureDeferred(driver.stop())
    stopped.addTimeout(10, reactor)
    await stopped
    with pytest.raises(defer.CancelledError):
        await pausing
    await waiting
    assert len(behind) == 1
    assert events == ["opened", "CancelledError"]
    assert str(tmp_path / "file") not in open_files()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_a_message_of_its_own_file_is_closed(
    driver: Driver, time: ImpatientClock, tmp_path: Path
) -> None:
    """The file of a message that is thrown away is closed, thread or no thread."""
    (tmp_path / "spool").mkdir()
    spool = Spool(driver, "spool")
    before = len(open_files())
    await spool.write(bytes(300_000))
    assert len(open_files()) == before + 1
    driver.rest()
    await until(lambda: not any(each.is_alive() for each in driver.pool.threads))
    NoThreads(driver)
    spool.discard()
    time.clock.advance(PATIENCE)
    assert len(open_files()) == before


@pytest_twisted.ensureDeferred
async def test_who_can_not_wait_is_refused(filesystem: GatedFileSystem) -> None:
    """A caller that can't be answered later is refused at once."""
    watch = Watch(filesystem.root, reactor)
    driver = BlockingDriver(filesystem, watch, reactor, threads=1, seconds=2.0)
    driver.start()
    system = NoThreads(driver)
    with pytest.raises(StoreFailure):
        result_of(driver.run(steps.exists("file")))
    system.end()
    assert result_of(driver.run(steps.exists("file"))) is True
    await driver.stop()
    watch.close()


def test_a_call_that_was_not_made_says_so() -> None:
    """Who calls in a thread without a protocol learns that nothing was called."""
    clock: Any = ImpatientClock()
    threads = Threads(clock, 1)
    threads.pool.start()
    pool: Any = threads
    NoThreads(pool)
    calls: list[str] = []
    called = threads.call(calls.append, "called")
    clock.clock.advance(PATIENCE)
    failures: list[Any] = []
    called.addErrback(failures.append)
    assert failures[0].check(NoThread)
    assert calls == []
    threads.forget_dead()
    threads.pool.stop()
