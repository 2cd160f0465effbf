"""The line with which a proxy says for whom it comes: PROXY protocol, version 1.

Source: HAProxy's proxy-protocol.txt, §2.1::

    PROXY TCP4 <address> <address> <port> <port> CRLF
    PROXY TCP6 <address> <address> <port> <port> CRLF
    PROXY UNKNOWN [anything] CRLF

Twisted's parser takes any words for addresses, raises what it doesn't catch
where ports are none, and knows no UNKNOWN without a space behind it.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_BEGINNING: Final = b"PROXY "
UNKNOWN: Final = _BEGINNING + b"UNKNOWN"
MOST: Final = 107  # octets, with the CRLF
_KINDS: Final[dict[bytes, type[IPv4Address | IPv6Address]]] = {
    b"TCP4": IPv4Address,
    b"TCP6": IPv6Address,
}
# What such a line begins with; no command of IMAP or LMTP does.
BEGINNINGS: Final = (*(_BEGINNING + kind + b" " for kind in _KINDS), UNKNOWN)
_MAX_PORT: Final = 65535


def may_be_proxy_line(beginning: bytes) -> bool:
    """Say whether what came so far can become such a header."""
    size = len(_BEGINNING)
    return beginning[:size] == _BEGINNING[: len(beginning)]


def is_proxy_line(line: bytes) -> bool:
    """Say whether a line, without its CRLF, is such a header."""
    if line == UNKNOWN or line.startswith(UNKNOWN + b" "):
        return True
    match line.split(b" "):
        case [b"PROXY", kind, source, target, port, other] if kind in _KINDS:
            address = _KINDS[kind]
        case _:
            return False
    try:
        address(source.decode("ascii"))
        address(target.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return False
    # Of zones only the proxy knows what they mean.
    return b"%" not in line and _is_port(port) and _is_port(other)


def _is_port(word: bytes) -> bool:
    return word.isdigit() and int(word) <= _MAX_PORT
