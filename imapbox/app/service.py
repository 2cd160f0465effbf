"""A server as a Twisted service: started, and ended without breaking a word.

Ending has an order. First no new connection is taken; then every session is
told to end, which lets what it was doing finish; then the store ends what is
being committed; all of it in time.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

# Gone within 10 seconds of SIGTERM, whatever hangs.
SESSION_SECONDS: Final = 5.0
STORE_SECONDS: Final = 3.0
LAST_SECONDS: Final = 10


class Ending(Protocol):
    """A factory that can end its sessions."""

    def shutdown(self, patience: float) -> Deferred[None]:
        """Tell all sessions to end; fire when all have, cut after ``patience``."""
        ...


class Opened(Protocol):
    """The store, as the service sees it."""

    def start(self) -> None:
        """Begin to work. Called after twistd became a daemon and its user."""
        ...

    async def stop(self) -> None:
        """End what is being done, and give everything back."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """One place to listen at, and who answers there."""

    endpoint: IStreamServerEndpoint
    factory: IProtocolFactory


class ServerService(Service):
    """Listens, serves, ends."""

    def __init__(
        self,
        store: Opened,
        listeners: Sequence[Listener],
        endings: Sequence[Ending],
        clock: Any,
        *,
        last_resort: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Make a server that listens once it is started.

        Args:
            store: Started first, stopped last.
            listeners: Bound before twistd drops its privileges.
            endings: The factories that have sessions.
            clock: Of the reactor.
            last_resort: Called with seconds when the end begins; it should
                end the process after so many.
        """
        self._store = store
        self._listeners = listeners
        self._endings = endings
        self._clock = clock
        self._last_resort = last_resort
        self._ports: list[IListeningPort] = []
        self._listening = False

    def privilegedStartService(self) -> None:  # noqa: N802 - Twisted calls it
        """Bind all ports.

        Raises:
            SystemExit: One could not be bound; the log says which and why.
        """
        self._listening = True
        refused: list[Failure] = []
        for listener in self._listeners:
            listener.endpoint.listen(listener.factory).addCallbacks(
                self._ports.append, refused.append
            )
        for failure in refused:
            _log.critical("{reason}", reason=failure.getErrorMessage())
        if refused:
            raise SystemExit(1)

    def startService(self) -> None:
        """Begin to serve."""
        self.running = 1
        if os.geteuid() == 0:
            _log.warn("running as root; let twistd drop to a user with --uid")
        self._store.start()
        if not self._listening:
            self.privilegedStartService()

    def stopService(self) -> Deferred[None]:
        """End in order; the Deferred fires when all is done, in bounded time."""
        self.running = 0
        self._last_resort(LAST_SECONDS)
        return Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        ports, self._ports = self._ports, []
        self._listening = False
        await self._all(
            "closing ports", [Deferred.fromCoroutine(_close(port)) for port in ports]
        )
        await self._all(
            "ending sessions",
            [ending.shutdown(SESSION_SECONDS) for ending in self._endings],
        )
        stopping = Deferred.fromCoroutine(self._store.stop())
        stopping.addTimeout(STORE_SECONDS, self._clock)
        await self._all("closing the store", [stopping])
        _log.info("imapbox ended")

    async def _all(self, what: str, deferreds: Sequence[Deferred[None]]) -> None:
        """Wait for all; a failure is logged and keeps nobody from ending."""
        for succeeded, result in await DeferredList(deferreds, consumeErrors=True):
            if not succeeded:
                _log.failure("trouble with {what}", failure=result, what=what)


async def _close(port: IListeningPort) -> None:
    closed = port.stopListening()
    if closed is not None:
        await closed
