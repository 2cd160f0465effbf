r"""The smallest things of IMAP's grammar, read one after the other.

RFC 9051 §9::

    atom         = 1*ATOM-CHAR
    astring      = 1*ASTRING-CHAR / string
    ASTRING-CHAR = ATOM-CHAR / resp-specials
    string       = quoted / literal
    quoted       = DQUOTE *QUOTED-CHAR DQUOTE
    QUOTED-CHAR  = <any TEXT-CHAR except quoted-specials> /
                   "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
    nz-number    = digit-nz *DIGIT        ; 32 bits
    number64     = 1*DIGIT                ; 63 bits

Octets beyond 7 bits stand in a quoted string only after ENABLE of a feature
that says so; otherwise they need a literal (RFC 3501 §9, QUOTED-CHAR).
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from imapbox.model.numbers import MAX_UID
from imapbox.wire.errors import BadSyntax

T = TypeVar("T")

MAX_NUMBER64: Final = 2**63 - 1

_ATOM = re.compile(rb'[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_ASTRING = re.compile(rb'[^(){ %*"\\\x00-\x1f\x7f-\xff]+')
_NIL = re.compile(rb"nil(?![^(){ %*\"\\\]\x00-\x1f\x7f-\xff])", re.IGNORECASE)
# Possessive, so that no text makes it look twice.
_QUOTED = re.compile(rb'"((?:[^"\\\x00\r\n]++|\\["\\])*+)"')
_ESCAPE = re.compile(rb"\\(.)")
_NUMBER = re.compile(rb"[0-9]{1,19}")
_NZ_NUMBER = re.compile(rb"[1-9][0-9]{0,18}")


class Lexer:
    """Reads one framed command from left to right.

    Each method takes what it names or raises `BadSyntax` with that name. A
    literal can be met only where a text ends, so what is inside it is never
    looked at for syntax.

    Args:
        parts: text, literal, text, …, text, as the framer gives them.
        utf8: Whether quoted strings may hold UTF-8, and names are in it.
    """

    def __init__(self, parts: Sequence[bytes], *, utf8: bool = False) -> None:
        self._parts = parts
        self._index = 0
        self._text = parts[0]
        self._at = 0
        self._utf8 = utf8

    @property
    def utf8(self) -> bool:
        """Whether what is said is UTF-8, also in quotes and in names."""
        return self._utf8

    @property
    def has_more(self) -> bool:
        """Whether anything is left to be read."""
        return self._at < len(self._text) or self._index + 1 < len(self._parts)

    def accept(self, token: bytes) -> bool:
        """Take ``token`` if it is next, and say whether it was."""
        if self.next_is(token):
            self._at += len(token)
            return True
        return False

    def accept_nil(self) -> bool:
        """Take NIL, in any case, if it is next, and say whether it was."""
        match = _NIL.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match is not None

    def next_is(self, token: bytes) -> bool:
        """Say whether ``token`` is next, and take nothing."""
        return self._text.startswith(token, self._at)

    def expect(self, token: bytes) -> None:
        """Take ``token``, which must be next."""
        if not self.accept(token):
            raise self._bad(repr(token.decode()))

    def space(self) -> None:
        """Take exactly one space: RFC 9051 §9, rule 2."""
        if not self.accept(b" "):
            raise self._bad("space")

    def end(self) -> None:
        """Raise `BadSyntax` unless everything has been read."""
        if self.has_more:
            raise self._bad("end of command")

    def at(self, pattern: re.Pattern[bytes]) -> bool:
        """Say whether ``pattern`` matches here, and take nothing."""
        return pattern.match(self._text, self._at) is not None

    def match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """Take what ``pattern`` matches here."""
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self._bad(what)
        self._at = match.end()
        return match[0]

    def atom(self, what: str = "atom") -> bytes:
        """Take an atom, as it is spelled."""
        return self.match(_ATOM, what)

    def name(self, what: str) -> bytes:
        """Take an atom that is compared without regard to case: uppercased."""
        return self.atom(what).upper()

    def astring(self, what: str = "astring") -> bytes:
        """Take an astring and return what it stands for."""
        match = _ASTRING.match(self._text, self._at)
        if match is None:
            return self.string(what)
        self._at = match.end()
        return match[0]

    def string(self, what: str = "string") -> bytes:
        """Take a quoted string or a literal and return what it stands for."""
        if self._at == len(self._text) and self._index + 1 < len(self._parts):
            if b"\0" in self._parts[self._index + 1]:
                raise self._bad(what)
            return self.literal8()
        match = _QUOTED.match(self._text, self._at)
        if match is None or not self._is_allowed(match[1]):
            raise self._bad(what)
        self._at = match.end()
        quoted = match[1]
        return _ESCAPE.sub(rb"\1", quoted) if b"\\" in quoted else quoted

    def literal8(self) -> bytes:
        """Take a literal, of any octets. RFC 3516 §4.4."""
        if self._at < len(self._text) or self._index + 1 == len(self._parts):
            raise self._bad("literal8")
        literal = self._parts[self._index + 1]
        self._index += 2
        self._text = self._parts[self._index]
        self._at = 0
        return literal

    def number64(self, what: str = "number64") -> int:
        """Take a number of up to 63 bits."""
        return self._number(_NUMBER, MAX_NUMBER64, what)

    def nz_number64(self, what: str = "nz-number64") -> int:
        """Take a number of up to 63 bits that is not 0."""
        return self._number(_NZ_NUMBER, MAX_NUMBER64, what)

    def nz_number(self, what: str = "nz-number") -> int:
        """Take a number of up to 32 bits that is not 0."""
        return self._number(_NZ_NUMBER, MAX_UID, what)

    def listed(self, read: Callable[[], T]) -> list[T]:
        """Take ``"(" item *(SP item) ")"``, each item by calling ``read``."""
        self.expect(b"(")
        items = [read()]
        while not self.accept(b")"):
            self.space()
            items.append(read())
        return items

    def _number(self, pattern: re.Pattern[bytes], largest: int, what: str) -> int:
        number = int(self.match(pattern, what))
        if number > largest:
            raise self._bad(what)
        return number

    def _is_allowed(self, quoted: bytes) -> bool:
        if quoted.isascii():
            return True
        try:
            quoted.decode()
        except UnicodeDecodeError:
            return False
        return self._utf8

    def _bad(self, what: str) -> BadSyntax:
        return BadSyntax(what, self._text[self._at :])
