"""The threads that passwords are checked in.

Few, and not the disk room's: a guesser who keeps them busy must not stand in
the way of a commit, nor fill the memory with what waits. It waits here and not in
the pool's own queue, since it must be possible to take it out: who logs in and
hangs up, again and again, must not keep others out.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.disk.threads import NoThread, Threads

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 2
# With argon2id this is a queue of some eight seconds.
MOST_AT_ONCE: Final = 64


class AuthThreads:
    """Runs slow functions beside the reactor, a bounded number at a time.

    Starts with the first call (twistd forks before), ends with the reactor.
    """

    def __init__(
        self, reactor: Any, *, threads: int = THREADS, most: int = MOST_AT_ONCE
    ) -> None:
        self._reactor = reactor
        self._threads = Threads(reactor, threads, name="imapbox-auth")
        self._most = most
        self._running = 0
        self._waiting: dict[Deferred[Any], Callable[[], Any]] = {}  # the first is next
        self._closed = False

    def run(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """Call ``work`` in a thread.

        Cancelling gives up on the result; work that did not begin never does, and
        leaves its place to others at once.

        Raises:
            AuthenticationUnavailable: Too much is waiting already.
        """
        if self._closed or self._running + len(self._waiting) >= self._most:
            return fail(AuthenticationUnavailable("too many at once"))
        if not self._threads.pool.started:
            self._threads.pool.start()
            self._reactor.addSystemEventTrigger("during", "shutdown", self.close)
        result: Deferred[T] = Deferred(self._give_up)
        self._waiting[result] = partial(work, *args, **kwargs)
        self._begin()
        return result

    def close(self) -> None:
        """Refuse what waits, wait for what runs, give the threads back."""
        if not self._closed:
            self._closed = True
            while self._waiting:
                result, _ = self._waiting.popitem()
                result.errback(AuthenticationUnavailable("shutting down"))
            self._threads.wait_no_more()
            self._threads.forget_dead()
            if self._threads.pool.started:
                self._threads.pool.stop()

    def _begin(self) -> None:
        """Give the threads that have nothing to do what waits."""
        while self._waiting and self._running < self._threads.pool.max:
            result = next(iter(self._waiting))
            work = self._waiting.pop(result)
            self._running += 1
            self._threads.call(work).addBoth(self._end, result)

    def _end(self, outcome: Any, result: Deferred[Any]) -> None:
        self._running -= 1
        self._begin()
        if result.called:
            return
        if isinstance(outcome, Failure):
            if isinstance(outcome.value, NoThread):
                outcome = Failure(AuthenticationUnavailable("no thread to be had"))  # type: ignore[no-untyped-call]  # Twisted's
            result.errback(outcome)
        else:
            result.callback(outcome)

    def _give_up(self, result: Deferred[Any]) -> None:
        self._waiting.pop(result, None)
