"""Protocols run in threads; whatever one takes is given back on every way out."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import defer

from imapbox.disk import steps
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.driver import Driver
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Pause, Steps
from imapbox.disk.watch import Watch
from tests.support.waiting import open_files, reactor, turn, until

FOREVER = 3600.0


class GatedFileSystem(DiskFileSystem):
    """Has a call that lasts until the test lets it end."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.entered = threading.Event()
        self.gate = threading.Event()

    def block(self) -> None:
        """Tell that we are here, and wait."""
        self.entered.set()
        assert self.gate.wait(10)


@pytest.fixture
def filesystem(tmp_path: Path) -> GatedFileSystem:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    return GatedFileSystem(str(tmp_path))


@pytest_twisted.async_yield_fixture
async def driver(filesystem: GatedFileSystem) -> AsyncIterator[Driver]:
    watch = Watch(filesystem.root, reactor)
    driver = Driver(filesystem, watch, reactor, threads=4)
    driver.start()
    yield driver
    filesystem.gate.set()
    await driver.stop()
    watch.close()


def blocked() -> Steps[str]:
    yield Call("block", ())
    return "done"


def holding_a_file(events: list[str], *, pauses: int = 1) -> Steps[str]:
    """Open a file, pause, and close it again, whatever comes."""

    def body(fd: int) -> Steps[str]:
        events.append("opened")
        for _ in range(pauses):
            until = (yield from steps.monotonic()) + FOREVER
            yield Pause("file", until)
            events.append("woken")
        return (yield from steps.pread(fd, 1, 0)).decode()

    try:
        return (yield from steps.opened("file", Mode.WRITE, body))
    finally:
        events.append("closed")


@pytest_twisted.ensureDeferred
async def test_result_is_what_the_protocol_returned(driver: Driver) -> None:
    """A protocol's result is told, and so is its error."""
    assert await driver.run(steps.exists("file")) is True
    with pytest.raises(FileNotFoundError):
        await driver.run(steps.open_file("missing", Mode.READ))
    await until(lambda: not driver.runs)


@pytest_twisted.ensureDeferred
async def test_a_write_ends_a_pause(driver: Driver, tmp_path: Path) -> None:
    """A write to the file ends the pause that waits for it."""
    events: list[str] = []
    result = driver.run(holding_a_file(events))
    await until(lambda: bool(reactor.getDelayedCalls()) and "opened" in events)
    await turn()
    (tmp_path / "file").write_bytes(b"y")
    assert await result == "y"
    assert events == ["opened", "woken", "closed"]


@pytest_twisted.ensureDeferred
async def test_the_clock_ends_a_pause(driver: Driver) -> None:
    """A pause that nobody ends is over at its time, also if it is past."""

    def protocol() -> Steps[int]:
        for _ in range(3):
            yield Pause("file", 0.0)
        return 3

    assert await driver.run(protocol()) == 3


@pytest_twisted.ensureDeferred
async def test_no_bell_is_lost_while_busy(
    driver: Driver, filesystem: GatedFileSystem, tmp_path: Path
) -> None:
    """A write between two pauses ends the second one at once."""

    def protocol() -> Steps[str]:
        until = (yield from steps.monotonic()) + FOREVER
        yield Pause("file", until)
        yield Call("block", ())
        yield Pause("file", until)
        return "woken twice"

    result = driver.run(protocol())
    await until(lambda: driver.watch.listens_to("file"))
    (tmp_path / "file").write_bytes(b"first")
    await until(filesystem.entered.is_set)
    (tmp_path / "file").write_bytes(b"second")
    await turn()
    filesystem.gate.set()
    result.addTimeout(10, reactor)
    assert await result == "woken twice"


@pytest_twisted.ensureDeferred
async def test_cancelled_in_a_pause_gives_everything_back(driver: Driver) -> None:
    """Cancelling a protocol that pauses closes its file, timer and watch."""
    before, calls = len(open_files()), reactor.getDelayedCalls()
    events: list[str] = []
    result = driver.run(holding_a_file(events))
    await until(lambda: driver.watch.listens_to("file"))
    result.cancel()
    with pytest.raises(defer.CancelledError):
        await result
    await until(lambda: not driver.runs)
    assert events == ["opened", "closed"]
    assert not driver.watch.listens_to("file")
    driver.watch.close()
    await until(lambda: len(open_files()) <= before)
    assert [call for call in reactor.getDelayedCalls() if call not in calls] == []


