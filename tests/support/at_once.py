"""A pool without threads, for tests in which these cost more than their work."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.python.failure import Failure

from imapbox.store.store import Store


class AtOnce:
    """Does what it is given when it is given it, in the reactor's thread.

    Attributes:
        seconds: Of CPU that it took, by all pools together.
    """

    seconds = 0.0
    max = 0
    threads: ClassVar[list[Any]] = []

    def adjustPoolsize(self, *_: int) -> None:  # noqa: N802 - ditto
        """There are no threads that could rest."""

    def callInThreadWithCallback(  # noqa: N802 - as Twisted's ThreadPool
        self,
        told: Callable[[bool, object], None],
        work: Callable[..., object],
        *arguments: Any,
    ) -> None:
        """See `ThreadPool`."""
        began = time.thread_time()
        try:
            result = work(*arguments)
        except Exception:  # noqa: BLE001 - whoever asked is told
            outcome: tuple[bool, object] = False, Failure()
        else:
            outcome = True, result
        AtOnce.seconds += time.thread_time() - began
        told(*outcome)

    def stop(self) -> None:
        """See `ThreadPool`."""


def take_threads_from(store: Store) -> None:
    """Let a store's disk protocols run in the reactor, each whole as before."""
    for driver in (store.drivers.write, store.drivers.read):
        driver.pool.stop()
        pool: Any = AtOnce()
        driver.threads.pool = pool
