"""Proxies that say for whom they come, and whom we believe that.

Whoever is believed can name any address, this machine's too, from where
passwords may pass in clear and are not counted. Twisted believes everybody
(`haproxy:` endpoints); we ask first who it is.

Twisted also connects whoever serves the client before it has read for whom the
proxy comes: the proxy would be greeted, counted and trusted in the client's place.
Of ours nobody is there before the header has ended, and so these connections are
bounded here: in time, in number, and in what is held of them, a header.

What a connection is wrapped in, from the socket on: `_BeforeHeader` waits for the
header, Twisted's wrapper reads it and has the client's address from then on, and
`_BehindHeader` connects whoever serves the client.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.haproxy import proxyEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from imapbox.app.proxy_header import BEGINNINGS, NoHeader, split_header
from imapbox.lmtp.trust import Network, is_trusted

_log = Logger()

# A proxy has its header ready when it connects; a lost packet is sent again within
# this, more than once.
HEADER_SECONDS: Final = 10.0
# So many may be without, of one port; the oldest makes room, so that nobody can keep
# proxies out by connecting and saying nothing.
MOST_WITHOUT: Final = 100


def behind_proxies(
    reactor: Any, endpoint: IStreamServerEndpoint, networks: Sequence[Network]
) -> IStreamServerEndpoint:
    """Return an endpoint where proxies connect, from ``networks`` only.

    Each connection begins with a header of the PROXY protocol, and has the
    address that it names: nobody is connected before. A second one right behind
    it ends the connection.
    """
    door = _Wrapping(endpoint, lambda factory: _Doorkeeper(factory, reactor, networks))
    return _Wrapping(proxyEndpoint(door), _HeadersEnd)


@implementer(IStreamServerEndpoint)
class _Wrapping:
    """An endpoint whose factories are wrapped."""

    def __init__(
        self, endpoint: IStreamServerEndpoint, wrap: Callable[[Any], WrappingFactory]
    ) -> None:
        self._endpoint = endpoint
        self._wrap = wrap

    def listen(
        self,
        protocolFactory: IProtocolFactory,  # noqa: N803 - Twisted's
    ) -> Deferred[IListeningPort]:
        """Listen there."""
        return self._endpoint.listen(self._wrap(protocolFactory))


class _Doorkeeper(WrappingFactory):
    """Asks where a connection really comes from, before anything is read of it."""

    noisy = False

    def __init__(self, factory: Any, reactor: Any, networks: Sequence[Network]) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]  # Twisted's
        self._reactor = reactor
        self._networks = networks
        self._waiting: dict[_BeforeHeader, IDelayedCall] = {}

    def buildProtocol(  # type: ignore[override]  # None is a Factory's way to say no
        self, addr: IAddress | None
    ) -> ProtocolWrapper | None:
        """Return what waits for the header, or None, which closes the connection."""
        host: str | None = getattr(addr, "host", None)
        if not is_trusted(host, self._networks):
            _log.warn("hung up on {host}: no proxy that --proxy-from names", host=host)
            return None
        return _BeforeHeader(self, self.wrappedFactory.buildProtocol(addr))

    def stopFactory(self) -> None:  # noqa: N802 - Twisted calls it
        """Hang up on who waits: whoever ends sessions doesn't know of these."""
        for each in tuple(self._waiting):
            each.hang_up("the server is shutting down")

    def wait_for(self, header: "_BeforeHeader") -> None:
        """Let one wait for its header for so long."""
        if len(self._waiting) >= MOST_WITHOUT:
            next(iter(self._waiting)).hang_up("too many sent no PROXY header yet")
        self._waiting[header] = self._reactor.callLater(
            HEADER_SECONDS, header.hang_up, "no PROXY header came"
        )

    def wait_no_longer(self, header: "_BeforeHeader") -> None:
        """Forget one: its header came, or it ends."""
        timer = self._waiting.pop(header, None)
        if timer is not None and timer.active():
            timer.cancel()


class _Looking(ProtocolWrapper):
    """Holds what comes until it is clear what it is."""

    factory: Any

    def __init__(self, factory: Any, protocol: Any) -> None:
        super().__init__(factory, protocol)
        self._held: bytes | None = b""

    def dataReceived(self, data: bytes) -> None:
        """Look at what came so far, or pass it on."""
        if self._held is None:
            self.wrappedProtocol.dataReceived(data)
        elif not self.disconnecting:
            self._held += data
            self._look(self._held)

    def hang_up(self, reason: str) -> None:
        """End the connection now: nobody has said anything on it that matters."""
        transport: Any = self.transport
        host = getattr(transport.getPeer(), "host", None)
        _log.warn("hung up on {host}: {reason}", host=host, reason=reason)
        self.disconnecting = 1
        transport.abortConnection()

    def _look(self, beginning: bytes) -> None:
        """Pass it on, hang up, or wait for more."""
        raise NotImplementedError

    def _pass_on(self, data: bytes) -> None:
        self._held = None
        self.wrappedProtocol.dataReceived(data)


class _BeforeHeader(_Looking):
    """What a proxy says first: Twisted reads it as a whole."""

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted calls it
        """Begin to wait."""
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # Twisted's
        self.factory.wait_for(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Wait no longer."""
        self.factory.wait_no_longer(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # Twisted's

    def hang_up(self, reason: str) -> None:
        """End the connection, and make room for another at once."""
        self.factory.wait_no_longer(self)
        super().hang_up(reason)

    def _look(self, beginning: bytes) -> None:
        try:
            parts = split_header(beginning)
        except NoHeader:
            self._refuse()
            return
        if parts is None:
            return
        header, rest = parts
        self.wrappedProtocol.dataReceived(header)
        # Twisted ends what is none in version 2.
        if self.disconnecting:
            self._refuse()
        else:
            self.factory.wait_no_longer(self)
            # Also where it is nothing yet: the client is there.
            self._pass_on(rest)

    def _refuse(self) -> None:
        self.hang_up("no PROXY header that makes sense")


class _BehindHeader(_Looking):
    """What comes behind the header: the client's own words, or another header.

    Who stands behind two proxies that both put one there would be taken for the
    first of these.
    """

    def __init__(self, factory: Any, protocol: Any) -> None:
        super().__init__(factory, protocol)
        self._is_connected = False

    def dataReceived(self, data: bytes) -> None:
        """Connect whoever serves the client, with the first that is heard of it."""
        if not self._is_connected:
            self._is_connected = True
            # Any: a wrapper is a transport, too, but does not say so.
            server: Any = self.factory.serve(self.getPeer())  # type: ignore[no-untyped-call]  # Twisted's
            self.wrappedProtocol = server
            server.makeConnection(self)
        super().dataReceived(data)

    def _look(self, beginning: bytes) -> None:
        if beginning.startswith(BEGINNINGS):
            self.hang_up("a second PROXY header")
        elif not any(each.startswith(beginning) for each in BEGINNINGS):
            self._pass_on(beginning)


class _HeadersEnd(WrappingFactory):
    """Lets nobody serve a client before the header, nor behind another one."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> ProtocolWrapper:
        """Return what connects nobody yet."""
        del addr
        return _BehindHeader(self, Protocol())

    def serve(self, client: IAddress) -> Any:
        """Return what serves a client that is known."""
        return self.wrappedFactory.buildProtocol(client)
