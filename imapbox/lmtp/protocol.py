"""The edge: where Twisted calls us with octets, and we call it.

Holds what a connection may cost: one chunk of the transport's is kept while
the session is busy, and reading stops; it also stops while the client does not
read what we wrote.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IPushProducer,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from imapbox.lmtp.peer import Interrupted, PeerGone, PeerTooSlow
from imapbox.lmtp.queues import confirm, not_read, not_taken
from imapbox.lmtp.session import Session


@implementer(IPushProducer)
class LMTPProtocol(Protocol):
    """A connection. It is the session's `Peer`, and the transport's producer."""

    # A server's transport; its interface is several in Twisted.
    transport: Any

    def __init__(
        self,
        clock: Any,
        closing: float,
        make_session: "Callable[[LMTPProtocol], Session | None]",
        lost: "Callable[[LMTPProtocol], None]",
    ) -> None:
        """Make one that asks its owner for a session when it is connected.

        Args:
            clock: Of the reactor.
            closing: Seconds that the client has to read our last words.
            make_session: Returns None for a client that is not welcome.
            lost: Called when the connection is.
        """
        self._clock = clock
        self._closing = closing
        self._make_session = make_session
        self._lost = lost
        self._session: Session | None = None
        self._unread: list[bytes] = []
        self._waiting: Deferred[bytes] | None = None
        self._deadline = 0.0
        self._timer: IDelayedCall | None = None
        self._abort: IDelayedCall | None = None
        self._paused = False
        self._choked = False
        self._gone = False

    @property
    def host(self) -> str | None:
        """The client's IP address, or None on a UNIX socket."""
        peer: IAddress = self.transport.getPeer()
        host: str | None = getattr(peer, "host", None)
        return host

    @property
    def is_ahead(self) -> bool:
        """Whether the client has said something that nobody took; see `Peer`."""
        return bool(self._unread) or not_read(self.transport) > 0

    @property
    def has_taken_all(self) -> bool:
        """Whether the client got what was written; see `Peer`."""
        return not_taken(self.transport) == 0

    def connectionMade(self) -> None:
        """Greet the client."""
        # Twisted's UNIX sockets provide it, too, and do nothing then.
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, streaming=True)
        self._session = self._make_session(self)
        if self._session is None:
            self._close()
        else:
            serving = Deferred.fromCoroutine(self._session.run())
            serving.addBoth(self._served)

    def dataReceived(self, data: bytes) -> None:
        """Hand ``data`` to the session if it waits for it."""
        self._unread.append(data)
        if self._waiting is None or self._choked:
            self._paused = True
            self.transport.pauseProducing()
        else:
            self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the session, and leave no timer behind."""
        del reason
        self._gone = True
        for timer in (self._timer, self._abort):
            if timer is not None and timer.active():
                timer.cancel()
        self._end_waiting(PeerGone())
        self._lost(self)

    def confirm(self) -> None:
        """Let the client know at once what came; see `Peer`."""
        if not self._gone:
            confirm(self.transport)

    def write(self, data: bytes) -> None:
        """Tell the client ``data``."""
        self.transport.write(data)

    async def more(self, patience: float) -> bytes:
        """Return what the client says next; see `Peer.more`."""
        if self._gone:
            raise PeerGone
        if self._unread and not self._choked:
            return self._take()
        waiting: Deferred[bytes] = Deferred()
        self._waiting = waiting
        self._wait_until(self._clock.seconds() + patience)
        self._read_on()
        return await waiting

    def interrupt(self) -> None:
        """End the wait in `more`."""
        self._end_waiting(Interrupted())

    def stop(self) -> None:
        """Let the session say goodbye and close."""
        if self._session is not None:
            self._session.stop()

    def abort(self) -> None:
        """Close now."""
        if not self._gone:
            self.transport.abortConnection()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """Read no more: the client does not read what we wrote."""
        self._choked = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """Read on: the client has read."""
        self._choked = False
        if self._waiting is not None:
            if self._unread:
                self._wake()
            else:
                self._read_on()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """The connection is gone; `connectionLost` is called, too."""

    def _take(self) -> bytes:
        data = b"".join(self._unread)
        self._unread.clear()
        return data

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(self._take())

    def _end_waiting(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(error)

    def _read_on(self) -> None:
        if self._paused and not self._choked:
            self._paused = False
            self.transport.resumeProducing()

    def _wait_until(self, deadline: float) -> None:
        # One timer for the connection, not one for each wait: it looks at the
        # deadline when it fires, and is moved only to fire earlier.
        self._deadline = deadline
        if self._timer is None:
            self._set_timer()
        elif self._timer.getTime() > deadline:
            self._timer.cancel()
            self._set_timer()

    def _set_timer(self) -> None:
        left = max(0.0, self._deadline - self._clock.seconds())
        self._timer = self._clock.callLater(left, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._clock.seconds() < self._deadline:
            self._set_timer()
        else:
            self._end_waiting(PeerTooSlow())

    def _served(self, _: object) -> None:
        self._session = None
        if not self._gone:
            self._close()

    def _close(self) -> None:
        # A client that does not read would keep its last words, and us, here.
        self._abort = self._clock.callLater(self._closing, self.abort)
        self.transport.unregisterProducer()
        self.transport.loseConnection()
