"""THREAD. RFC 5256 §3.

RFC 5256 §5::

    thread     = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
    thread-alg = "ORDEREDSUBJECT" / "REFERENCES"
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.model.sorting import ThreadAlgorithm
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.search import Asking
from imapbox.wire.imap.commands.sort import read_search_criteria
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Thread(Asking):
    """Tell me which messages are so, in threads. RFC 5256 §3.

    Attributes:
        algorithm: By what.
    """

    name: ClassVar[str] = "THREAD"
    algorithm: ThreadAlgorithm = ThreadAlgorithm.REFERENCES


def read_thread(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Thread:
    """Take what is behind THREAD."""
    lexer.space()
    name = lexer.name("thread-alg")
    try:
        algorithm = ThreadAlgorithm(name)
    except ValueError as error:
        raise BadSyntax("thread-alg", name) from error
    criterion, known_charset = read_search_criteria(lexer)
    return Thread(tag, by_uid, criterion, known_charset, algorithm)


def read_uid_thread(lexer: Lexer, tag: Tag) -> Thread:
    """Take what is behind UID THREAD."""
    return read_thread(lexer, tag, by_uid=True)
