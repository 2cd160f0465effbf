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
from collections.abc import Sequence
from itertools import chain
from typing import Final

from imapbox.mime.addresses import read_addresses
from imapbox.mime.structure import Fields
from imapbox.model.imap_strings import nstring, string

# In octets of one ENVELOPE: some 300,000 addresses.
MAX_ADDRESSES: Final = 16 * 1024 * 1024

_ADDRESS_FIELDS: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_LINE_END = re.compile(rb"[\r\n]+(?:(?=[ \t])|\Z)")
_BARE_LINE_END = re.compile(rb"[\r\n]+")


def render_envelope(fields: Fields, room: int = MAX_ADDRESSES) -> bytes:
    """Return the ENVELOPE of a message with these fields.

    Args:
        fields: Of its header.
        room: Octets that addresses may take up; what does not fit is left out.
    """
    lists = {}
    for name in _ADDRESS_FIELDS:
        lists[name] = _addresses(fields.get(name, ()), room)
        room -= len(lists[name])
    for name in (b"sender", b"reply-to"):
        if lists[name] == b"NIL" and len(lists[b"from"]) <= room:
            lists[name] = lists[b"from"]
            room -= len(lists[b"from"])
    return b"(%b %b %b %b %b)" % (
        nstring(unfold(last(fields, b"date"))),
        _text(last(fields, b"subject")),
        b" ".join(lists.values()),
        nstring(unfold(last(fields, b"in-reply-to"))),
        nstring(unfold(last(fields, b"message-id"))),
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


def _addresses(values: Sequence[bytes], room: int) -> bytes:
    if not values:
        return b"NIL"
    found = []
    for one in chain.from_iterable(map(read_addresses, values)):
        address = b"(%b %b %b %b)" % (
            _text(one.name),
            nstring(one.route),
            nstring(one.mailbox),
            nstring(one.host),
        )
        room -= len(address)
        if room < 0:
            break
        found.append(address)
    return b"(%b)" % b"".join(found) if found else b"NIL"


def _text(value: bytes | None) -> bytes:
    """Return words for people."""
    return b"NIL" if value is None else string(b" ".join(value.split()))
