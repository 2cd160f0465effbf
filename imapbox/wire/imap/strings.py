"""Strings as we send them, in the shortest form that is always safe.

Whatever a client or a message chose goes out through here, so no octet of it
can end a line or begin a response of its own. The strings themselves are
`imapbox.model.imap_strings`; a text for people loses what is not printable
ASCII.

See Also:
    RFC 9051 §4.3 (strings), RFC 3516 §4.3 (literal8), RFC 9051 §7.1 (resp-text).
"""

import re

from imapbox.model.imap_strings import literal_start, nstring, string
from imapbox.wire.imap.mailbox_names import encode_utf7

__all__ = [
    "any_string",
    "astring",
    "is_atom",
    "literal8_start",
    "literal_start",
    "mailbox",
    "nstring",
    "string",
    "text",
]

_SAFE_ATOM = re.compile(rb'[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_SPECIAL = re.compile(rb'["\\]')
_NOT_TEXT = re.compile(rb"[^\x20-\x7e]")


def literal8_start(size: int) -> bytes:
    """Return what announces ``size`` octets among which may be NUL."""
    return b"~{%d}\r\n" % size


def any_string(data: bytes) -> bytes:
    """Return ``data`` as a string, or as a literal8 if there is a NUL in it."""
    return literal8_start(len(data)) + data if b"\0" in data else string(data)


def astring(data: bytes) -> bytes:
    """Return ``data`` as an atom where that means the same, else as a string."""
    if _SAFE_ATOM.fullmatch(data) and data.upper() != b"NIL":
        return data
    return string(data)


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """Return the name of a mailbox as an astring.

    Args:
        name: It.
        utf8: Whether the client takes UTF-8 in quotes; else it is modified UTF-7.
    """
    if not utf8:
        return astring(encode_utf7(name))
    octets = name.encode()
    if octets.isascii() or _CONTROL.search(octets):
        return astring(octets)
    return b'"%b"' % _SPECIAL.sub(rb"\\\g<0>", octets)


def prefix(name: str, *, utf8: bool = False) -> bytes:
    """Return the beginning of names as a string, which may be no atom: RFC 2342 §6."""
    word = mailbox(name, utf8=utf8)
    return word if word.startswith((b'"', b"{")) else b'"%b"' % word


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
