"""ENVELOPE, from the fields of a header.

As Dovecot does it, where RFC 9051 leaves it open:

- A field of addresses that comes more than once is one long field: who looks at
  the first alone could be shown another sender than who looks at the last.
- Of the other fields the last counts.
- Of Subject and display names, spaces and folding between words are one space.
  The rest is unfolded, and otherwise as it was sent. Nothing is decoded.

See Also:
    RFC 9051 §7.5.2 (ENVELOPE), §2.3.5; RFC 5322 §2.2.3 (unfolding).
"""

import re

from imapbox.mime.addresses import Address, read_addresses
from imapbox.mime.structure import Fields
from imapbox.model.imap_strings import nstring, string

_LINE_END = re.compile(rb"[\r\n]+(?:(?=[ \t])|\Z)")
_BARE_LINE_END = re.compile(rb"[\r\n]+")


def render_envelope(fields: Fields) -> bytes:
    """Return the ENVELOPE of a message with these fields."""
    from_ = _addresses(fields, b"from")
    return b"(%b)" % b" ".join(
        (
            nstring(unfold(last(fields, b"date"))),
            _text(last(fields, b"subject")),
            from_,
            _or(_addresses(fields, b"sender"), from_),
            _or(_addresses(fields, b"reply-to"), from_),
            _addresses(fields, b"to"),
            _addresses(fields, b"cc"),
            _addresses(fields, b"bcc"),
            nstring(unfold(last(fields, b"in-reply-to"))),
            nstring(unfold(last(fields, b"message-id"))),
        )
    )


def last(fields: Fields, name: bytes) -> bytes | None:
    """Return the last value of a field."""
    values = fields.get(name)
    return values[-1] if values else None


def unfold(value: bytes | None) -> bytes | None:
    """Return a value in one line: a line end goes, or becomes a space."""
    if value is None or (b"\n" not in value and b"\r" not in value):
        return value
    return _BARE_LINE_END.sub(b" ", _LINE_END.sub(b"", value))


def address_list(fields: Fields, name: bytes) -> list[Address]:
    """Return the addresses of all fields of a name."""
    found: list[Address] = []
    for value in fields.get(name, ()):
        found += read_addresses(value)
    return found


def _or(addresses: bytes, others: bytes) -> bytes:
    return others if addresses == b"NIL" else addresses


def _addresses(fields: Fields, name: bytes) -> bytes:
    found = address_list(fields, name)
    if not found:
        return b"NIL"
    return b"(%b)" % b"".join(
        b"(%b %b %b %b)"
        % (_text(one.name), nstring(one.route), nstring(one.mailbox), nstring(one.host))
        for one in found
    )


def _text(value: bytes | None) -> bytes:
    """Return words for people."""
    return b"NIL" if value is None else string(b" ".join(value.split()))