@pytest_twisted.ensureDeferred
async def test_cancelled_while_busy_ends_at_the_next_pause(
    driver: Driver, filesystem: GatedFileSystem
) -> None:
    """A protocol that is cancelled while busy does not begin to wait."""
    events: list[str] = []

    def protocol() -> Steps[str]:
        yield Call("block", ())
        return (yield from holding_a_file(events))

    result = driver.run(protocol())
    await until(filesystem.entered.is_set)
    result.cancel()
    with pytest.raises(defer.CancelledError):
        await result
    assert len(driver.runs) == 1
    filesystem.gate.set()
    await until(lambda: not driver.runs)
    assert events == ["opened", "closed"]


@pytest_twisted.ensureDeferred
async def test_who_gives_up_learns_how_it_ended(
    driver: Driver, filesystem: GatedFileSystem
) -> None:
    """Giving up a protocol that never pauses again tells its result."""
    run = driver.begin(blocked())
    await until(filesystem.entered.is_set)
    run.give_up()
    assert not run.result.called
    filesystem.gate.set()
    assert await run.result == "done"


@pytest_twisted.ensureDeferred
async def test_ended_is_called_once_and_late(
    driver: Driver, filesystem: GatedFileSystem
) -> None:
    """Who asked is told once that the protocol ended, not when it was cancelled."""
    ends: list[str] = []
    result = driver.run(blocked(), lambda: ends.append("ended"))
    await until(filesystem.entered.is_set)
    result.cancel()
    with pytest.raises(defer.CancelledError):
        await result
    assert ends == []
    filesystem.gate.set()
    await until(lambda: not driver.runs)
    assert ends == ["ended"]


@pytest_twisted.ensureDeferred
async def test_stop_waits_for_what_runs_and_ends_what_waits(
    filesystem: GatedFileSystem,
) -> None:
    """Stopping lets calls end, ends pauses, and leaves no thread behind."""
    watch = Watch(filesystem.root, reactor)
    driver = Driver(filesystem, watch, reactor, threads=4)
    driver.start()
    events: list[str] = []
    busy = driver.run(blocked())
    waiting = driver.run(holding_a_file(events))
    await until(lambda: watch.listens_to("file") and filesystem.entered.is_set())
    stopped = defer.ensureDeferred(driver.stop())
    with pytest.raises(defer.CancelledError):
        await waiting
    assert not stopped.called
    filesystem.gate.set()
    assert await busy == "done"
    await stopped
    assert events == ["opened", "closed"]
    watch.close()
    names = {thread.name for thread in threading.enumerate()}
    assert not [name for name in names if driver.pool.name in name]


@pytest_twisted.ensureDeferred
async def test_what_a_result_starts_is_waited_for(
    filesystem: GatedFileSystem,
) -> None:
    """Stopping also waits for a protocol that the end of another one begins."""
    watch = Watch(filesystem.root, reactor)
    driver = Driver(filesystem, watch, reactor, threads=4)
    driver.start()

    async def twice() -> bool:
        await driver.run(blocked())
        return await driver.run(steps.exists("file"))

    result = defer.ensureDeferred(twice())
    await until(filesystem.entered.is_set)
    stopped = defer.ensureDeferred(driver.stop())
    filesystem.gate.set()
    await stopped
    assert await result is True


@pytest_twisted.ensureDeferred
async def test_nothing_is_begun_after_the_end(filesystem: GatedFileSystem) -> None:
    """A driver that was stopped refuses what it is given."""
    driver = Driver(filesystem, Watch(filesystem.root, reactor), reactor, threads=1)
    driver.start()
    await driver.stop()
    with pytest.raises(defer.CancelledError):
        await driver.run(steps.exists("file"))


@pytest_twisted.ensureDeferred
async def test_threads_do_not_live_for_ever(
    driver: Driver, filesystem: GatedFileSystem
) -> None:
    """Idle threads end, and those that are busy behind their work; others begin.

    What malloc keeps for a thread it gives back at its end.
    """
    for _ in range(3):
        filesystem.entered.clear()
        filesystem.gate.clear()
        busy = driver.run(blocked())
        await until(filesystem.entered.is_set)
        await driver.run(steps.exists("file"))
        first = list(driver.pool.threads)
        driver.rest()
        filesystem.gate.set()
        assert await busy == "done"
        await until(lambda first=first: not any(each.is_alive() for each in first))
        assert await driver.run(steps.exists("file"))
        driver.rest()
        await until(lambda: not any(each.is_alive() for each in driver.pool.threads))
    driver.rest()
    assert driver.pool.threads == []
