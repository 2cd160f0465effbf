"""Strings as IMAP sends them, in the shortest form that is always safe.

Whatever a client or a message chose goes out through here, so no octet of it
can end a line or begin a response of its own. Printable ASCII is quoted, all
else is a literal. Below both rooms that need it: `wire`, which words responses,
and `mime`, which renders what a card keeps.

See Also:
    RFC 9051 §4.3 (strings).
"""

import re
from typing import Final

_MAX_QUOTED: Final = 1024
_PLAIN = re.compile(rb"[ !#-\[\]-~]*")
_QUOTABLE = re.compile(rb"[ -~]*")
_SPECIAL = re.compile(rb'["\\]')


def literal_start(size: int) -> bytes:
    """Return what announces a literal of ``size`` octets."""
    return b"{%d}\r\n" % size


def string(data: bytes) -> bytes:
    """Return ``data`` as a quoted string, or as a literal if it must be."""
    if len(data) <= _MAX_QUOTED:
        if _PLAIN.fullmatch(data):
            return b'"%b"' % data
        if _QUOTABLE.fullmatch(data):
            return b'"%b"' % _SPECIAL.sub(rb"\\\g<0>", data)
    return b"{%d}\r\n%b" % (len(data), data)


def nstring(data: bytes | None) -> bytes:
    """Return ``data`` as a string, or NIL for None."""
    return b"NIL" if data is None else string(data)
