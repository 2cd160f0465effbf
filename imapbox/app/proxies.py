"""Proxies that say for whom they come, and whom we believe that.

Whoever is believed can name any address, this machine's too, from where
passwords may pass in clear and are not counted. Twisted believes everybody
(`haproxy:` endpoints); we ask first who it is.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.protocols.haproxy import proxyEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

from imapbox.app.proxy_line import (
    BEGINNINGS,
    MOST,
    UNKNOWN,
    is_proxy_line,
    may_be_proxy_line,
)
from imapbox.lmtp.trust import Network, is_trusted

_log = Logger()

# Of a header of version 1, and of version 2.
_BEGINNINGS: Final = (*BEGINNINGS, b"\r\n\r\n\x00\r\nQUIT\n")


def behind_proxies(
    endpoint: IStreamServerEndpoint, networks: Sequence[Network]
) -> IStreamServerEndpoint:
    """Return an endpoint where proxies connect, from ``networks`` only.

    Each connection begins with a header of the PROXY protocol, and has the
    address that it names. A second one right behind it ends the connection.
    """
    door = _Wrapping(endpoint, lambda factory: _Doorkeeper(factory, networks))
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

    def __init__(self, factory: Any, networks: Sequence[Network]) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]  # Twisted's
        self._networks = networks

    def buildProtocol(  # type: ignore[override]  # None is a Factory's way to say no
        self, addr: IAddress | None
    ) -> ProtocolWrapper | None:
        """Return what reads the header, or None, which closes the connection."""
        host: str | None = getattr(addr, "host", None)
        if not is_trusted(host, self._networks):
            _log.warn("hung up on {host}: no proxy that --proxy-from names", host=host)
            return None
        return _FirstLine(self, self.wrappedFactory.buildProtocol(addr))


class _Looking(ProtocolWrapper):
    """Holds what comes until it is clear what it is."""

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

    def _look(self, beginning: bytes) -> None:
        """Pass it on, hang up, or wait for more."""
        raise NotImplementedError

    def _pass_on(self, data: bytes) -> None:
        self._held = None
        self.wrappedProtocol.dataReceived(data)

    def _hang_up(self, reason: str) -> None:
        transport: Any = self.transport
        host = getattr(transport.getPeer(), "host", None)
        _log.warn("hung up on {host}: {reason}", host=host, reason=reason)
        self.loseConnection()  # type: ignore[no-untyped-call]  # Twisted's


class _FirstLine(_Looking):
    """What a proxy says first: a header of version 1 is looked at as a whole.

    All else, version 2 too, is read by Twisted, which ends what is no header.
    """

    def _look(self, beginning: bytes) -> None:
        line, end, rest = beginning.partition(b"\r\n")
        if not may_be_proxy_line(beginning):
            self._pass_on(beginning)
        elif len(line + end) > MOST or (end and not is_proxy_line(line)):
            self._hang_up("no PROXY header that makes sense")
        elif end:
            # Twisted wants a space there.
            self._pass_on((line + b" " if line == UNKNOWN else line) + end + rest)


class _BehindHeader(_Looking):
    """What comes behind the header: the client's own words, or another header.

    Who stands behind two proxies that both put one there would be taken for the
    first of these.
    """

    def _look(self, beginning: bytes) -> None:
        if beginning.startswith(_BEGINNINGS):
            self._hang_up("a second PROXY header")
        elif not any(each.startswith(beginning) for each in _BEGINNINGS):
            self._pass_on(beginning)


class _HeadersEnd(WrappingFactory):
    """Sees to it that one header is followed by no other."""

    noisy = False
    protocol = _BehindHeader
