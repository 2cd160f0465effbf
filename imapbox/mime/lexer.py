"""Pieces that the structured fields of RFC 5322 and RFC 2045 are made of.

All functions work on a field's value and a place in it, and cost time in
proportion to what they pass over. A comment or quoted string that does not end
goes on to the end of the value: nothing is looked at twice.

See Also:
    RFC 5322 §3.2 (lexical tokens), RFC 2045 §5.1 (token).
"""

import re
from typing import Final

_SPACE = re.compile(rb"[ \t\r\n]*+(\(?)")
_PAREN = re.compile(rb"[()\\]")
_QUOTED = re.compile(rb'"((?:[^"\\]++|\\.)*+)("?)', re.DOTALL)
# A quoted pair stands for its octet; folding within quotes is no part of them.
_QUOTING = re.compile(rb"\\([^\r\n])|\r?\n")
TOKEN_OCTET: Final = rb'[^\x00-\x20\x7f()<>@,;:\\"/\[\]?=]'
_TOKEN = re.compile(TOKEN_OCTET + b"*")


def skip_cfws(value: bytes, at: int) -> int:
    """Return the place behind spaces, folding and comments."""
    while (match := _SPACE.match(value, at)) and match[1]:
        at = comment_end(value, match.start(1))
    return match.end() if match else at


def comment_end(value: bytes, at: int) -> int:
    """Return the place behind the comment that begins at ``at``."""
    depth = 0
    for paren in _PAREN.finditer(value, at):
        if paren.start() < at:
            continue  # quoted by the "\" before
        at = paren.end()
        match paren[0]:
            case b"(":
                depth += 1
            case b")":
                depth -= 1
                if not depth:
                    return at
            case _:
                at += 1
    return len(value)


def read_quoted(value: bytes, at: int) -> tuple[bytes | None, int]:
    """Return a quoted string without its quotes, and the place behind it.

    None, and the end, if it has no end.
    """
    match = _QUOTED.match(value, at)
    if not match or not match[2]:
        return None, len(value)
    return unquote(match[1]), match.end()


def unquote(text: bytes) -> bytes:
    """Return what stood in quotes, or in a comment, as it is meant."""
    if b"\\" in text or b"\n" in text:
        return _QUOTING.sub(rb"\1", text)
    return text


def read_token(value: bytes, at: int) -> tuple[bytes, int]:
    """Return a token, perhaps an empty one, and the place behind it."""
    match = _TOKEN.match(value, at)
    return (match[0], match.end()) if match else (b"", at)
