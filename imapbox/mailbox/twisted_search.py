"""A SEARCH as the stock server reads it, and what it asks for.

The stock server makes strings and lists of the client's text, and what was
quoted or a literal looks like an atom then. So it is put together as text
again, what keys look for as literals, and read by the grammar that reads every
SEARCH.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from twisted.mail.imap4 import IllegalQueryError

from imapbox.model.criteria import Criterion
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.search_keys import SearchKeys

_ATOM: Final = re.compile(rb'[^(){ %\\"\]\x00-\x1f\x7f-\xff]+')
# How many texts come behind these keys.
_TEXTS: Final = {
    **dict.fromkeys((b"BCC", b"BODY", b"CC", b"FROM", b"SUBJECT", b"TEXT", b"TO"), 1),
    b"HEADER": 2,
}
_OPEN: Final = object()
_CLOSE: Final = object()


def criterion_of(query: list[Any]) -> Criterion:
    """Return what a query asks for.

    Args:
        query: Strings (bytes, UTF-8) and lists of them.

    Raises:
        IllegalQueryError: It asks for nothing that there is.
    """
    parts = [b""]
    texts = 0
    for token in _tokens(query):
        if token is _OPEN:
            parts[-1] = _spaced(parts) + b"("
        elif token is _CLOSE:
            parts[-1] += b")"
        elif texts:
            texts -= 1
            parts[-1] = _spaced(parts)
            parts += [token, b""]
        elif _ATOM.fullmatch(token):
            texts = _TEXTS.get(token.upper(), 0)
            parts[-1] = _spaced(parts) + token
        else:
            raise IllegalQueryError("search-key")
    lexer = Lexer(parts)
    try:
        criterion = SearchKeys(lexer, "utf-8").read()
        lexer.end()
    except BadSyntax as error:
        raise IllegalQueryError(error.what) from error
    return criterion


def _tokens(query: list[Any]) -> Iterator[Any]:
    """Return a query's strings, and where its lists begin and end."""
    # No recursion: clients nest as they like.
    todo = list(reversed(query))
    while todo:
        token = todo.pop()
        if isinstance(token, list):
            yield _OPEN
            todo.append(_CLOSE)
            todo += reversed(token)
        else:
            yield token


def _spaced(parts: list[bytes]) -> bytes:
    """Return the text so far, ready for the next token."""
    text = parts[-1]
    begins = text.endswith(b"(") or (not text and len(parts) == 1)
    return text if begins else text + b" "
