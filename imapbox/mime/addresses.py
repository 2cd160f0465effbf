"""The addresses in a field like To, however they are written.

RFC 5322 §3.4 and §4.4, read leniently::

    address-list = address *("," address)
    address      = mailbox / group
    mailbox      = [phrase] "<" [route ":"] [addr-spec] ">" / addr-spec
    group        = [phrase] ":" [mailbox-list] ";"
    route        = "@" domain *("," "@" domain)
    addr-spec    = local-part ["@" domain]

An address without angle brackets takes its name from the last comment beside
it, as it was done before RFC 822: ``user@host (Name)``. Nothing is left out:
what is no address becomes one with the names that Dovecot uses, so that its
recipient sees that something was there; what is behind it, up to the next
comma, is passed over. The field is cut into tokens once, and read from left to
right; time is linear whatever it holds.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from imapbox.mime.lexer import comment_end, read_quoted, unquote

MISSING_MAILBOX: Final = b"MISSING_MAILBOX"
MISSING_DOMAIN: Final = b"MISSING_DOMAIN"

_ATOM = rb'[^\x00-\x20\x7f()<>@,;:\\"\[\]]+'
# What nearly all are, read in one go: ``a@b``, ``a``, ``Name <a@b>``,
# ``"Name" <a@b>``, up to a comma or the end.
_SIMPLE = re.compile(
    rb'[ \t\n]*+(?:(?:"([^"\\\n]*+)"|(%(atom)b(?: %(atom)b)*+))?+[ \t\n]*+'
    rb"<(%(atom)b)@(%(atom)b)>|(%(atom)b)(?:@(%(atom)b))?+)[ \t\n]*+(?:,|\Z)"
    % {b"atom": _ATOM}
)
_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n]+)|(?P<word>" + _ATOM + rb")|(?P<special>[<>@,;:])|"
    rb'(?P<comment>\()|(?P<quoted>")|(?P<literal>\[[^\[\]\\]*+\])|'
    rb"(?P<other>.)",
    re.DOTALL,
)


class Address(NamedTuple):
    """One entry of an address list, as ENVELOPE knows it. RFC 9051 §7.5.2.

    A group is an entry with its name as ``mailbox`` and no ``host`` before its
    members, and one with neither behind them.

    Attributes:
        name: The display name, undecoded.
        route: RFC 5322 §4.4, obs-route: ``@a,@b``.
        mailbox: The local part without quotes, or the name of a group.
        host: The domain.
    """

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


_END_OF_GROUP: Final = Address(None, None, None, None)


class _Token(NamedTuple):
    kind: str  # "word", "quoted", "literal", "other", "", or a special itself
    text: bytes
    end: int
    comment: bytes | None = None  # the last one behind it


_WORDS: Final = frozenset({"word", "quoted"})
_ENDS: Final = frozenset({"", ",", ";"})


def read_addresses(value: bytes) -> Iterator[Address]:
    """Yield all addresses and groups of a field's value, in their order."""
    at = 0
    while at < len(value):
        if simple := _SIMPLE.match(value, at):
            at = simple.end()
            quoted, phrase, in_angles, angle_host, bare, host = simple.groups()
            mailbox, host = in_angles or bare, angle_host or host or MISSING_DOMAIN
            yield Address(quoted or phrase or None, None, mailbox, host)
        else:
            reader = _Reader(value, at)
            yield from reader.addresses()
            at = reader.at


def _tokens(value: bytes, at: int) -> Iterator[_Token]:
    """Yield the tokens from ``at`` on, each with the last comment behind it.

    The last one is of kind "".
    """
    token = _Token("comment", b"", at)  # for comments before the first token
    while match := _TOKEN.match(value, at):
        start, at = at, match.end()
        kind, text = match.lastgroup or "", match[0]
        if kind == "space":
            continue
        if kind == "comment":
            at = comment_end(value, start)
            token = token._replace(comment=unquote(value[start + 1 : at - 1]))
            continue
        if token.kind != "comment":
            yield token
        if kind == "quoted":
            quoted, at = read_quoted(value, start)
            text = unquote(value[start + 1 :]) if quoted is None else quoted
        elif kind == "literal":
            text = text.replace(b"\r", b"").replace(b"\n", b"")
        token = _Token(text.decode() if kind == "special" else kind, text, at)
    if token.kind != "comment":
        yield token
    yield _Token("", b"", len(value))


