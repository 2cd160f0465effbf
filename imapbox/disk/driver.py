"""Driving disk protocols in threads, waiting for other processes in between.

A protocol runs in a thread from one `Pause` to the next; while it pauses it
holds no thread. Threads are imapbox's own, so that nobody else's work (names
to resolve, passwords to check) can stand in a commit's way.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from imapbox.disk.filesystem import FileSystem
from imapbox.disk.steps import Finished, Pause, Steps, Unfinished, advance
from imapbox.disk.watch import Watch

T = TypeVar("T")


class Driver:
    """Runs protocols, each whole, many at a time."""

    def __init__(
        self, filesystem: FileSystem, watch: Watch, reactor: Any, *, threads: int
    ) -> None:
        self.filesystem = filesystem
        self.watch = watch
        self.reactor = reactor
        self.pool = ThreadPool(minthreads=0, maxthreads=threads, name="imapbox-disk")
        self.runs: set[_Run] = set()
        self._quiet: list[Deferred[None]] = []

    def start(self) -> None:
        """Begin to run what `run` was given."""
        self.pool.start()

    async def stop(self) -> None:
        """End what waits, let what runs end, then give the threads back."""
        for run in tuple(self.runs):
            run.give_up()
        while self.runs:
            quiet: Deferred[None] = Deferred()
            self._quiet.append(quiet)
            await quiet
        self.pool.stop()

    def run(
        self, steps: Steps[T], ended: Callable[[], None] | None = None
    ) -> Deferred[T]:
        """Run a protocol to its end.

        Args:
            steps: The protocol.
            ended: Called when it has ended, also if nobody is told.

        Cancelling the Deferred while the protocol pauses ends the protocol,
        which gives back what it took. While it is busy, a cancelled protocol
        goes on to its next pause or its end, and nobody is told the result.
        """
        run = _Run(self, steps, ended)
        self.runs.add(run)
        run.go_on()
        return run.result

    def ended(self, run: "_Run") -> None:
        """Forget ``run``; for `_Run` only."""
        self.runs.discard(run)
        if not self.runs:
            quiet, self._quiet = self._quiet, []
            for waiting in quiet:
                waiting.callback(None)


class _Run:
    """One protocol on its way."""

    def __init__(
        self, driver: Driver, steps: Steps[Any], ended: Callable[[], None] | None
    ) -> None:
        self.result: Deferred[Any] = Deferred(lambda _: self.give_up())
        self._driver = driver
        self._steps = steps
        self._ended = ended
        self._given_up = False
        self._waiting: _Waiting | None = None

    def go_on(self, error: BaseException | None = None) -> None:
        driver = self._driver
        deferToThreadPool(
            driver.reactor, driver.pool, advance, self._steps, driver.filesystem, error
        ).addCallbacks(self._advanced, self._failed)

    def give_up(self) -> None:
        """Let the protocol give back what it has, at its next pause."""
        self._given_up = True
        if self._waiting is not None:
            self._waiting.end()
            self._waiting = None
            self.go_on(CancelledError())

    def _advanced(self, outcome: Finished | Unfinished) -> None:
        if isinstance(outcome, Finished):
            self._end()
            if not self.result.called:
                self.result.callback(outcome.value)
        elif self._given_up:
            self.go_on(CancelledError())
        else:
            self._waiting = _Waiting(self._driver, outcome.pause, self._woken)

    def _woken(self) -> None:
        self._waiting = None
        self.go_on()

    def _failed(self, failure: Failure) -> None:
        self._end()
        if not self.result.called:
            self.result.errback(failure)

    def _end(self) -> None:
        if self._ended is not None:
            self._ended()
        self._driver.ended(self)


class _Waiting:
    """A pause: ends by a write, by the clock, or by `end`, once."""

    def __init__(self, driver: Driver, pause: Pause, woken: Any) -> None:
        self._woken = woken
        left = max(0.0, pause.until - driver.filesystem.monotonic())
        self._timer: IDelayedCall = driver.reactor.callLater(left, self._wake)
        self._stop_listening = driver.watch.listen(pause.path, self._wake)

    def end(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._stop_listening()

    def _wake(self) -> None:
        self.end()
        self._woken()
