r"""The first address of a field, read from a rendered ENVELOPE.

RFC 9051 §9::

    envelope = "(" env-date SP env-subject SP env-from SP env-sender SP
               env-reply-to SP env-to SP env-cc SP env-bcc SP
               env-in-reply-to SP env-message-id ")"
    env-from = "(" 1*address ")" / nil
    address  = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"

What is before it is passed over, not read: lists of thousands of recipients,
too, of which strings with octets beyond ASCII cost most.
"""

import re
from enum import IntEnum
from typing import Final

from imapbox.mime.addresses import Address

# In octets of the ENVELOPE. An address behind them is none: that is behind some
# thousands of others.
_MAX_LENGTH: Final = 256 * 1024

_SHORT = rb'(?:NIL|"(?:[^"\\]++|\\.)*+")'
_SHORT_ADDRESSES = re.compile(rb"(?:\(%(s)b %(s)b %(s)b %(s)b\))*+" % {b"s": _SHORT})
_VALUE = re.compile(rb'(?P<nil>NIL)|"(?P<quoted>(?:[^"\\]++|\\.)*+)"|\{([0-9]+)\}\r\n')
_ESCAPE = re.compile(rb"\\(.)")


class AddressField(IntEnum):
    """A field of addresses, by its place in ENVELOPE."""

    FROM = 2
    TO = 5
    CC = 6


class _CutOff(Exception):
    """It ends before the address."""


def first_address(envelope: bytes, field: AddressField) -> Address | None:
    """Return the first address of a field, or group; None if there is none.

    Args:
        envelope: As `envelope.render_envelope` makes it.
        field: Which.
    """
    reader = _Reader(envelope[:_MAX_LENGTH])
    try:
        for _ in range(AddressField.FROM):
            reader.value()
            reader.expect(b" ")
        for _ in range(field - AddressField.FROM):
            reader.pass_list()
            reader.expect(b" ")
        return reader.address() if reader.accept(b"(") else None
    except _CutOff:
        return None


class _Reader:
    def __init__(self, envelope: bytes) -> None:
        self._envelope = envelope
        self._at = len(b"(")

    def accept(self, token: bytes) -> bool:
        is_next = self._envelope.startswith(token, self._at)
        self._at += len(token) * is_next
        return is_next

    def expect(self, token: bytes) -> None:
        if not self.accept(token):
            raise _CutOff

    def value(self) -> bytes | None:
        """Take a string or NIL."""
        match = _VALUE.match(self._envelope, self._at)
        if match is None:
            raise _CutOff
        self._at = match.end()
        nil, quoted, size = match.groups()
        if nil is not None:
            return None
        if quoted is not None:
            return _ESCAPE.sub(rb"\1", quoted)
        start, self._at = self._at, self._at + int(size)
        return self._envelope[start : self._at]

    def address(self) -> Address:
        """Take an address."""
        self.expect(b"(")
        values = [self.value()]
        for _ in range(len(Address._fields) - 1):
            self.expect(b" ")
            values.append(self.value())
        self.expect(b")")
        return Address._make(values)

    def pass_list(self) -> None:
        """Take addresses, or NIL."""
        if not self.accept(b"("):
            self.expect(b"NIL")
            return
        while True:
            short = _SHORT_ADDRESSES.match(self._envelope, self._at)
            self._at = self._at if short is None else short.end()
            if self.accept(b")"):
                return
            self.address()
