"""A system that has no thread to give, as at TasksMax."""

from threading import Thread
from typing import Any

from imapbox.disk.driver import Driver


class NoThreads:
    """Lets drivers start no thread until `end`. Those that they have go on.

    Attributes:
        failed: How many could not be started.
    """

    def __init__(self, *drivers: Driver) -> None:
        self.failed = 0
        self._ended = False
        for driver in drivers:
            pool: Any = driver.pool
            pool.threadFactory = self._make

    def end(self) -> None:
        """Let threads be started again."""
        self._ended = True

    def _make(self, **arguments: Any) -> Thread:
        return _Thread(self, **arguments)

    def start(self) -> None:
        """Be asked for a thread."""
        if not self._ended:
            self.failed += 1
            raise RuntimeError("can't start new thread")


class _Thread(Thread):
    def __init__(self, system: NoThreads, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._system = system

    def start(self) -> None:
        self._system.start()
        super().start()
