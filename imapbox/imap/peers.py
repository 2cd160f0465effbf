"""Who is at the other end, and whether somebody could listen on the way."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress


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


def _is_loopback(host: str) -> bool:
    try:
        # A zone ("%eth0") says on which link, which is not what is asked.
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback
