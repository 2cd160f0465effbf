"""Some of many results: ``1:500``, ``-1:-100``.

RFC 9394 §4::

    partial-range-first = nz-number ":" nz-number
    partial-range-last  = MINUS nz-number ":" MINUS nz-number
    partial-range       = partial-range-first / partial-range-last
"""

import re
from dataclasses import dataclass

from imapbox.model.numbers import MAX_UID
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

_RANGE = re.compile(rb"(-?)([1-9][0-9]{0,9}):\1([1-9][0-9]{0,9})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Partial:
    """Which results are wanted; 1 is the first, and the first is in it.

    Attributes:
        first: In any order, as the client said it.
        last: The other one.
        from_end: Whether 1 is the last result: RFC 9394 §3.1.
    """

    first: int
    last: int
    from_end: bool = False

    def of(self, count: int) -> slice:
        """Return which of so many results these are, counted from 0."""
        low, high = sorted((self.first, self.last))
        if self.from_end:
            return slice(max(0, count - high), max(0, count - low + 1))
        return slice(low - 1, high)

    def spelled(self) -> bytes:
        """Return it as the client said it."""
        sign = b"-" if self.from_end else b""
        return b"%b%d:%b%d" % (sign, self.first, sign, self.last)


def read_partial(lexer: Lexer) -> Partial:
    """Take what is behind PARTIAL: a space and a range.

    Raises:
        BadSyntax: There is none.
    """
    lexer.space()
    text = lexer.match(_RANGE, "partial-range")
    first, last = (int(each.lstrip(b"-")) for each in text.split(b":"))
    if max(first, last) > MAX_UID:
        raise BadSyntax("nz-number", text)
    return Partial(first, last, text.startswith(b"-"))
