"""Proxies that say for whom they come, and whom we believe that.

Whoever is believed can name any address, this machine's too, from where
passwords may pass in clear and are not counted. Twisted believes everybody
(`haproxy:` endpoints); we ask first who it is.
"""

from collections.abc import Sequence
from typing import Any

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

from imapbox.lmtp.trust import Network, is_trusted

_log = Logger()


def behind_proxies(
    endpoint: IStreamServerEndpoint, networks: Sequence[Network]
) -> IStreamServerEndpoint:
    """Return an endpoint where proxies connect, from ``networks`` only.

    Each connection begins with a header of the PROXY protocol, and has the
    address that it names.
    """
    wrapped: IStreamServerEndpoint = proxyEndpoint(_Door(endpoint, networks))
    return wrapped


@implementer(IStreamServerEndpoint)
class _Door:
    """An endpoint that lets only some in."""

    def __init__(
        self, endpoint: IStreamServerEndpoint, networks: Sequence[Network]
    ) -> None:
        self._endpoint = endpoint
        self._networks = networks

    def listen(
        self,
        protocolFactory: IProtocolFactory,  # noqa: N803 - Twisted's
    ) -> Deferred[IListeningPort]:
        """Listen there."""
        return self._endpoint.listen(_Doorkeeper(protocolFactory, self._networks))


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
        protocol: ProtocolWrapper | None = self.wrappedFactory.buildProtocol(addr)
        return protocol
