"""APPEND: put messages into a mailbox. RFC 9051 §6.3.12, RFC 3502.

RFC 3502 §7::

    append         = "APPEND" SP mailbox 1*append-message
    append-message = [SP flag-list] [SP date-time] SP literal

The literals are not here: the framer announces each, hands on what stands
before it, and lets it come when the session has agreed.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from imapbox.model.message import InternalDate
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.dates import read_date_time
from imapbox.wire.imap.flags import read_flag_list
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_mailbox
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Append(Command):
    """Everything about the first new message but its octets.

    Attributes:
        mailbox: Where to.
        flags: As given; `imapbox.model.flags.split_flags` sorts them.
        date: Its internal date, if the client gave one.
    """

    name: ClassVar[str] = "APPEND"
    mailbox: MailboxArgument
    flags: frozenset[str]
    date: InternalDate | None


class MessageFacts(NamedTuple):
    """The same of a message that is not the first."""

    flags: frozenset[str]
    date: InternalDate | None


def read_append(lexer: Lexer, tag: Tag) -> Append:
    """Take what is between APPEND and its first literal."""
    lexer.space()
    return Append(tag, read_mailbox(lexer), *_facts(lexer))


def parse_next_message(text: bytes, tag: Tag) -> MessageFacts:
    """Read what is between two messages of an APPEND.

    Raises:
        BadSyntax: It is not what belongs there.
    """
    lexer = Lexer((text,))
    try:
        facts = _facts(lexer)
        lexer.end()
    except BadSyntax as error:
        error.tag = tag
        raise
    return facts


def _facts(lexer: Lexer) -> MessageFacts:
    lexer.space()
    flags: frozenset[str] = frozenset()
    if lexer.next_is(b"("):
        flags = read_flag_list(lexer)
        lexer.space()
    date = None
    if lexer.next_is(b'"'):
        date = read_date_time(lexer)
        lexer.space()
    return MessageFacts(flags, date)


def refuse_append(_lexer: Lexer, _tag: Tag) -> Append:
    """Say of an APPEND that the framer took for whole: it has no message."""
    raise BadSyntax("literal")
