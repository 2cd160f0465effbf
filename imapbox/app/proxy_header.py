"""The header with which a proxy says for whom it comes: the PROXY protocol.

Source: HAProxy's proxy-protocol.txt. §2.1 has version 1, a line::

    PROXY TCP4 <address> <address> <port> <port> CRLF
    PROXY TCP6 <address> <address> <port> <port> CRLF
    PROXY UNKNOWN [anything] CRLF

and §2.2 version 2::

    offset  size  field
         0    12  the signature
        12     1  version and command
        13     1  family and protocol
        14     2  how many octets follow, big-endian
        16     n  addresses, and whatever the proxy says besides

Twisted's parser reads what these say. Of a line it takes any words for addresses,
raises what it doesn't catch where ports are none, and knows no UNKNOWN without a
space behind it; and it wants the first 16 octets of version 2 at once. So it
is given whole headers only, and lines that make sense.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_SIZE_AT: Final = 14
_FIXED: Final = 16  # octets of version 2, and as many as these say
_BEGINNING: Final = b"PROXY "
_UNKNOWN: Final = _BEGINNING + b"UNKNOWN"
_MOST: Final = 107  # octets of version 1, with the CRLF
_KINDS: Final[dict[bytes, type[IPv4Address | IPv6Address]]] = {
    b"TCP4": IPv4Address,
    b"TCP6": IPv6Address,
}
# What headers begin with; no command of IMAP or LMTP does.
BEGINNINGS: Final = (
    *(_BEGINNING + kind + b" " for kind in _KINDS),
    _UNKNOWN,
    _SIGNATURE,
)
_MAX_PORT: Final = 65535


class NoHeader(Exception):
    """What a proxy says first is no header."""


def split_header(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the header that ``data`` begins with, and what is behind it.

    The header is whole, and written as Twisted reads it; what version 2 says is not
    looked at.

    Returns:
        None where more has to come.

    Raises:
        NoHeader: It can't become one.
    """
    if data[: len(_SIGNATURE)] == _SIGNATURE[: len(data)]:
        size = _FIXED + int.from_bytes(data[_SIZE_AT:_FIXED], "big")
        # Of less than 16 octets the size is not known, either.
        return None if len(data) < size else (data[:size], data[size:])
    if data[: len(_BEGINNING)] != _BEGINNING[: len(data)]:
        raise NoHeader
    line, end, rest = data.partition(b"\r\n")
    if len(line + end) > _MOST or (end and not _is_proxy_line(line)):
        raise NoHeader
    if not end:
        return None
    # Twisted wants a space there.
    return (line + b" " if line == _UNKNOWN else line) + end, rest


def _is_proxy_line(line: bytes) -> bool:
    """Say whether a line, without its CRLF, is such a header."""
    if line == _UNKNOWN or line.startswith(_UNKNOWN + b" "):
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
