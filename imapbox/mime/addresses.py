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
_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n]+)|(?P<atom>" + _ATOM + rb")|(?P<special>[<>@,;:])|"
    rb'(?P<comment>\()|(?P<quoted>")|(?P<literal>\[(?:[^\[\]\\]++|\\.)*+\])|'
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
    kind: str  # "word", "quoted", "literal", "other", or a special itself
    text: bytes
    comment: bytes | None  # the last one behind it


_END: Final = _Token("", b"", None)
_PHRASE: Final = frozenset({"word", "quoted"})
_ENDS: Final = frozenset({"", ",", ";"})


def read_addresses(value: bytes) -> list[Address]:
    """Return all addresses and groups of a field's value, in their order."""
    return list(_Reader(value).addresses())


def _tokens(value: bytes) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while match := _TOKEN.match(value, at):
        start, at = at, match.end()
        match match.lastgroup:
            case "atom":
                tokens.append(_Token("word", match[0], None))
            case "special":
                tokens.append(_Token(match[0].decode(), match[0], None))
            case "comment":
                at = comment_end(value, start)
                text = unquote(value[start + 1 : at - 1])
                before = tokens.pop() if tokens else _Token("comment", b"", None)
                tokens.append(before._replace(comment=text))
            case "quoted":
                text_or_none, at = read_quoted(value, start)
                if text_or_none is None:
                    text_or_none = unquote(value[start + 1 :])
                tokens.append(_Token("quoted", text_or_none, None))
            case "literal":
                tokens.append(_Token("literal", unfold(match[0]), None))
            case "other":
                tokens.append(_Token("other", match[0], None))
    tokens.append(_END)
    return tokens


def unfold(text: bytes) -> bytes:
    """Return ``text`` without its line ends."""
    return text.replace(b"\r", b"").replace(b"\n", b"")


class _Reader:
    """Reads tokens; `_at` is the next one, and only grows."""

    def __init__(self, value: bytes) -> None:
        self._tokens = _tokens(value)
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def addresses(self) -> Iterator[Address]:
        in_group = False
        while True:
            kind = self._next.kind
            if kind in {",", "comment"}:
                self._at += 1
            elif kind == ";":
                self._at += 1
                if in_group:
                    yield _END_OF_GROUP
                in_group = False
            elif not kind:
                if in_group:
                    yield _END_OF_GROUP
                return
            else:
                words, comment = self._words()
                if self._next.kind == ":" and not in_group:
                    self._at += 1
                    in_group = True
                    yield Address(None, None, _phrase(words), None)
                    continue
                yield self._mailbox(words, comment)
                while self._next.kind not in _ENDS:
                    self._at += 1

    def _words(self) -> tuple[list[_Token], bytes | None]:
        """Take words; return them and the last comment among them."""
        start = self._at
        comment = None
        while self._next.kind in _PHRASE:
            comment = self._take().comment or comment
        return self._tokens[start : self._at], comment

    def _mailbox(self, words: list[_Token], comment: bytes | None) -> Address:
        if self._next.kind == "<":
            self._at += 1
            return self._angle(_phrase(words) or None)
        host = None
        local = _local_part(words)
        if self._next.kind == "@" and local is not None:
            host, later = self._domain()
            comment = later or comment
        if local is None:
            return Address(
                _phrase(words) or None, None, MISSING_MAILBOX, MISSING_DOMAIN
            )
        if host is None and comment is None and words[0].kind == "quoted":
            return Address(_phrase(words), None, MISSING_MAILBOX, MISSING_DOMAIN)
        return Address(comment or None, None, local, host or MISSING_DOMAIN)

    def _angle(self, name: bytes | None) -> Address:
        """Read what is behind a "<", up to and with the ">"."""
        route = self._route() if self._next.kind == "@" else None
        words, _ = self._words()
        local = _local_part(words) if words else None
        if words and local is None:
            local = _phrase(words)
        host = self._domain()[0] if self._next.kind == "@" else None
        while self._next.kind not in {"", ",", ";", ">"}:
            self._at += 1
        if self._next.kind == ">":
            self._at += 1
        return Address(name, route, local or MISSING_MAILBOX, host or MISSING_DOMAIN)

    def _route(self) -> bytes | None:
        domains = []
        while self._next.kind == "@":
            domains.append(b"@" + (self._domain()[0] or b""))
            while self._next.kind == ",":
                self._at += 1
        if self._next.kind == ":":
            self._at += 1
        return b",".join(domains)

    def _domain(self) -> tuple[bytes | None, bytes | None]:
        """Take "@" and a domain; return it and the last comment beside it."""
        comment = self._take().comment
        if self._next.kind == "literal":
            token = self._take()
            return token.text, token.comment or comment
        texts: list[bytes] = []
        while self._next.kind == "word" and _joins(texts, self._next.text):
            token = self._take()
            texts.append(token.text)
            comment = token.comment or comment
        return b"".join(texts) or None, comment


def _joins(before: list[bytes], text: bytes) -> bool:
    """Say whether ``text`` goes on where a dot, perhaps amid spaces, joins it."""
    return not before or before[-1].endswith(b".") or text.startswith(b".")


def _local_part(words: list[_Token]) -> bytes | None:
    """Return words as a local part; None if no dots join them."""
    texts: list[bytes] = []
    for word in words:
        if not _joins(texts, word.text if word.kind == "word" else b""):
            return None
        texts.append(word.text)
    return b"".join(texts) if words else None


def _phrase(words: list[_Token]) -> bytes:
    return b" ".join(word.text for word in words)
