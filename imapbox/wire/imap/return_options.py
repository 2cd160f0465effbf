"""What a client wants of what was found: RETURN of SEARCH and of SORT.

RFC 9051 §9, the same for SORT by RFC 5267 §5::

    search-return-opts = SP "RETURN" SP "(" [search-return-opt
                         *(SP search-return-opt)] ")"
    search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE" /
                         "PARTIAL" SP partial-range /   ; `partial_ranges`
                         "CONTEXT" / modifier-update /  ; RFC 5267 §5
                         "RELEVANCY"                    ; RFC 6203 §7
    modifier-update    = "UPDATE" ["(" fetch-att *(SP fetch-att) ")"]

The latter is RFC 5465's, whose example has a space before the "(" (§7, §8).
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.fetch_items import FetchItem, read_fetch_item
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.partial_ranges import Partial, read_partial

# Of new messages, by UPDATE.
MAX_ATTS: Final = 100

_ATTS = re.compile(rb" ?\(")
_RETURN = re.compile(rb"return (?=\()", re.IGNORECASE)


_Read: TypeAlias = "tuple[Return, Partial | list[FetchItem] | None]"


class Return(Enum):
    """One thing that is wanted.

    RFC 4731 §3.1, RFC 5182 §2.1, RFC 9394 §3.1, RFC 5267 §4.2 (CONTEXT, which says
    that the same will be asked again, and is not needed here), §4.3 (UPDATE), RFC 6203
    §4 (RELEVANCY).
    """

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    PARTIAL = b"PARTIAL"
    SAVE = b"SAVE"
    CONTEXT = b"CONTEXT"
    UPDATE = b"UPDATE"
    RELEVANCY = b"RELEVANCY"


@dataclass(frozen=True, slots=True)
class Returns:
    """All that is wanted.

    Attributes:
        options: What.
        partial: Which results are meant by PARTIAL, if it is one of them.
        update_atts: What is to be told of new messages by UPDATE: RFC 5465 §7.
    """

    options: frozenset[Return]
    partial: Partial | None = None
    update_atts: tuple[FetchItem, ...] = ()

    def __contains__(self, option: Return) -> bool:
        """Say whether this is wanted."""
        return option in self.options


def read_returns(lexer: Lexer) -> Returns | None:
    """Take the options and the space behind them, if there are any.

    Raises:
        BadSyntax: One is none, or ALL and PARTIAL don't go together: RFC 9394 §3.1.
    """
    if not lexer.at(_RETURN):
        return None
    lexer.match(_RETURN, "search-return-opts")
    read: list[_Read] = []
    if not lexer.accept(b"()"):
        read = lexer.listed(lambda: _return(lexer))
    lexer.space()
    options = [option for option, _ in read]
    partials = [more for _, more in read if isinstance(more, Partial)]
    atts = [att for _, more in read if isinstance(more, list) for att in more]
    if len(partials) + (Return.ALL in options) > 1:
        raise BadSyntax("one PARTIAL or ALL")
    # RFC 4731 §3.1: nothing named is ALL.
    return Returns(
        frozenset(options or {Return.ALL}),
        partials[0] if partials else None,
        tuple(dict.fromkeys(atts)),
    )


def _return(lexer: Lexer) -> _Read:
    name = lexer.name("search-return-opt")
    try:
        option = Return(name)
    except ValueError as error:
        raise BadSyntax("search-return-opt", name) from error
    if option is Return.PARTIAL:
        return option, read_partial(lexer)
    if option is Return.UPDATE and lexer.at(_ATTS):
        lexer.accept(b" ")
        atts = lexer.listed(lambda: read_fetch_item(lexer))
        if len(atts) > MAX_ATTS:
            raise BadSyntax("number of fetch-atts")
        return option, atts
    return option, None
