"""What a client wants of what was found: RETURN of SEARCH and of SORT.

RFC 9051 §9, the same for SORT by RFC 5267 §5::

    search-return-opts = SP "RETURN" SP "(" [search-return-opt
                         *(SP search-return-opt)] ")"
    search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"
"""

import re
from enum import Enum

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

_RETURN = re.compile(rb"return (?=\()", re.IGNORECASE)


class Return(Enum):
    """One thing that is wanted. RFC 4731 §3.1, RFC 5182 §2.1."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


def read_returns(lexer: Lexer) -> frozenset[Return] | None:
    """Take the options and the space behind them, if there are any."""
    if not lexer.at(_RETURN):
        return None
    lexer.match(_RETURN, "search-return-opts")
    options: list[Return] = []
    if not lexer.accept(b"()"):
        options = lexer.listed(lambda: _return(lexer))
    lexer.space()
    # RFC 4731 §3.1: nothing named is ALL.
    return frozenset(options or {Return.ALL})


def _return(lexer: Lexer) -> Return:
    name = lexer.name("search-return-opt")
    try:
        return Return(name)
    except ValueError as error:
        raise BadSyntax("search-return-opt", name) from error
