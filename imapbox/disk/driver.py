"""Driving disk protocols in threads, waiting for other processes in between.

A protocol runs in a thread from one `Pause` to the next; while it pauses it
holds no thread. Threads are imapbox's own, so that nobody else's work (names
to resolve, passwords to check) can stand in a commit's way.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from imapbox.disk.fence import Fence
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.steps import Finished, Pause, Steps, Unfinished, advance
from imapbox.disk.threads import NoThread, Threads
from imapbox.disk.watch import Watch
from imapbox.model.errors import StoreFailure

T = TypeVar("T")


class Driver:
    """Runs protocols, each whole, many at a time.

    Args:
        filesystem: What they call.
        watch: Tells of writes.
        reactor: Twisted's.
        threads: How many at most.

    Attributes:
        fence: Where it is up, nothing is run. Several drivers may have one.
    """

    def __init__(
        self, filesystem: FileSystem, watch: Watch, reactor: Any, *, threads: int
    ) -> None:
        self.fence = Fence(reactor, _nobody)
        self.filesystem = filesystem
        self.watch = watch
        self.reactor = reactor
        self.threads = Threads(reactor, threads)
        self.runs: set[Run[Any]] = set()
        self._quiet: list[Deferred[None]] = []
        self._stopped = False

    @property
    def pool(self) -> ThreadPool:
        """Return Twisted's pool of the threads."""
        return self.threads.pool

    def start(self) -> None:
        """Begin to run what `run` was given."""
        self.pool.start()

    def rest(self) -> None:
        """Let the threads end that there are; others begin when there is work.

        As long as a thread lives malloc keeps blocks for it that nobody else gets,
        up to 230 KB of each, and pages stay that they lie in.
        """
        self.threads.rest()

    async def stop(self) -> None:
        """End what waits, let what runs end, then give the threads back."""
        for run in tuple(self.runs):
            run.give_up()
        self.threads.wait_no_more()
        while self.runs:
            quiet: Deferred[None] = Deferred()
            self._quiet.append(quiet)
            await quiet
        if not self._stopped:
            self._stopped = True
            self.threads.forget_dead()
            self.pool.stop()

    def give_back(self, steps: Steps[None]) -> None:
        """Run a protocol that only gives something back, and tell nobody how.

        Where no thread can be started for it, it is run in the reactor's.
        """
        self.begin(steps, gives_back=True).result.addErrback(_ignore)

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
        return self.begin(steps, ended).result

    def begin(
        self,
        steps: Steps[T],
        ended: Callable[[], None] | None = None,
        *,
        gives_back: bool = False,
    ) -> "Run[T]":
        """Do as `run` does, for who wants to give up and yet know the end.

        Args:
            steps: The protocol.
            ended: Called when it has ended.
            gives_back: See `give_back`.
        """
        run = Run(self, steps, ended, gives_back=gives_back)
        self.runs.add(run)
        if self._stopped:
            run.refuse(CancelledError())
        elif not self.fence.is_down:
            run.refuse(self.fence.error())
        else:
            run.go_on()
        return run

    def advance(
        self, steps: Steps[Any], error: BaseException | None
    ) -> Deferred[Finished | Unfinished]:
        """Make calls until the next pause; for `Run` only."""
        return self.threads.call(advance, steps, self.filesystem, error, self.fence)

    def ended(self, run: "Run[Any]") -> None:
        """Forget ``run``; for `Run` only."""
        self.runs.discard(run)
        if not self.runs:
            quiet, self._quiet = self._quiet, []
            for waiting in quiet:
                waiting.callback(None)


def _nobody(_: OSError) -> None:
    """Be told that the file system is gone, and mind it not."""


def _ignore(_: Failure) -> None:
    """That something could not be given back concerns nobody."""


class Run(Generic[T]):
    """One protocol on its way.

    Attributes:
        result: Fires with what it returned, or fails with what it raised.
    """

    def __init__(
        self,
        driver: Driver,
        steps: Steps[T],
        ended: Callable[[], None] | None,
        *,
        gives_back: bool = False,
    ) -> None:
        self.result: Deferred[T] = Deferred(lambda _: self.give_up())
        self._driver = driver
        self._steps = steps
        self._ended = ended
        self._gives_back = gives_back
        self._given_up = False
        self._ears: _Ears | None = None
        self._timer: IDelayedCall | None = None

    def give_up(self) -> None:
        """Let the protocol give back what it has, at its next pause.

        It then fails with CancelledError, unless it ends before.
        """
        self._given_up = True
        if self._timer is not None:
            self._stop_timer()
            self.go_on(CancelledError())

    def go_on(self, error: BaseException | None = None) -> None:
        """Make calls until the next pause; for `Driver` only."""
        advanced = self._driver.advance(self._steps, error)
        advanced.addErrback(self._without_thread)
        advanced.addCallbacks(self._advanced, self._failed)

    def refuse(self, error: Exception) -> None:
        """Fail before the first call; for `Driver` only."""
        self._steps.close()
        self._failed(Failure(error))  # type: ignore[no-untyped-call] # Twisted's

    def _without_thread(self, failure: Failure) -> Finished | Unfinished:
        """Let it give back what it holds, in the reactor's thread.

        These are a few calls that wait for nothing: a slot is cleared, a file is
        closed. One that was not begun holds nothing, and makes no call.
        """
        failure.trap(NoThread)  # type: ignore[no-untyped-call] # Twisted's
        error: Exception | None = StoreFailure("no thread could be started")
        if self._gives_back:
            error = None
        elif self._given_up:
            error = CancelledError()
        driver = self._driver
        return advance(self._steps, driver.filesystem, error, driver.fence)

    def _advanced(self, outcome: Finished | Unfinished) -> None:
        if isinstance(outcome, Unfinished):
            if self._given_up:
                self.go_on(CancelledError())
            else:
                self._pause(outcome.pause)
            return
        if not self._driver.fence.is_down:
            error = self._driver.fence.error()
            self._failed(Failure(error))  # type: ignore[no-untyped-call] # Twisted's
            return
        self._end()
        if not self.result.called:
            self.result.callback(outcome.value)
        self._driver.ended(self)

    def _pause(self, pause: Pause) -> None:
        if self._ears is None or self._ears.path != pause.path:
            self._stop_listening()
            self._ears = _Ears(self._driver.watch, pause.path, self._wake)
        if self._ears.heard:
            self._ears.heard = False
            self.go_on()
            return
        left = max(0.0, pause.until - self._driver.filesystem.monotonic())
        self._timer = self._driver.reactor.callLater(left, self._wake)

    def _wake(self) -> None:
        if self._timer is not None and self._ears is not None:
            self._ears.heard = False
            self._stop_timer()
            self.go_on()

    def _failed(self, failure: Failure) -> None:
        self._end()
        if not self.result.called:
            self.result.errback(failure)
        self._driver.ended(self)

    def _end(self) -> None:
        self._stop_listening()
        if self._ended is not None:
            self._ended()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _stop_listening(self) -> None:
        if self._ears is not None:
            self._ears.stop()
            self._ears = None


class _Ears:
    """Hears what is written to a file, also while its run is busy.

    From its first pause on a run hears every bell: one that rings between its
    look and its next pause makes that pause end at once.
    """

    def __init__(self, watch: Watch, path: str, wake: Callable[[], None]) -> None:
        self.path = path
        self.heard = False
        self._wake = wake
        self.stop = watch.listen(path, self._hear)

    def _hear(self) -> None:
        self.heard = True
        self._wake()
