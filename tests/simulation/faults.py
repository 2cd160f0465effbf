"""The real disk with faults: slow syncs, and errors on cue.

It stands between a `Driver` and a `DiskFileSystem`. Calls come from several
threads at once. Nothing here runs in the reactor.
"""

import threading
from collections import Counter
from typing import Any, Final

from imapbox.disk.disk_filesystem import DiskFileSystem
from tests.simulation.fault import SYNCS, failure

FAULTY: Final = (
    "open",
    "pwrite",
    "fdatasync",
    "sync_directory",
    "truncate",
    "unlink",
    "make_directory",
)


class FaultyFileSystem:
    """`FileSystem`, but what a test wants to fail fails.

    Attributes:
        sync_seconds: How long every sync takes.
        counts: How often each method was called.
        syncing: Set while a sync is on its way.
    """

    def __init__(self, real: DiskFileSystem) -> None:
        self.sync_seconds = 0.0
        self.counts: Counter[str] = Counter()
        self.syncing = threading.Event()
        self._real = real
        self._lock = threading.Lock()
        self._errors: dict[str, dict[int, int]] = {}
        self._released = threading.Event()
        for method in FAULTY:
            setattr(self, method, self._wrapped(method))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def fail(self, method: str, error: int, *, number: int = 1) -> None:
        """Let a call raise: of those of ``method`` from now on, the ``number``-th."""
        with self._lock:
            place = self.counts[method] + number
            self._errors.setdefault(method, {})[place] = error

    def release(self) -> None:
        """Let all syncs end now, and take no time any more."""
        self._released.set()

    def _wrapped(self, method: str) -> Any:
        real = getattr(self._real, method)

        def call(*arguments: Any) -> Any:
            with self._lock:
                self.counts[method] += 1
                error = self._errors.get(method, {}).pop(self.counts[method], None)
            if method in SYNCS and self.sync_seconds:
                self.syncing.set()
                self._released.wait(self.sync_seconds)
                self.syncing.clear()
            if error is not None:
                raise failure(error)
            return real(*arguments)

        return call
