"""The watchdog: a reactor that is held is reported, with what holds it."""

import linecache
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
import pytest_twisted
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from benchmarks.servers import made_store
from imapbox.app.server import make_server
from imapbox.app.settings import ServerSettings
from imapbox.app.watchdog import HELD_BEATS, Watchdog
from tests.support.waiting import reactor, until

BEAT = 0.01
PATIENCE = 20


class Told:
    """What the log was told; may be waited for."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self._more = threading.Condition()

    def __call__(self, event: LogEvent) -> None:
        if event["log_namespace"] == "imapbox.app.watchdog":
            with self._more:
                self.events.append(event)
                self._more.notify()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.events) >= count, PATIENCE)


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    globalLogPublisher.addObserver(told)
    yield told
    globalLogPublisher.removeObserver(told)


def hold_the_reactor(told: Told, count: int) -> None:
    told.wait_for(count)


def test_who_holds_the_reactor_is_named(told: Told) -> None:
    """A reactor that does not turn is reported once, with its stack; its end too."""
    clock = Clock()
    watchdog = Watchdog(clock, beat=BEAT)
    watchdog.start()
    try:
        for held in (1, 2):
            hold_the_reactor(told, 2 * held - 1)
            stack = told.events[-1]["stack"]
            assert "hold_the_reactor(told, 2 * held - 1)" in stack
            assert "in hold_the_reactor" in stack
            clock.advance(BEAT)
            told.wait_for(2 * held)
            levels = [event["log_level"].name for event in told.events]
            assert levels == ["critical", "warn"] * held
    finally:
        watchdog.stop()


def numbers(seconds: float) -> range:
    """Return as many as take so long to add."""
    some = range(1_000_000)
    began = time.thread_time()
    sum(some)
    return range(int(len(some) * seconds / (time.thread_time() - began)))


def compute(these: range) -> None:
    """Add them, and let no other thread do anything meanwhile."""
    sum(these)


def test_who_lets_nobody_look_is_named(told: Told) -> None:
    """What computes without a moment for other threads is reported where it ends.

    Also what began to before anybody saw the beat that was before it.
    """
    clock = Clock()
    these = numbers(5 * HELD_BEATS * BEAT)
    watchdog = Watchdog(clock, beat=BEAT)
    watchdog.start()
    try:
        compute(these)
        hold_the_reactor(told, 1)
        assert "in compute" in told.events[0]["stack"]
        clock.advance(BEAT)
        told.wait_for(2)
        assert told.events[1]["seconds"] > HELD_BEATS * BEAT
        assert not linecache.cache, "sources are kept that nobody needs any more"
    finally:
        watchdog.stop()


class Turns:
    """In place of the watchdog's event: its looks and our beats take turns."""

    def __init__(self, over, looked, beaten) -> None:
        self._over, self._looked, self._beaten = over, looked, beaten
        self.clear, self.set = over.clear, over.set

    def wait(self, _: float) -> bool:
        self._looked.release()
        assert self._beaten.acquire(timeout=PATIENCE)
        return self._over.is_set()


class Paced:
    """A watchdog whose looks take turns with what the test does between them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._watchdog = Watchdog(self.clock, beat=BEAT)
        self._looked, self._beaten = threading.Semaphore(0), threading.Semaphore(0)

    def __enter__(self) -> Self:
        over = self._watchdog._over
        self._watchdog._over = Turns(over, self._looked, self._beaten)
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._beaten.release(2)
        self._watchdog.stop()

    @contextmanager
    def between_looks(self) -> Iterator[None]:
        assert self._looked.acquire(timeout=PATIENCE)
        yield
        self._beaten.release()


def test_a_reactor_that_turns_is_left_alone(told: Told) -> None:
    """As long as the reactor turns now and then, nothing is said."""
    with Paced() as paced:
        for _ in range(4 * HELD_BEATS):
            with paced.between_looks():
                paced.clock.advance(BEAT)
    assert told.events == []


def test_who_went_on_before_anybody_could_look_is_reported(told: Told) -> None:
    """So it is where the reactor turns again before anybody could look."""
    with Paced() as paced:
        for seconds in (0, 2 * HELD_BEATS * BEAT, 0):
            with paced.between_looks():
                if seconds:
                    compute(numbers(seconds))
                paced.clock.advance(BEAT)
        told.wait_for(2)
    assert told.events[0]["stack"] == "nobody could look what"
    assert [event["log_level"].name for event in told.events] == ["critical", "warn"]


def test_it_ends_with_the_service(told: Told) -> None:
    """Stopped, it leaves no timer and no thread."""
    before = threading.active_count()
    clock = Clock()
    watchdog = Watchdog(clock)
    watchdog.start()
    began = time.monotonic()
    watchdog.stop()
    assert time.monotonic() - began < 1  # it does not wait for its next look
    assert clock.getDelayedCalls() == []
    assert threading.active_count() == before
    assert told.events == []


@pytest_twisted.ensureDeferred
async def test_a_server_is_watched(tmp_path: Path) -> None:
    """From its start to its end a server has its watchdog."""

    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate()}

    store = made_store(tmp_path / "store")
    server = make_server(reactor, ServerSettings(store=str(store)))
    server.startService()
    await until(lambda: "imapbox-watchdog" in names())
    await server.stopService()
    assert "imapbox-watchdog" not in names()
