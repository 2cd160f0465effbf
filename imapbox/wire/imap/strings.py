"""Strings as we send them, in the shortest form that is always safe.

Whatever a client or a message chose goes out through here, so no octet of it
can end a line or begin a response of its own. Printable ASCII is quoted, all
else is a literal; a text for people loses what is not printable ASCII.

See Also:
    RFC 9051 §4.3 (strings), RFC 3516 §4.3 (literal8), RFC 9051 §7.1 (resp-text).
"""

import re
from typing import Final

from imapbox.wire.imap.mailbox_names import encode_utf7

_MAX_QUOTED: Final = 1024
_PLAIN = re.compile(rb"[\x20-\x7e]*")
_SPECIAL = re.compile(rb'["\\]')
_SAFE_ATOM = re.compile(rb'[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_NOT_TEXT = re.compile(rb"[^\x20-\x7e]")


def literal_start(size: int) -> bytes:
    """Return what announces a literal of ``size`` octets."""
    return b"{%d}\r\n" % size


def literal8_start(size: int) -> bytes:
    """Return what announces ``size`` octets among which may be NUL."""
    return b"~{%d}\r\n" % size


def string(data: bytes) -> bytes:
    """Return ``data`` as a quoted string, or as a literal if it must be."""
    if len(data) <= _MAX_QUOTED and _PLAIN.fullmatch(data):
        return b'"%b"' % _SPECIAL.sub(rb"\\\g<0>", data)
    return b"{%d}\r\n%b" % (len(data), data)


def nstring(data: bytes | None) -> bytes:
    """Return ``data`` as a string, or NIL for None."""
    return b"NIL" if data is None else string(data)


def astring(data: bytes) -> bytes:
    """Return ``data`` as an atom where that means the same, else as a string."""
    if _SAFE_ATOM.fullmatch(data) and data.upper() != b"NIL":
        return data
    return string(data)


def mailbox(name: str) -> bytes:
    """Return the name of a mailbox in modified UTF-7, as an astring."""
    return astring(encode_utf7(name))


def is_atom(data: bytes) -> bool:
    """Say whether ``data`` can be sent as an atom."""
    return _SAFE_ATOM.fullmatch(data) is not None


def text(words: str) -> bytes:
    """Return ``words`` as the text of a response.

    What is not printable ASCII becomes "?", and so does a "[" at the
    beginning, which would be read as a response code.
    """
    octets = _NOT_TEXT.sub(b"?", words.encode("ascii", "replace"))
    return b"?" + octets[1:] if octets.startswith(b"[") else octets