class _Words:
    """Words in a row: a display name, or a local part, if dots join them.

    Attributes:
        phrase: All of them, with spaces between.
        local: With nothing between; None if they are none, or no local part.
        comment: The last one among and behind them.
        quoted: Whether the first is quoted.
    """

    __slots__ = ("comment", "local", "phrase", "quoted")

    def __init__(self) -> None:
        self.phrase = bytearray()
        self.local: bytearray | None = None
        self.comment: bytes | None = None
        self.quoted = False

    def add(self, word: _Token, *, is_first: bool) -> None:
        """Take the next one."""
        if is_first:
            self.local = bytearray(word.text)
            self.quoted = word.kind == "quoted"
        else:
            self.phrase += b" "
            if self.local is not None and _joins(self.local, word):
                self.local += word.text
            else:
                self.local = None
        self.phrase += word.text
        self.comment = word.comment or self.comment


class _Reader:
    """Reads tokens from left to right, each once.

    Attributes:
        at: What is before was read.
    """

    def __init__(self, value: bytes, at: int) -> None:
        self.at = at
        self._tokens = _tokens(value, at)
        self._next = next(self._tokens)

    def _take(self) -> _Token:
        """Take a token that is not the end."""
        token, self._next = self._next, next(self._tokens)
        self.at = token.end
        return token

    def _skip_to(self, kinds: frozenset[str]) -> None:
        while self._next.kind not in kinds:
            self._take()

    def addresses(self) -> Iterator[Address]:
        """Yield what is there up to a comma that is in no group, or to the end."""
        in_group = False
        while kind := self._next.kind:
            if kind == ",":
                self._take()
                if not in_group:
                    return
            elif kind == ";":
                self._take()
                if in_group:
                    yield _END_OF_GROUP
                in_group = False
            else:
                words = self._words()
                if self._next.kind == ":" and not in_group:
                    self._take()
                    in_group = True
                    yield Address(None, None, bytes(words.phrase), None)
                else:
                    yield self._mailbox(words)
                    self._skip_to(_ENDS)
        if in_group:
            yield _END_OF_GROUP
        self.at = self._next.end

    def _words(self) -> _Words:
        words = _Words()
        is_first = True
        while self._next.kind in _WORDS:
            words.add(self._take(), is_first=is_first)
            is_first = False
        return words

    def _mailbox(self, words: _Words) -> Address:
        name = bytes(words.phrase) or None
        if self._next.kind == "<":
            self._take()
            return self._angle(name)
        host, comment = None, words.comment
        if self._next.kind == "@" and (words.local is not None or not name):
            host, later = self._domain()
            comment = later or comment
        local = words.local
        if local is None or (host is None and comment is None and words.quoted):
            return Address(name, None, MISSING_MAILBOX, host or MISSING_DOMAIN)
        return Address(comment or None, None, bytes(local), host or MISSING_DOMAIN)

    def _angle(self, name: bytes | None) -> Address:
        """Read what is behind a "<", up to and with the ">"."""
        route = self._route() if self._next.kind == "@" else None
        words = self._words()
        local = words.phrase if words.local is None else words.local
        host = self._domain()[0] if self._next.kind == "@" else None
        self._skip_to(_ENDS | {">"})
        if self._next.kind == ">":
            self._take()
        mailbox = bytes(local) or MISSING_MAILBOX
        return Address(name, route, mailbox, host or MISSING_DOMAIN)

    def _route(self) -> bytes:
        domains = []
        while self._next.kind == "@":
            domains.append(b"@" + (self._domain()[0] or b""))
            while self._next.kind == ",":
                self._take()
        if self._next.kind == ":":
            self._take()
        return b",".join(domains)

    def _domain(self) -> tuple[bytes | None, bytes | None]:
        """Take "@" and a domain; return it and the last comment beside it."""
        comment = self._take().comment
        if self._next.kind == "literal":
            token = self._take()
            return token.text, token.comment or comment
        domain = bytearray()
        while self._next.kind == "word" and _joins(domain, self._next):
            token = self._take()
            domain += token.text
            comment = token.comment or comment
        return bytes(domain) or None, comment


def _joins(before: bytearray, word: _Token) -> bool:
    """Say whether a dot, perhaps amid spaces, joins ``word`` to what is before."""
    return (
        not before
        or before.endswith(b".")
        or (word.kind == "word" and word.text.startswith(b"."))
    )
