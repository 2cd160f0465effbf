"""A thread that notices when the reactor is held, and says by what.

The reactor beats four times a second. A thread looks as often whether it has; if
it hasn't for twenty looks, 5 s, the log is told what the reactor's thread is doing,
once for each time that it is held. Looks are counted, not seconds, so that a
process that was stopped for a while accuses nobody.

What computes without a moment for other threads (a regular expression, a large
sum) lets nobody look meanwhile. So the time counts, too, that the reactor's thread
has computed since it beat; the first look is to be had where that ends.
"""

import linecache
import sys
import threading
import time
import traceback
from types import FrameType
from typing import Any, Final, NamedTuple

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

_log = Logger()

BEAT_SECONDS: Final = 0.25
HELD_BEATS: Final = 20
_LONGEST_STACK: Final = 50


class _Beat(NamedTuple):
    """A beat of the reactor.

    Attributes:
        number: The how-manieth.
        computed: Seconds that its thread had computed by then.
        turn: Seconds of them since the beat before.
    """

    number: int
    computed: float
    turn: float


class Watchdog:
    """Watches the reactor of this process.

    Args:
        reactor: Whose thread calls `start`.
        beat: Seconds between two beats, and between two looks.
    """

    def __init__(self, reactor: Any, *, beat: float = BEAT_SECONDS) -> None:
        self._reactor = reactor
        self._beat_seconds = beat
        self._held_seconds = HELD_BEATS * beat
        self._last = _Beat(0, 0.0, 0.0)
        self._watched = 0
        self._next: IDelayedCall | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the thread that calls this."""
        self._watched = threading.get_ident()
        self._over.clear()
        self._last = _Beat(0, time.thread_time(), 0.0)
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
        number, before, _ = self._last
        computed = time.thread_time()
        self._last = _Beat(number + 1, computed, computed - before)
        self._next = self._reactor.callLater(self._beat_seconds, self._beat)

    def _watch(self) -> None:
        clock = time.pthread_getcpuclockid(self._watched)
        seen, missed, told = 0, 0, False
        while not self._over.wait(self._beat_seconds):
            last = self._last
            if last.number != seen:
                if not told and last.turn >= self._held_seconds:
                    self._tell_what_holds_it(None)  # it went on before we could look
                    told = True
                if told:
                    held = max(missed * self._beat_seconds, last.turn)
                    self._tell_that_it_goes_on(held)
                seen, missed, told = last.number, 0, False
            else:
                missed += 1
            computed = time.clock_gettime(clock) - last.computed
            is_held = missed >= HELD_BEATS or computed >= self._held_seconds
            if is_held and not told:
                self._tell_what_holds_it(sys._current_frames().get(self._watched))  # noqa: SLF001 - the only way to see another thread
                told = True

    def _tell_what_holds_it(self, frame: FrameType | None) -> None:
        stack = traceback.extract_stack(frame)[-_LONGEST_STACK:] if frame else []
        _log.critical(
            "the reactor was held for over {seconds:.0f} s, by\n{stack}",
            seconds=self._held_seconds,
            stack="".join(traceback.format_list(stack)) or "nobody could look what",
        )
        linecache.clearcache()  # half a MiB of source code, kept for the next one

    def _tell_that_it_goes_on(self, seconds: float) -> None:
        _log.warn(
            "the reactor goes on; it was held for about {seconds:.0f} s",
            seconds=seconds,
        )
