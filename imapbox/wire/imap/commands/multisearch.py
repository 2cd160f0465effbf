"""ESEARCH: a SEARCH of several mailboxes. RFC 7377.

RFC 7377 §4; filter-mailboxes is in `mailbox_filters`::

    esearch             = "ESEARCH" [SP esearch-source-opts]
                          [SP search-return-opts] SP search-program
    esearch-source-opts = "IN" SP "(" source-mbox ")"
    source-mbox         = filter-mailboxes *(SP filter-mailboxes)

No scope-options are known to anybody.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.search import Search, read_search
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_filters import Source, Where, read_source
from imapbox.wire.imap.tags import Tag

_IN = re.compile(rb" in (?=\()", re.IGNORECASE)
MAX_SOURCES: Final = 1000


SELECTED: Final = Source(Where.SELECTED)


@dataclass(frozen=True, slots=True)
class MultiSearch(Search):
    """Tell me of each of these mailboxes which messages are so.

    Attributes:
        sources: Where.
    """

    name: ClassVar[str] = "ESEARCH"
    sources: tuple[Source, ...] = (SELECTED,)


def read_multisearch(lexer: Lexer, tag: Tag) -> MultiSearch:
    """Take what is behind ESEARCH."""
    sources: list[Source] = [SELECTED]
    if lexer.at(_IN):
        lexer.match(_IN, "esearch-source-opts")
        sources = lexer.listed(lambda: _source(lexer))
    if sum(1 + len(each.mailboxes) for each in sources) > MAX_SOURCES:
        raise BadSyntax("number of mailboxes")
    asked = read_search(lexer, tag, by_uid=True)
    return MultiSearch(
        tag,
        by_uid=True,
        criterion=asked.criterion,
        known_charset=asked.known_charset,
        returns=asked.returns,
        names_charset=asked.names_charset,
        sources=tuple(sources),
    )


def _source(lexer: Lexer) -> Source:
    source = read_source(lexer)
    if source.where is Where.SELECTED_DELAYED:
        raise BadSyntax("filter-mailboxes", source.where.value)
    return source
