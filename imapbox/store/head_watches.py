"""Being told that logs were written which this process need not follow.

Who wants to know of many mailboxes, and of each no more than its counts, does not
open them. All who want to know of one share an inotify watch on its head, and a
poll goes round behind: queues overflow, and inotify does not cross nodes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.head_file import HEAD
from imapbox.index.read import read_head
from imapbox.store.drivers import Drivers

# Of one process.
MOST_WATCHED: Final = 50_000
# So often each head is looked at, whether or not there was a hint.
ROUND_SECONDS: Final = 10.0
_TICK_SECONDS: Final = 1.0
# A failed look is as if nothing could be read: the next one differs.
_UNREAD: Final = b""


class _Watched:
    """One head.

    Attributes:
        listeners: Who wants to know.
        seen: What it was when the poll came by.
        stop: Gives the inotify watch back.
    """

    def __init__(self, listener: Callable[[], None]) -> None:
        self.listeners = [listener]
        self.seen = _UNREAD
        self.stop: Callable[[], None] = lambda: None

    def tell(self) -> None:
        for listener in tuple(self.listeners):
            # One that was called before it may have stopped it.
            if listener in self.listeners:
                listener()


class HeadWatches:
    """All of a process.

    Args:
        drivers: What looks.
    """

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers
        self._all: dict[str, _Watched] = {}
        self._round: list[str] = []
        self._timer: IDelayedCall | None = None
        self._looking: Deferred[list[bytes]] | None = None

    def listen(
        self, directory: str, listener: Callable[[], None]
    ) -> Callable[[], None] | None:
        """Call ``listener`` when a log may have been written since this call.

        It may be in vain: once it surely is, when the poll first comes by.

        Returns:
            What to call, once, to hear no more. None if too many are watched.
        """
        path = f"{directory}/{HEAD}"
        watched = self._all.get(path)
        if watched is not None:
            watched.listeners.append(listener)
        elif len(self._all) >= MOST_WATCHED:
            return None
        else:
            watched = self._all[path] = _Watched(listener)
            watched.stop = self._drivers.watch.listen(path, watched.tell)
            self._start()
        # The watch stays until the poll comes by: a thousand are not given back at
        # once, and who comes again soon finds them there.
        return partial(watched.listeners.remove, listener)

    def close(self) -> None:
        """Look no more."""
        self._all.clear()
        self._stop()

    def _start(self) -> None:
        if self._timer is None and self._looking is None:
            jitter = self._drivers.filesystem.random(1)[0] / 256
            self._timer = self._drivers.reactor.callLater(
                _TICK_SECONDS * (0.75 + jitter / 2), self._look
            )

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Look at the next of those whose turn it is."""
        self._timer = None
        if not self._round:
            self._round = list(self._all)
        at_once = int(len(self._all) * _TICK_SECONDS / ROUND_SECONDS) + 1
        turn = [self._round.pop() for _ in self._round[:at_once]]
        for path in turn:
            if path in self._all and not self._all[path].listeners:
                self._all.pop(path).stop()
        some = [path for path in turn if path in self._all]
        self._looking = self._drivers.read.run(_heads(some))
        self._looking.addCallback(partial(self._compare, some))
        # What cuts us off from the disk is noticed, and told, by the driver.
        self._looking.addErrback(lambda _: None)
        self._looking.addCallback(self._go_on)

    def _compare(self, paths: Sequence[str], heads: Sequence[bytes]) -> None:
        for path, head in zip(paths, heads, strict=True):
            watched = self._all.get(path)
            if watched is not None and watched.seen != head:
                watched.seen = head
                watched.tell()

    def _go_on(self, _: object) -> None:
        self._looking = None
        if self._all:
            self._start()


def _heads(paths: Sequence[str]) -> Steps[list[bytes]]:
    """Return what heads are; of one that can't be read, nothing."""
    found = []
    for path in paths:
        try:
            head = yield from steps.opened(path, Mode.READ, read_head)
        except OSError:
            head = _UNREAD
        found.append(head)
    return found
