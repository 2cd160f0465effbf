"""The Twisted edge of a connection: octets in, octets out, and its end."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    ISSLTransport,
    ITCPTransport,
    IUNIXTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapbox.imap.crowd import Crowd, Guess
from imapbox.imap.deadlines import Deadlines
from imapbox.imap.dialogue import converse
from imapbox.imap.input import Input
from imapbox.imap.interfaces import Logins
from imapbox.imap.output import Output
from imapbox.imap.peers import peer_at
from imapbox.imap.session import Session
from imapbox.imap.settings import Settings
from imapbox.wire.imap import response_codes as codes

_log = Logger()


class IMAPProtocol(Protocol):
    """One connection."""

    # A server's transport; its interface is several in Twisted.
    transport: Any

    def __init__(  # noqa: PLR0913 - what a connection needs
        self,
        logins: Logins,
        clock: Any,
        settings: Settings,
        *,
        crowd: Crowd,
        tls: Any = None,
        lost: "Callable[[IMAPProtocol], None]",
    ) -> None:
        """Make one that greets when it is connected.

        Args:
            logins: Who may log in.
            clock: Of the reactor.
            settings: Of the listener.
            crowd: All connections of the process.
            tls: A context factory for STARTTLS, or None.
            lost: Called when the connection is.
        """
        self._logins = logins
        self._clock = clock
        self._settings = settings
        self._crowd = crowd
        self._tls = tls
        self._lost = lost
        self._talk: Deferred[None] | None = None
        self._abort: IDelayedCall | None = None
        self._connected = False
        self._ended = False

    def connectionMade(self) -> None:
        """Greet the client."""
        self._connected = True
        # Twisted's UNIX sockets say that they were TCP, too.
        if ITCPTransport.providedBy(self.transport) and not IUNIXTransport.providedBy(
            self.transport
        ):
            self.transport.setTcpNoDelay(True)
        patience = self._settings.patience
        self._output = Output(
            self.transport, self._clock, patience.reading, self._not_read
        )
        self._input = Input(
            self.transport,
            self._output.flush,
            self._settings.unread_limit,
            self._output.room,
        )
        peer = peer_at(self.transport.getPeer())
        self._session = Session(
            input=self._input,
            output=self._output,
            deadlines=Deadlines(self._clock, patience, self._input, self._end_now),
            clock=self._clock,
            settings=self._settings,
            logins=self._logins,
            peer=peer,
            take_seat=self._take_seat,
            give_seat_back=self._give_seat_back,
            guess=self._guess,
            encrypted=ISSLTransport.providedBy(self.transport),
            start_tls=None if self._tls is None else self._start_tls,
        )
        self.transport.registerProducer(self._output, streaming=True)
        self._place = self._crowd.enter(self, peer)
        self._talk = Deferred.fromCoroutine(self._converse())

    def dataReceived(self, data: bytes) -> None:
        """Hand ``data`` to the session."""
        self._output.begin_turn()
        self._session.deadlines.heard()
        self._input.receive(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the session, whatever it waits for, and leave nothing behind."""
        del reason
        self._connected = False
        self._input.end()
        self._output.stopProducing()
        self._session.break_off("the client closed the connection")
        self._cancel()
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        self._place.leave()
        self._lost(self)

    def stop(self) -> None:
        """Say good bye when the client has been answered."""
        if self._input.waiting:
            self._end_now("The server is shutting down.")
        else:
            self._session.stopping = "The server is shutting down."

    def turn_out(self, reason: str) -> None:
        """Say good bye: there is no room."""
        self._end_now(reason)

    def abort(self) -> None:
        """Close now, without a word."""
        self._session.break_off("it was cut off")
        if self._connected:
            self.transport.abortConnection()

    async def _converse(self) -> None:
        try:
            if self._session.ended is None:
                await converse(self._session)
        except CancelledError:
            pass
        except Exception:  # noqa: BLE001 - logged; there is nobody above to tell
            _log.failure("a session failed")
            self._session.break_off("it failed")
        finally:
            self._close()

    def _close(self) -> None:
        # From here on there is nothing to cancel: a Deferred can't be, while its
        # own coroutine runs.
        self._ended = True
        session = self._session
        session.close()
        self._output.flush()
        _log.info(
            "end of session of {user} from {peer}: {reason} "
            "({received} octets received, {sent} sent)",
            user=session.user,
            peer=session.peer.address,
            reason=session.ended,
            received=self._input.received,
            sent=self._output.sent,
        )
        self._input.end()
        if self._connected:
            self.transport.unregisterProducer()
            self._output.stopProducing()
            self.transport.loseConnection()
        if self._connected:
            # Who does not read would keep our last words, and us, here.
            self._abort = self._clock.callLater(
                self._settings.patience.closing, self.abort
            )

    def _guess(self) -> Guess | None:
        return self._place.guess()

    def _take_seat(self, user: str) -> bool:
        return self._place.log_in(user)

    def _give_seat_back(self) -> None:
        self._place.log_out()

    def _end_now(self, reason: str) -> None:
        """Say good bye while we wait for the client."""
        self._session.bye(reason, codes.UNAVAILABLE)
        self._cancel()

    def _not_read(self) -> None:
        self._session.break_off("the client does not read")
        self.abort()

    def _cancel(self) -> None:
        if self._talk is not None and not self._ended:
            self._talk.cancel()

    def _start_tls(self) -> None:
        self.transport.startTLS(self._tls)
