"""A thread that notices when the reactor is held, and says by what.

The reactor beats four times a second. A thread looks as often whether it has; if
it hasn't for twenty looks, 5 s, the log is told what the reactor's thread is doing,
once for each time that it is held. Looks are counted, not seconds, so that a
process that was stopped for a while accuses nobody.
"""

import sys
import threading
import traceback
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

_log = Logger()

BEAT_SECONDS: Final = 0.25
HELD_BEATS: Final = 20
_LONGEST_STACK: Final = 50


class Watchdog:
    """Watches the reactor of this process.

    Args:
        reactor: Whose thread calls `start`.
        beat: Seconds between two beats, and between two looks.
    """

    def __init__(self, reactor: Any, *, beat: float = BEAT_SECONDS) -> None:
        self._reactor = reactor
        self._beat_seconds = beat
        self._beats = 0
        self._watched = 0
        self._next: IDelayedCall | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the thread that calls this."""
        self._watched = threading.get_ident()
        self._over.clear()
        self._beat()
        self._thread = threading.Thread(
            target=self._watch, name="imapbox-watchdog", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _beat(self) -> None:
        self._beats += 1
        self._next = self._reactor.callLater(self._beat_seconds, self._beat)

    def _watch(self) -> None:
        seen, missed = 0, 0
        while not self._over.wait(self._beat_seconds):
            if self._beats != seen:
                if missed >= HELD_BEATS:
                    self._tell_that_it_goes_on(missed)
                seen, missed = self._beats, 0
                continue
            missed += 1
            if missed == HELD_BEATS:
                self._tell_what_holds_it()

    def _tell_what_holds_it(self) -> None:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the only way to see another thread
        stack = traceback.extract_stack(frame)[-_LONGEST_STACK:] if frame else []
        _log.critical(
            "the reactor was held for over {seconds:.0f} s, by\n{stack}",
            seconds=HELD_BEATS * self._beat_seconds,
            stack="".join(traceback.format_list(stack)),
        )

    def _tell_that_it_goes_on(self, missed: int) -> None:
        _log.warn(
            "the reactor goes on; it was held for about {seconds:.0f} s",
            seconds=missed * self._beat_seconds,
        )
