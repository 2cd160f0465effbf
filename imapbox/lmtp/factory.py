"""Listens for LMTP clients, and can end it all."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import Factory

from imapbox.lmtp.interfaces import Deliveries
from imapbox.lmtp.limits import Limits
from imapbox.lmtp.protocol import LMTPProtocol
from imapbox.lmtp.session import Session
from imapbox.lmtp.trust import LOOPBACK, Network, is_trusted
from imapbox.wire.lmtp import replies


class LMTPFactory(Factory):
    """Makes a connection's protocol, for TCP and UNIX sockets alike.

    Attributes:
        connections: Those that are open.
    """

    noisy = False

    def __init__(
        self,
        deliveries: Deliveries,
        clock: Any,
        *,
        hostname: str,
        limits: Limits | None = None,
        xforward_from: Sequence[Network] = LOOPBACK,
    ) -> None:
        """Make one for a listening port.

        Args:
            deliveries: The store.
            clock: An `IReactorTime` whose seconds count from 1970.
            hostname: How the server calls itself, in replies and in Received.
            limits: What a client may do.
            xforward_from: Who may say, with XFORWARD, which message comes; besides
                whoever comes by a UNIX socket.
        """
        self._xforward_from = xforward_from
        self.connections: set[LMTPProtocol] = set()
        self._deliveries = deliveries
        self._clock = clock
        self._hostname = hostname
        self._limits = limits or Limits()
        self._stopping = False
        self._all_gone: list[Deferred[None]] = []
        self._deadline: IDelayedCall | None = None

    def buildProtocol(self, addr: IAddress | None) -> LMTPProtocol:
        """Return the protocol for a new connection."""
        del addr
        return LMTPProtocol(
            self._clock, self._limits.closing, self._connected, self._lost
        )

    def shutdown(self, patience: float = 8.0) -> Deferred[None]:
        """End all sessions; the port should be closed already.

        Whoever is idle is told 421 now, whoever is busy when its command is
        answered. Deliveries that were begun end in any case.

        Args:
            patience: Seconds until the connections that are left are cut.

        Returns:
            Fires when no connection is left.
        """
        self._stopping = True
        gone: Deferred[None] = Deferred()
        self._all_gone.append(gone)
        for connection in tuple(self.connections):
            connection.stop()
        if self.connections and self._deadline is None:
            self._deadline = self._clock.callLater(patience, self._cut)
        self._tell_if_gone()
        return gone

    def _connected(self, connection: LMTPProtocol) -> Session | None:
        full = len(self.connections) >= self._limits.connections
        self.connections.add(connection)
        if self._stopping:
            connection.write(replies.SHUTTING_DOWN)
            return None
        if full:
            connection.write(replies.TOO_MANY_CONNECTIONS)
            return None
        return Session(
            connection,
            self._deliveries,
            self._clock,
            hostname=self._hostname,
            limits=self._limits,
            is_trusted=is_trusted(connection.host, self._xforward_from),
        )

    def _lost(self, connection: LMTPProtocol) -> None:
        self.connections.discard(connection)
        self._tell_if_gone()

    def _cut(self) -> None:
        self._deadline = None
        for connection in tuple(self.connections):
            connection.abort()

    def _tell_if_gone(self) -> None:
        if self.connections:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        waiting, self._all_gone = self._all_gone, []
        for gone in waiting:
            gone.callback(None)
