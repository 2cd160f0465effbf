"""Being told that a file below the store was written.

A hint and no more: queues overflow, watches run out, and what another node
writes is not told at all. Whoever waits also looks by itself now and then.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.inotify import IN_MODIFY, INotify
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.python._inotify import INotifyError
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

_INotify: Any = INotify  # Twisted has no types for it


class Watch:
    """One inotify queue for the process, several listeners a file."""

    _log = Logger()

    def __init__(self, root: str, reactor: IReactorFDSet) -> None:
        self._root = FilePath(root)
        self._reactor = reactor
        self._queue: Any = None
        self._is_short = False
        self._listeners: dict[str, list[Callable[[], None]]] = {}

    def listen(self, path: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each write to the file at ``path``.

        Returns:
            What to call to hear no more.
        """
        listeners = self._listeners.setdefault(path, [])
        listeners.append(listener)
        if len(listeners) == 1:
            self._add(path)

        def stop() -> None:
            listeners.remove(listener)
            if not listeners:
                del self._listeners[path]
                self._remove(path)

        return stop

    def listens_to(self, path: str) -> bool:
        """Say whether anybody listens to the file at ``path``."""
        return path in self._listeners

    def close(self) -> None:
        """Give the queue back. Listeners hear no more."""
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.loseConnection()

    def _add(self, path: str) -> None:
        try:
            if self._queue is None:
                self._queue = _Queue(self._reactor, self._lost)
                self._queue.startReading()
            self._queue.watch(
                self._file(path),
                mask=IN_MODIFY,
                callbacks=[lambda _queue, _file, _mask: self._written(path)],
            )
        except (INotifyError, OSError):
            if not self._is_short:  # once, and not for each of a thousand mailboxes
                self._log.warn("cannot watch {path}: only polling", path=path)
            self._is_short = True
        else:
            self._is_short = False

    def _remove(self, path: str) -> None:
        file = self._file(path)
        if self._queue is not None and self._queue._isWatched(file):  # noqa: SLF001 - ignore() of an unknown path raises, and no public call asks
            self._queue.ignore(file)

    def _written(self, path: str) -> None:
        for listener in tuple(self._listeners.get(path, ())):
            # One that was called before it may have stopped it.
            if listener in self._listeners.get(path, ()):
                listener()

    def _lost(self, queue: object) -> None:
        """Begin anew: Twisted closes a queue when a watched file was removed."""
        if queue is self._queue:
            self._queue = None
            for path in self._listeners:
                self._add(path)

    def _file(self, path: str) -> FilePath[str]:
        return self._root.preauthChild(path)


class _Queue(_INotify):  # type: ignore[misc] # Twisted has no types for it
    """An inotify queue that says when it is closed."""

    def __init__(self, reactor: IReactorFDSet, lost: Callable[[object], None]) -> None:
        super().__init__(reactor)
        self._lost = lost

    def connectionLost(self, reason: Failure) -> None:
        """See `INotify`."""
        super().connectionLost(reason)
        self._lost(self)
