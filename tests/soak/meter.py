"""So much work, spread over so much time, shared by many threads."""

import time
from collections import Counter
from threading import Event, Lock


class Meter:
    """Counts work by its kind, and says when there is enough of it.

    Args:
        amount: How much is to be done.
        seconds: Not in less time than this.
    """

    def __init__(self, amount: int, seconds: float) -> None:
        self.counts: Counter[str] = Counter()
        self._amount = amount
        self._seconds = seconds
        self._done = 0
        self._lock = Lock()
        self._began = time.monotonic()
        self._ended = Event()

    @property
    def progress(self) -> float:
        """Return how much of it is done; 1 is all."""
        return 1.0 if self._ended.is_set() else self._done / self._amount

    def note(self, kind: str, count: int = 1) -> None:
        """Note that work was done."""
        with self._lock:
            self.counts[kind] += count
            self._done += count
            if self._done >= self._amount:
                self._ended.set()

    def goes_on(self) -> bool:
        """Wait until more is due; say whether any is."""
        due = self._began + self._seconds * self._done / self._amount
        return not self._ended.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        """Let everybody end now."""
        self._ended.set()
