"""Protocols whose caller waits, and the reactor with it."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from imapbox.disk import steps
from imapbox.disk.blocking import BlockingDriver, result_of
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Pause, Steps
from imapbox.disk.watch import Watch
from imapbox.model.errors import StoreFailure
from tests.support.waiting import reactor, until

SECONDS = 0.3


class HangingFileSystem(DiskFileSystem):
    """A file system with a call that hangs until it is let go."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.gate = threading.Event()

    def hang(self) -> None:
        assert self.gate.wait(20)


@pytest.fixture
def filesystem(tmp_path: Path) -> HangingFileSystem:
    (tmp_path / "file").write_bytes(b"x")
    return HangingFileSystem(str(tmp_path))


@pytest_twisted.async_yield_fixture
async def driver(filesystem: HangingFileSystem) -> AsyncIterator[BlockingDriver]:
    watch = Watch(filesystem.root, reactor)
    driver = BlockingDriver(filesystem, watch, reactor, threads=1, seconds=SECONDS)
    driver.start()
    yield driver
    filesystem.gate.set()
    await driver.stop()
    watch.close()


def pausing(times: int) -> Steps[int]:
    for _ in range(times):
        yield Pause("file", (yield from steps.monotonic()) + 0.001)
    return times


def hanging() -> Steps[str]:
    yield Call("hang", ())
    return "done"


@pytest_twisted.ensureDeferred
async def test_it_has_ended_when_run_returns(driver: BlockingDriver) -> None:
    """A protocol's result, or its error, is there at once."""
    assert result_of(driver.run(steps.exists("file"))) is True
    with pytest.raises(FileNotFoundError):
        result_of(driver.run(steps.open_file("missing", Mode.READ)))


@pytest_twisted.ensureDeferred
async def test_pauses_are_waited_for(driver: BlockingDriver) -> None:
    """A protocol that pauses ends before run returns, too."""
    assert result_of(driver.run(pausing(20))) == 20


@pytest_twisted.ensureDeferred
async def test_nobody_waits_for_ever(
    driver: BlockingDriver, filesystem: HangingFileSystem
) -> None:
    """A disk that hangs is a refusal in bounded time, and for those behind, too."""
    before = reactor.seconds()
    ended: list[str] = []
    for protocol in (hanging(), hanging()):
        with pytest.raises(StoreFailure):
            result_of(driver.run(protocol, lambda: ended.append("told")))
    assert reactor.seconds() - before < 20
    assert ended == ["told", "told"]
    filesystem.gate.set()
    await until(lambda: not driver.pool.working)
    assert result_of(driver.run(steps.exists("file"))) is True


def test_what_is_not_there_yet_is_no_result() -> None:
    """A result that is still to come is an error of ours, and said."""
    with pytest.raises(RuntimeError):
        result_of(Deferred())
