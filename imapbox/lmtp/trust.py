"""Whom we believe what he says of other clients, with XFORWARD."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def is_trusted(host: str | None, networks: Sequence[Network]) -> bool:
    """Say whether a client is.

    Args:
        host: Its IP address, or None on a UNIX socket, which only those can open
            whom its directory lets.
        networks: Of the others.
    """
    if host is None:
        return True
    try:
        # IPv6 may come with the interface behind "%".
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
