"""ESEARCH: a SEARCH of several mailboxes. RFC 7377.

RFC 7377 §4, and RFC 5465 §8::

    esearch             = "ESEARCH" [SP esearch-source-opts]
                          [SP search-return-opts] SP search-program
    esearch-source-opts = "IN" SP "(" source-mbox ")"
    source-mbox         = filter-mailboxes *(SP filter-mailboxes)
    filter-mailboxes    = "selected" / "inboxes" / "personal" / "subscribed" /
                          ("subtree" / "subtree-one" / "mailboxes") SP
                          one-or-more-mailbox
    one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"

No scope-options are known to anybody.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.search import Search, read_search
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_mailbox
from imapbox.wire.imap.tags import Tag

_IN = re.compile(rb" in (?=\()", re.IGNORECASE)
MAX_SOURCES: Final = 1000


class Where(Enum):
    """In which mailboxes is searched. RFC 7377 §2.2, RFC 5465 §6."""

    SELECTED = b"SELECTED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


_NAMING: Final = frozenset({Where.SUBTREE, Where.SUBTREE_ONE, Where.MAILBOXES})


@dataclass(frozen=True, slots=True)
class Source:
    """Some mailboxes.

    Attributes:
        where: Which.
        mailboxes: Those that are named, where some are.
    """

    where: Where
    mailboxes: tuple[MailboxArgument, ...] = ()


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
    name = lexer.name("filter-mailboxes")
    try:
        where = Where(name)
    except ValueError as error:
        raise BadSyntax("filter-mailboxes", name) from error
    if where not in _NAMING:
        return Source(where)
    lexer.space()
    if lexer.next_is(b"("):
        return Source(where, tuple(lexer.listed(lambda: read_mailbox(lexer))))
    return Source(where, (read_mailbox(lexer),))
