"""SEARCH, and what SORT and THREAD have in common with it.

RFC 9051 §6.4.4, RFC 3501 §6.4.4.

RFC 9051 §9, with RFC 3501's CHARSET anywhere, and MODSEQ in `mod_sequences`::

    search = "SEARCH" [search-return-opts]          ; `return_options`
             [SP "CHARSET" SP astring] 1*(SP search-key)
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.model.criteria import Criterion, Fuzzy, HasSeq, parts_of
from imapbox.model.sequence_set import SAVED
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.charsets import codec_of
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.return_options import Return, Returns, read_returns
from imapbox.wire.imap.search_keys import SearchKeys
from imapbox.wire.imap.tags import Tag

_CHARSET = re.compile(rb"charset ", re.IGNORECASE)
# It has a character for every octet, so there is nothing that it can't read.
_ANY_OCTETS: Final = "latin-1"


@dataclass(frozen=True, slots=True)
class Asking(Command):
    """A command that asks which messages are so.

    Attributes:
        by_uid: Whether the answer tells UIDs, not sequence numbers.
        criterion: What is asked of them.
        known_charset: False if the client named a charset that we don't read:
            then the texts in ``criterion`` mean nothing.
    """

    by_uid: bool
    criterion: Criterion
    known_charset: bool = True

    @property
    def is_fuzzy(self) -> bool:
        """Whether FUZZY is among the keys: RFC 6203 §3."""
        return _is_fuzzy(self.criterion)

    @property
    def names_positions(self) -> bool:
        """Whether sequence numbers are asked for, or are to be told."""
        return not self.by_uid or any(
            isinstance(each, HasSeq) and each.seqs != SAVED
            for each in parts_of(self.criterion)
        )


@dataclass(frozen=True, slots=True)
class Search(Asking):
    """Tell me which messages are so. RFC 9051 §6.4.4.

    Attributes:
        returns: What is wanted of the result, as one ESEARCH; None: all of it,
            as SEARCH.
        names_charset: Whether the client named a charset.
    """

    name: ClassVar[str] = "SEARCH"
    returns: Returns | None = None
    names_charset: bool = False


def read_search(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Search:
    """Take what is behind SEARCH."""
    lexer.space()
    returns = read_returns(lexer)
    # RFC 3501 has US-ASCII where none is named, RFC 9051 UTF-8.
    codec: str | None = "utf-8"
    names_charset = lexer.at(_CHARSET)
    if names_charset:
        lexer.match(_CHARSET, "charset")
        codec = codec_of(lexer.astring("charset"))
        lexer.space()
    criterion = read_criterion(lexer, codec)
    check_relevancy(criterion, returns)
    return Search(tag, by_uid, criterion, codec is not None, returns, names_charset)


def check_relevancy(
    criterion: Criterion, returns: Returns | None, *, sorts: bool = False
) -> None:
    """See that relevancy is asked for with FUZZY only: RFC 6203 §4, §6.

    Raises:
        BadSyntax: It is not.
    """
    wanted = sorts or (returns is not None and Return.RELEVANCY in returns)
    if wanted and not _is_fuzzy(criterion):
        raise BadSyntax("FUZZY with RELEVANCY")


def _is_fuzzy(criterion: Criterion) -> bool:
    return any(isinstance(each, Fuzzy) for each in parts_of(criterion))


def read_criterion(lexer: Lexer, codec: str | None) -> Criterion:
    """Take all search keys.

    Args:
        lexer: At the first one.
        codec: Of Python, for the strings in them; None if it is not known.
    """
    return SearchKeys(lexer, codec or _ANY_OCTETS).read()


def read_uid_search(lexer: Lexer, tag: Tag) -> Search:
    """Take what is behind UID SEARCH."""
    return read_search(lexer, tag, by_uid=True)
