"""SORT. RFC 5256 §3, RFC 5267 §3.

RFC 5256 §5, RFC 5267 §5, RFC 5957 §5::

    sort            = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria
                      SP search-criteria
    sort-criteria   = "(" sort-criterion *(SP sort-criterion) ")"
    sort-criterion  = ["REVERSE" SP] sort-key
    sort-key        = "ARRIVAL" / "CC" / "DATE" / "FROM" / "SIZE" / "SUBJECT" /
                      "TO" / "DISPLAYFROM" / "DISPLAYTO" /
                      "RELEVANCY"                       ; RFC 6203 §7
    search-criteria = charset 1*(SP search-key)
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.model.criteria import Criterion
from imapbox.model.sorting import SortBy, SortKey
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.charsets import codec_of
from imapbox.wire.imap.commands.search import Asking, check_relevancy, read_criterion
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.return_options import Returns, read_returns
from imapbox.wire.imap.tags import Tag

# What comes again decides nothing: nobody needs more.
MAX_CRITERIA: Final = 100


@dataclass(frozen=True, slots=True)
class Sort(Asking):
    """Tell me which messages are so, in this order. RFC 5256 §3.

    Attributes:
        by: The first criterion decides first.
        returns: As for `Search`; None: all of it, as SORT.
    """

    name: ClassVar[str] = "SORT"
    by: tuple[SortBy, ...] = ()
    returns: Returns | None = None


def read_sort(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Sort:
    """Take what is behind SORT."""
    lexer.space()
    returns = read_returns(lexer)
    by = tuple(lexer.listed(lambda: _criterion(lexer)))
    if len(by) > MAX_CRITERIA:
        raise BadSyntax("number of sort criteria")
    criterion, known_charset = read_search_criteria(lexer)
    by_relevancy = any(each.key is SortKey.RELEVANCY for each in by)
    check_relevancy(criterion, returns, sorts=by_relevancy)
    return Sort(tag, by_uid, criterion, known_charset, by, returns)


def read_uid_sort(lexer: Lexer, tag: Tag) -> Sort:
    """Take what is behind UID SORT."""
    return read_sort(lexer, tag, by_uid=True)


def read_search_criteria(lexer: Lexer) -> tuple[Criterion, bool]:
    """Take a space, a charset and search keys; say whether the charset is known."""
    lexer.space()
    codec = codec_of(lexer.astring("charset"))
    lexer.space()
    return read_criterion(lexer, codec), codec is not None


def _criterion(lexer: Lexer) -> SortBy:
    name = lexer.name("sort-key")
    descending = name == b"REVERSE"
    if descending:
        lexer.space()
        name = lexer.name("sort-key")
    try:
        return SortBy(SortKey(name), descending)
    except ValueError as error:
        raise BadSyntax("sort-key", name) from error
