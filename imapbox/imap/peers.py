"""Who is at the other end, and whether somebody could listen on the way."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress

from imapbox.imap.settings import Network


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end.

    Attributes:
        address: For log lines.
        is_local: Whether nobody can listen on the way.
    """

    address: str
    is_local: bool


def peer_at(address: IAddress) -> Peer:
    """Return who is at ``address``: a TCP or UNIX socket's."""
    if isinstance(address, UNIXAddress):
        return Peer("a UNIX socket", is_local=True)
    host = str(getattr(address, "host", "somewhere"))
    return Peer(host, _is_loopback(host))


def counted_as(peer: Peer, many_from: Iterable[Network]) -> str | None:
    """Return the address that a connection is counted under, if it is.

    Whoever has one IPv6 address has 2^64 of them (RFC 4291 §2.5.4), so a /64 is
    one.
    """
    address = _address(peer.address)
    if address is None or peer.is_local or any(address in each for each in many_from):
        return None
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        # A zone ("%eth0") says on which link, which is not what is asked.
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
