"""Driving disk protocols for callers that can't be answered later.

twisted.mail asks some things of an account and of a message in a way that
wants the answer at once; `docs/decisions/stock-server-blocks.md` has the list.
"""

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from imapbox.disk.driver import Driver
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.steps import Finished, Steps, Unfinished, advance
from imapbox.disk.threads import NOT_STARTED, NoThread
from imapbox.disk.watch import Watch
from imapbox.model.errors import StoreFailure

T = TypeVar("T")


class BlockingDriver(Driver):
    """Keeps its caller waiting until a protocol has ended, but not for ever.

    What `run` returns has fired already. Protocols still run in threads, so
    that a disk that hangs holds up nobody for longer than was agreed; one that
    went on for too long may yet succeed.
    """

    def __init__(
        self,
        filesystem: FileSystem,
        watch: Watch,
        reactor: Any,
        *,
        threads: int,
        seconds: float,
    ) -> None:
        super().__init__(filesystem, watch, reactor, threads=threads)
        self._seconds = seconds

    def advance(
        self, steps: Steps[Any], error: BaseException | None
    ) -> Deferred[Finished | Unfinished]:
        """Make calls to the protocol's end, through all its pauses."""
        ending: Future[Finished] = Future()

        def work() -> None:
            if ending.set_running_or_notify_cancel():
                try:
                    ending.set_result(self._to_the_end(steps, error))
                except BaseException as problem:  # noqa: BLE001 - it is the caller's
                    ending.set_exception(problem)

        try:
            self.pool.callInThread(work)
        except NOT_STARTED:
            self.threads.forget_dead()
            return fail(NoThread())
        try:
            return succeed(ending.result(self._seconds))
        except TooLong:
            ending.cancel()  # if it has not begun
            return fail(StoreFailure("it took too long"))
        except Exception as problem:  # noqa: BLE001 - told to whoever waits
            return fail(problem)

    def _to_the_end(self, steps: Steps[Any], error: BaseException | None) -> Finished:
        outcome = advance(steps, self.filesystem, error, self.fence)
        while isinstance(outcome, Unfinished):
            left = outcome.pause.until - self.filesystem.monotonic()
            time.sleep(max(0.0, left))  # noqa: TID251 - in a thread; 20 ms at most
            outcome = advance(steps, self.filesystem, None, self.fence)
        return outcome


def result_of(ended: Deferred[T]) -> T:
    """Return the result of a Deferred that has fired, or raise its error.

    Raises:
        RuntimeError: It has not: something in it waits for the reactor.
    """
    results: list[T | Failure] = []
    ended.addBoth(results.append)
    if not results:
        raise RuntimeError("this waits for the reactor")
    (result,) = results
    if isinstance(result, Failure):
        result.raiseException()
    return result
