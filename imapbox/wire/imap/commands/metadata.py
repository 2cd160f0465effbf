"""GETMETADATA and SETMETADATA. RFC 5464 §4.2, §4.3.

RFC 5464 §5::

    getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
    getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
    maxsize-opt = "MAXSIZE" SP number
    scope-opt   = "DEPTH" SP ("0" / "1" / "infinity")
    setmetadata = "SETMETADATA" SP mailbox SP entry-values
    entry-values = "(" entry-value *(SP entry-value) ")"

The examples of §4.2.1 and §4.2.2 have the options behind the mailbox: both are
understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeVar

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_mailbox
from imapbox.wire.imap.metadata_entries import MAX_ENTRIES, read_entry, read_value
from imapbox.wire.imap.tags import Tag

T = TypeVar("T")


class Depth(Enum):
    """How far below an entry one looks. The value is the name on the wire."""

    ENTRY = b"0"
    CHILDREN = b"1"
    ALL = b"INFINITY"


@dataclass(frozen=True, slots=True)
class GetMetadata(Command):
    """What is noted of a mailbox, or of the server? RFC 5464 §4.2.

    Attributes:
        mailbox: Which; None for the server.
        entries: Names.
        maxsize: Octets of the largest value that is wanted.
        depth: How far below them.
    """

    name: ClassVar[str] = "GETMETADATA"
    mailbox: MailboxArgument | None
    entries: tuple[str, ...]
    maxsize: int | None = None
    depth: Depth = Depth.ENTRY


@dataclass(frozen=True, slots=True)
class SetMetadata(Command):
    """Note this of a mailbox, or of the server. RFC 5464 §4.3.

    Attributes:
        mailbox: Which; None for the server.
        values: By name; None removes an entry. Of one that is named twice the last.
    """

    name: ClassVar[str] = "SETMETADATA"
    mailbox: MailboxArgument | None
    values: tuple[tuple[str, bytes | None], ...]


def read_getmetadata(lexer: Lexer, tag: Tag) -> GetMetadata:
    """Take what is behind GETMETADATA."""
    lexer.space()
    options: dict[bytes, int | Depth] = {}
    if lexer.next_is(b"("):
        options = _options(lexer)
        lexer.space()
    mailbox = _mailbox_or_server(lexer)
    lexer.space()
    if not options and lexer.next_is(b"(") and not _begins_entries(lexer):
        options = _options(lexer)
        lexer.space()
    entries = _entries(lexer)
    maxsize, depth = options.get(b"MAXSIZE"), options.get(b"DEPTH", Depth.ENTRY)
    return GetMetadata(
        tag,
        mailbox,
        entries,
        maxsize if isinstance(maxsize, int) else None,
        depth if isinstance(depth, Depth) else Depth.ENTRY,
    )


def read_setmetadata(lexer: Lexer, tag: Tag) -> SetMetadata:
    """Take what is behind SETMETADATA."""
    lexer.space()
    mailbox = _mailbox_or_server(lexer)
    lexer.space()
    values = dict(_few(lexer, lambda: _entry_value(lexer)))
    return SetMetadata(tag, mailbox, tuple(values.items()))


def _mailbox_or_server(lexer: Lexer) -> MailboxArgument | None:
    mailbox = read_mailbox(lexer)
    return mailbox if mailbox.octets else None


def _begins_entries(lexer: Lexer) -> bool:
    return any(lexer.next_is(b"(" + first) for first in (b"/", b'"', b"{"))


def _options(lexer: Lexer) -> dict[bytes, int | Depth]:
    return dict(lexer.listed(lambda: _option(lexer)))


def _option(lexer: Lexer) -> tuple[bytes, int | Depth]:
    name = lexer.name("getmetadata-option")
    lexer.space()
    if name == b"MAXSIZE":
        return name, lexer.number64()
    if name != b"DEPTH":
        raise BadSyntax("getmetadata-option", name)
    depth = lexer.name("scope-opt")
    try:
        return name, Depth(depth)
    except ValueError:
        raise BadSyntax("scope-opt", depth) from None


def _entries(lexer: Lexer) -> tuple[str, ...]:
    if not lexer.next_is(b"("):
        return (read_entry(lexer, may_be_top=True),)
    entries = _few(lexer, lambda: read_entry(lexer, may_be_top=True))
    return tuple(dict.fromkeys(entries))


def _entry_value(lexer: Lexer) -> tuple[str, bytes | None]:
    name = read_entry(lexer)
    lexer.space()
    return name, read_value(lexer)


def _few(lexer: Lexer, read: Callable[[], T]) -> list[T]:
    found = lexer.listed(read)
    if len(found) > MAX_ENTRIES:
        raise BadSyntax("entries")
    return found
