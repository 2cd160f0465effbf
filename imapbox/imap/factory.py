"""Listens for IMAP clients, and can end it all."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import Factory

from imapbox.imap.crowd import Crowd
from imapbox.imap.interfaces import Logins
from imapbox.imap.protocol import IMAPProtocol
from imapbox.imap.settings import Settings
from imapbox.locks.seats import Seats


class IMAPFactory(Factory):
    """Makes a connection's protocol, for TCP, TLS and UNIX sockets alike.

    Attributes:
        connections: Those that are open.
    """

    noisy = False

    def __init__(
        self,
        logins: Logins,
        clock: Any,
        *,
        settings: Settings | None = None,
        tls: Any = None,
        crowd: Crowd | None = None,
    ) -> None:
        """Make one for a listening port.

        Args:
            logins: Who may log in.
            clock: An `IReactorTime`.
            settings: Whom the listener trusts, and how long it waits.
            tls: A context factory that STARTTLS uses; None offers none. A
                port that is wrapped in TLS needs none.
            crowd: What several factories count together. One of its own counts
                in this process only.
        """
        self.connections: set[IMAPProtocol] = set()
        self._logins = logins
        self._clock = clock
        self._settings = settings or Settings()
        self._tls = tls
        self._crowd = crowd or Crowd(Seats(), self._settings.connections, clock)
        self._all_gone: list[Deferred[None]] = []
        self._deadline: IDelayedCall | None = None

    def buildProtocol(self, addr: IAddress | None) -> IMAPProtocol:
        """Return the protocol for a new connection."""
        del addr
        protocol = IMAPProtocol(
            self._logins,
            self._clock,
            self._settings,
            crowd=self._crowd,
            tls=self._tls,
            lost=self._forget,
        )
        self.connections.add(protocol)
        return protocol

    def shutdown(self, patience: float = 8.0) -> Deferred[None]:
        """End all sessions; the port should be closed already.

        Running commands may end first. Whoever is not gone after ``patience``
        seconds is cut off.

        Returns:
            Fires when all are gone.
        """
        self._crowd.close()
        gone: Deferred[None] = Deferred()
        self._all_gone.append(gone)
        for protocol in tuple(self.connections):
            protocol.stop()
        if self._deadline is None and self.connections:
            self._deadline = self._clock.callLater(patience, self._cut_off)
        self._notice_if_all_gone()
        return gone

    def _cut_off(self) -> None:
        for protocol in tuple(self.connections):
            protocol.abort()

    def _forget(self, protocol: IMAPProtocol) -> None:
        self.connections.discard(protocol)
        self._notice_if_all_gone()

    def _notice_if_all_gone(self) -> None:
        if self.connections:
            return
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()
        waiting, self._all_gone = self._all_gone, []
        for gone in waiting:
            gone.callback(None)
