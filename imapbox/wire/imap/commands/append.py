"""APPEND and REPLACE: put messages into a mailbox.

RFC 9051 §6.3.12, RFC 3502, RFC 8508.

RFC 3502 §7, RFC 8508 §5::

    append         = "APPEND" SP mailbox 1*append-message
    replace        = "REPLACE" SP seq-number SP mailbox append-message
    append-message = [SP flag-list] [SP date-time] SP literal

The literals are not here: the framer announces each, hands on what stands
before it, and lets it come when the session has agreed.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from imapbox.model.message import InternalDate
from imapbox.model.sequence_set import SAVED, SequenceSet
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.dates import read_date_time
from imapbox.wire.imap.flags import read_flag_list
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_mailbox
from imapbox.wire.imap.sequence_set import read_sequence_set
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
    may_be_several: ClassVar[bool] = True
    mailbox: MailboxArgument
    flags: frozenset[str]
    date: InternalDate | None

    @property
    def facts(self) -> "MessageFacts":
        """What is known of the first message."""
        return MessageFacts(self.flags, self.date)


@dataclass(frozen=True, slots=True)
class Replace(Append):
    """A new message, and which one it is to take the place of. RFC 8508 §3.

    Attributes:
        replaced: That one: a single number.
        by_uid: Whether it is a UID.
    """

    name: ClassVar[str] = "REPLACE"
    may_be_several: ClassVar[bool] = False
    replaced: SequenceSet
    by_uid: bool


class MessageFacts(NamedTuple):
    """The same of a message that is not the first."""

    flags: frozenset[str]
    date: InternalDate | None


def read_append(lexer: Lexer, tag: Tag) -> Append:
    """Take what is between APPEND and its first literal."""
    lexer.space()
    return Append(tag, read_mailbox(lexer), *_facts(lexer))


def read_replace(lexer: Lexer, tag: Tag, *, by_uid: bool) -> Replace:
    """Take what is between REPLACE and its literal."""
    lexer.space()
    replaced = read_sequence_set(lexer)
    ends = {end for each in replaced.ranges for end in each}
    if replaced == SAVED or len(ends) > 1:
        raise BadSyntax("seq-number")
    lexer.space()
    mailbox = read_mailbox(lexer)
    return Replace(tag, mailbox, *_facts(lexer), replaced, by_uid)


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
    """Say of one that the framer took for whole: it has no message."""
    raise BadSyntax("literal")
