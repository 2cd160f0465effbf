"""Commands that tell of mailboxes without opening one.

RFC 9051 §9, of LIST's extensions only those of RFC 6154 §6, and RFC 3501 §9::

    list       = "LIST" [SP "(" "SPECIAL-USE" ")"] SP mailbox SP list-mailbox
                 [SP "RETURN" SP "(" "SPECIAL-USE" ")"]
    lsub       = "LSUB" SP mailbox SP list-mailbox
    status     = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" /
                 "DELETED" / "SIZE" / "HIGHESTMODSEQ"
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import (
    MAX_PATTERN,
    ListPattern,
    MailboxArgument,
    read_list_mailbox,
    read_mailbox,
)
from imapbox.wire.imap.tags import Tag


class StatusAtt(Enum):
    """What STATUS can tell. The value is the name on the wire."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"  # Thunderbird still asks
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"  # RFC 9051 §6.3.11
    SIZE = b"SIZE"  # RFC 8438
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162 §3.1.7


_STATUS_ATTS = {att.value: att for att in StatusAtt}


@dataclass(frozen=True, slots=True)
class List(Command):
    """Which mailboxes are there? RFC 9051 §6.3.9.

    Attributes:
        reference: What the pattern begins with.
        pattern: Which names are meant.
        only_special_use: Only mailboxes with a special use: RFC 6154 §2.
    """

    name: ClassVar[str] = "LIST"
    reference: MailboxArgument
    pattern: MailboxArgument
    only_special_use: bool = False

    @property
    def asks_delimiter(self) -> bool:
        """Whether only the delimiter is wanted: the pattern is empty."""
        return not self.pattern.octets

    def matcher(self) -> ListPattern:
        """Return what tells the names that are meant.

        Raises:
            MailboxNameRefused: Reference or pattern is not modified UTF-7.
        """
        return ListPattern(self.reference.text(), self.pattern.text())


@dataclass(frozen=True, slots=True)
class Lsub(List):
    """Which names are subscribed to? RFC 3501 §6.3.9."""

    name: ClassVar[str] = "LSUB"


@dataclass(frozen=True, slots=True)
class Status(Command):
    """How is that mailbox? RFC 9051 §6.3.11.

    Attributes:
        mailbox: Which.
        items: What is asked, each once.
    """

    name: ClassVar[str] = "STATUS"
    mailbox: MailboxArgument
    items: tuple[StatusAtt, ...]


def read_list(lexer: Lexer, tag: Tag) -> List:
    """Take what is behind LIST."""
    only_special_use = lexer.next_is(b" (") and bool(_options(lexer))
    reference, pattern = _reference(lexer), _pattern(lexer)
    if lexer.next_is(b" "):
        lexer.space()
        if lexer.name("list-return-opts") != b"RETURN":
            raise BadSyntax("list-return-opts")
        _options(lexer)  # whatever LIST knows it tells in any case
    return List(tag, reference, pattern, only_special_use)


def read_lsub(lexer: Lexer, tag: Tag) -> Lsub:
    """Take what is behind LSUB."""
    return Lsub(tag, _reference(lexer), _pattern(lexer))


def read_status(lexer: Lexer, tag: Tag) -> Status:
    """Take what is behind STATUS."""
    lexer.space()
    mailbox = read_mailbox(lexer)
    lexer.space()
    items = lexer.listed(lambda: _status_att(lexer))
    return Status(tag, mailbox, tuple(dict.fromkeys(items)))


def _options(lexer: Lexer) -> list[bytes]:
    """Take options of which there is but one. RFC 5258 §6, RFC 6154 §6."""
    lexer.space()
    if lexer.accept(b"()"):
        return []
    options = lexer.listed(lambda: lexer.name("list-option"))
    if set(options) != {b"SPECIAL-USE"}:
        raise BadSyntax("list-option")
    return options


def _reference(lexer: Lexer) -> MailboxArgument:
    lexer.space()
    reference = read_mailbox(lexer)
    if len(reference.octets) > MAX_PATTERN:
        raise BadSyntax("reference", reference.octets)
    return reference


def _pattern(lexer: Lexer) -> MailboxArgument:
    lexer.space()
    return read_list_mailbox(lexer)


def _status_att(lexer: Lexer) -> StatusAtt:
    name = lexer.name("status-att")
    if name not in _STATUS_ATTS:
        raise BadSyntax("status-att", name)
    return _STATUS_ATTS[name]
