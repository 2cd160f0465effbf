"""SEARCH. RFC 9051 §6.4.4, RFC 3501 §6.4.4.

RFC 9051 §9, with RFC 3501's CHARSET anywhere, and MODSEQ in `mod_sequences`::

    search             = "SEARCH" [search-return-opts]
                         [SP "CHARSET" SP astring] 1*(SP search-key)
    search-return-opts = SP "RETURN" SP "(" [search-return-opt
                         *(SP search-return-opt)] ")"
    search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final

from imapbox.model.criteria import Criterion, HasSeq, parts_of
from imapbox.model.sequence_set import SAVED
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.charsets import codec_of
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.search_keys import SearchKeys
from imapbox.wire.imap.tags import Tag

_CHARSET = re.compile(rb"charset ", re.IGNORECASE)
_RETURN = re.compile(rb"return (?=\()", re.IGNORECASE)
# It has a character for every octet, so there is nothing that it can't read.
_ANY_OCTETS: Final = "latin-1"


class Return(Enum):
    """What a client wants of what was found. RFC 4731 §3.1, RFC 5182 §2.1."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


@dataclass(frozen=True, slots=True)
class Search(Command):
    """Tell me which messages are so. RFC 9051 §6.4.4.

    Attributes:
        by_uid: Whether the answer tells UIDs, not sequence numbers.
        criterion: What is asked of them.
        known_charset: False if the client named a charset that we don't read:
            then the texts in ``criterion`` mean nothing.
        returns: What is wanted of the result, as one ESEARCH; None: all of it,
            as SEARCH.
    """

    name: ClassVar[str] = "SEARCH"
    by_uid: bool
    criterion: Criterion
    known_charset: bool = True
    returns: frozenset[Return] | None = None

    @property
    def names_positions(self) -> bool:
        """Whether sequence numbers are asked for, or are to be told."""
        return not self.by_uid or any(
            isinstance(each, HasSeq) and each.seqs != SAVED
            for each in parts_of(self.criterion)
        )


def read_search(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Search:
    """Take what is behind SEARCH."""
    lexer.space()
    returns = _returns(lexer)
    # RFC 3501 has US-ASCII where none is named, RFC 9051 UTF-8.
    codec: str | None = "utf-8"
    if lexer.at(_CHARSET):
        lexer.match(_CHARSET, "charset")
        codec = codec_of(lexer.astring("charset"))
        lexer.space()
    criterion = SearchKeys(lexer, codec or _ANY_OCTETS).read()
    return Search(tag, by_uid, criterion, codec is not None, returns)


def _returns(lexer: Lexer) -> frozenset[Return] | None:
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


def read_uid_search(lexer: Lexer, tag: Tag) -> Search:
    """Take what is behind UID SEARCH."""
    return read_search(lexer, tag, by_uid=True)
