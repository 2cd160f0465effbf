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
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import (
    IListeningPort,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapbox.app.listeners import accept_few
from imapbox.app.prompt_transport import make_prompt
from imapbox.disk.failures import in_full
from imapbox.imap.factory import IMAPFactory
from imapbox.lmtp.factory import LMTPFactory
from imapbox.model.errors import MailError
from imapbox.store.format import NotAStore

_log = Logger()

# Gone within 10 seconds of SIGTERM, whatever hangs.
SESSION_SECONDS: Final = 5.0
STORE_SECONDS: Final = 3.0
LAST_SECONDS: Final = 9

# The log's line for it; who starts a server may wait for this.
SERVES: Final = "imapbox serves"


class Opened(Protocol):
    """The store, as the service sees it."""

    async def start(self) -> None:
        """Begin to work. Called after twistd became a daemon and its user."""
        ...

    async def stop(self) -> None:
        """End what is being done, and give everything back."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """One place to listen at, and who answers there."""

    endpoint: IStreamServerEndpoint
    factory: IMAPFactory | LMTPFactory


class ServerService(Service):
    """Listens, serves, ends."""

    def __init__(
        self,
        store: Opened,
        listeners: Sequence[Listener],
        reactor: Any,
        *,
        last_resort: Callable[[int], object] = lambda _: None,
        give_up: Callable[[], object] = lambda: None,
    ) -> None:
        """Make a server that listens once it is started.

        Args:
            store: Started first, stopped last.
            listeners: Bound before twistd drops its privileges.
            reactor: Its clock, and its readers.
            last_resort: Called with seconds when the end begins; it should
                end the process after so many.
            give_up: Called if the store can not be opened, once the reactor runs. The
                store calls it, too, if it is cut off.
        """
        self._store = store
        self._listeners = listeners
        # One factory may listen at several places.
        self._factories = {id(each.factory): each.factory for each in listeners}
        self._reactor = reactor
        self._last_resort = last_resort
        self._give_up = give_up
        self._ports: list[IListeningPort] = []
        self._opening: Deferred[bool] | None = None

    def privilegedStartService(self) -> None:  # noqa: N802 - Twisted calls it
        """Bind all ports.

        Raises:
            SystemExit: One could not be bound; the log says which and why.
        """
        refused: list[Failure] = []
        for listener in self._listeners:
            listener.endpoint.listen(listener.factory).addCallbacks(
                self._ports.append, refused.append
            )
        for port in self._ports:
            make_prompt(port)
            accept_few(port)
        for failure in refused:
            _log.critical("{reason}", reason=failure.getErrorMessage())
        if refused:
            raise SystemExit(1)

    def startService(self) -> None:
        """Begin to serve, once the store is open."""
        if not self._ports:
            self.privilegedStartService()
        self.running = 1
        if os.geteuid() == 0:
            _log.warn("running as root; let twistd drop to a user with --uid")
        # Who connects meanwhile waits in the backlog.
        for port in self._ports:
            self._reactor.removeReader(port)
        self._opening = Deferred.fromCoroutine(self._open())

    def stopService(self) -> Deferred[None]:
        """End in order; the Deferred fires when all is done, in bounded time."""
        self.running = 0
        self._last_resort(LAST_SECONDS)
        return Deferred.fromCoroutine(self._end())

    async def _open(self) -> bool:
        try:
            await self._store.start()
        except CancelledError:
            return False
        except NotAStore as error:
            _log.critical("{sentence}", sentence=error.sentence())
        except MailError as error:
            _log.critical("{sentence}", sentence=in_full(error))
        except OSError as error:
            _log.critical("can not open the store: {error}", error=error)
        else:
            for port in self._ports:
                self._reactor.addReader(port)
            _log.info(SERVES)
            return True
        # It may be known before the reactor runs, when nobody can stop it yet.
        self._reactor.callWhenRunning(self._give_up)
        return False

    async def _end(self) -> None:
        ports, self._ports = self._ports, []
        opening, self._opening = self._opening, None
        await self._all(
            "closing ports", [Deferred.fromCoroutine(_close(port)) for port in ports]
        )
        await self._all(
            "ending sessions",
            [each.shutdown(SESSION_SECONDS) for each in self._factories.values()],
        )
        if opening is not None:
            opening.cancel()
            if await opening:
                stopping = Deferred.fromCoroutine(self._store.stop())
                stopping.addTimeout(STORE_SECONDS, self._reactor)
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
