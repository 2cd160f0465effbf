"""The threads that passwords are checked in.

Few, and not the disk room's: a guesser who keeps them busy must not stand in
the way of a commit, nor fill the memory with what waits.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from imapbox.auth.errors import AuthenticationUnavailable

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
        self._pool = ThreadPool(0, threads, name="imapbox-auth")
        self._most = most
        self._at_once = 0
        self._closed = False

    def run(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """Call ``work`` in a thread.

        Cancelling gives up on the result; work that did not begin is skipped.

        Raises:
            AuthenticationUnavailable: Too much is waiting already.
        """
        if self._closed or self._at_once >= self._most:
            return fail(AuthenticationUnavailable("too many at once"))
        if not self._pool.started:
            self._pool.start()
            self._reactor.addSystemEventTrigger("during", "shutdown", self.close)
        self._at_once += 1
        result: Deferred[T] = Deferred()

        def unless_given_up() -> T | None:
            return None if result.called or self._closed else work(*args, **kwargs)

        def ended(outcome: Any) -> None:
            self._at_once -= 1
            if result.called:
                return
            if isinstance(outcome, Failure):
                result.errback(outcome)
            else:
                result.callback(outcome)

        deferToThreadPool(self._reactor, self._pool, unless_given_up).addBoth(ended)
        return result

    def close(self) -> None:
        """Skip what waits, wait for what runs, give the threads back."""
        if not self._closed:
            self._closed = True
            if self._pool.started:
                self._pool.stop()
