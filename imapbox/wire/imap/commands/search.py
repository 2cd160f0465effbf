"""SEARCH. RFC 9051 §6.4.4, RFC 3501 §6.4.4.

RFC 3501 §9::

    search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.model.criteria import Criterion, HasSeq, parts_of
from imapbox.wire.imap.charsets import codec_of
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.search_keys import SearchKeys
from imapbox.wire.imap.tags import Tag

_CHARSET = re.compile(rb"charset ", re.IGNORECASE)
# It has a character for every octet, so there is nothing that it can't read.
_ANY_OCTETS: Final = "latin-1"


@dataclass(frozen=True, slots=True)
class Search(Command):
    """Tell me which messages are so. RFC 9051 §6.4.4.

    Attributes:
        by_uid: Whether the answer tells UIDs, not sequence numbers.
        criterion: What is asked of them.
        known_charset: False if the client named a charset that we don't read:
            then the texts in ``criterion`` mean nothing.
    """

    name: ClassVar[str] = "SEARCH"
    by_uid: bool
    criterion: Criterion
    known_charset: bool = True

    @property
    def names_positions(self) -> bool:
        """Whether sequence numbers are asked for, or are to be told."""
        parts = parts_of(self.criterion)
        return not self.by_uid or any(isinstance(each, HasSeq) for each in parts)


def read_search(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Search:
    """Take what is behind SEARCH."""
    lexer.space()
    # RFC 3501 has US-ASCII where none is named, RFC 9051 UTF-8.
    codec: str | None = "utf-8"
    if lexer.at(_CHARSET):
        lexer.match(_CHARSET, "charset")
        codec = codec_of(lexer.astring("charset"))
        lexer.space()
    criterion = SearchKeys(lexer, codec or _ANY_OCTETS).read()
    return Search(tag, by_uid, criterion, codec is not None)


def read_uid_search(lexer: Lexer, tag: Tag) -> Search:
    """Take what is behind UID SEARCH."""
    return read_search(lexer, tag, by_uid=True)
