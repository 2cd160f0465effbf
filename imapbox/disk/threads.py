"""Threads to make calls in, also when the system has none to give just now.

At its limit of tasks (`TasksMax`), or without memory for a stack, it starts no
thread. What wants one then waits a while, here: Twisted's pool keeps nothing that
it could begin no thread for, so nothing is done twice.
"""

from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import Any, Final, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")

# So long work waits for a thread, and so often it is tried again.
PATIENCE: Final = 5.0
_POLL: Final = 0.01
# So long nothing is said of it again.
_QUIET: Final = 60.0
# What Python says when it could not start one.
NOT_STARTED: Final = (RuntimeError, MemoryError)


class NoThread(Exception):
    """None was to be had, and the work was not begun."""


class _Waiting(NamedTuple):
    """Work that waits for a thread.

    Attributes:
        work: What is called there.
        arguments: With what.
        until: When its patience ends.
        done: Fires with what it returns.
    """

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    until: float
    done: Deferred[Any]


class Threads:
    """Threads that begin when there is work, and end when they are told to rest.

    Args:
        reactor: Twisted's.
        most: How many at a time.
        name: What they are called.

    Attributes:
        pool: Twisted's.
        patience: Seconds for which work waits for a thread.
    """

    _log = Logger()

    def __init__(self, reactor: Any, most: int, name: str = "imapbox-disk") -> None:
        self.pool = ThreadPool(minthreads=0, maxthreads=most, name=name)
        self._reactor = reactor
        self._waiting: deque[_Waiting] = deque()
        self._timer: IDelayedCall | None = None
        self.patience = PATIENCE
        self._quiet_until = 0.0

    def call(self, work: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Call ``work`` in a thread.

        Returns:
            Fires in the reactor's thread with what it returned, or fails with what
            it raised; with `NoThread` if it was not called.
        """
        if not self._waiting:
            try:
                return deferToThreadPool(self._reactor, self.pool, work, *arguments)
            except NOT_STARTED as error:
                self._warn(error)
                self.forget_dead()
        done: Deferred[T] = Deferred()
        until = self._reactor.seconds() + self.patience
        self._waiting.append(_Waiting(work, arguments, until, done))
        self._try_again()
        return done

    def rest(self) -> None:
        """Let the threads end that there are; others begin when there is work."""
        most = self.pool.max
        self.pool.adjustPoolsize(0, 0)  # who is busy ends behind his work
        self.pool.adjustPoolsize(0, most)
        self.forget_dead()

    def forget_dead(self) -> None:
        """Forget threads that ended, and those that never began.

        Twisted forgets none before its end, and then waits for each of them.
        """
        self.pool.threads[:] = filter(Thread.is_alive, self.pool.threads)

    def wait_no_more(self) -> None:
        """From now on don't wait for a thread where none can be started."""
        self.patience = 0.0
        while self._waiting:
            self._waiting.popleft().done.errback(NoThread())
        self._stop_timer()

    def _try_again(self) -> None:
        """Begin what waits, as far as there are threads, and give up what is late."""
        self._stop_timer()
        while self._waiting and self._begin(self._waiting[0]):
            self._waiting.popleft()
        now = self._reactor.seconds()
        while self._waiting and self._waiting[0].until <= now:
            self._waiting.popleft().done.errback(NoThread())
        if self._waiting and self._timer is None:
            self._timer = self._reactor.callLater(_POLL, self._try_again)

    def _begin(self, waiting: _Waiting) -> bool:
        """Say whether there was a thread, new or idle, for what waits."""
        try:
            begun = deferToThreadPool(
                self._reactor, self.pool, waiting.work, *waiting.arguments
            )
        except NOT_STARTED:
            self.forget_dead()
            return False
        begun.chainDeferred(waiting.done)
        return True

    def _warn(self, error: Exception) -> None:
        now = self._reactor.seconds()
        if now >= self._quiet_until:  # once, and not for each of a thousand calls
            self._quiet_until = now + _QUIET
            self._log.warn("can not start a thread now: {error}", error=error)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
