"""COPY and MOVE. RFC 9051 §6.4.7, §6.4.8.

RFC 9051 §9::

    copy = "COPY" SP sequence-set SP mailbox
    move = "MOVE" SP sequence-set SP mailbox
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.sequence_set import SequenceSet, read_sequence_set
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """Put copies of these messages into that mailbox. RFC 9051 §6.4.7.

    Attributes:
        messages: Which.
        by_uid: Whether ``messages`` are UIDs, not sequence numbers.
        mailbox: Where to.
    """

    name: ClassVar[str] = "COPY"
    messages: SequenceSet
    by_uid: bool
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class Move(Copy):
    """Put these messages into that mailbox. RFC 9051 §6.4.8."""

    name: ClassVar[str] = "MOVE"


def read_copy(lexer: Lexer, tag: Tag) -> Copy:
    """Take what is behind COPY."""
    return Copy(tag, _messages(lexer), by_uid=False, mailbox=read_next_mailbox(lexer))


def read_uid_copy(lexer: Lexer, tag: Tag) -> Copy:
    """Take what is behind UID COPY."""
    return Copy(tag, _messages(lexer), by_uid=True, mailbox=read_next_mailbox(lexer))


def read_move(lexer: Lexer, tag: Tag) -> Move:
    """Take what is behind MOVE."""
    return Move(tag, _messages(lexer), by_uid=False, mailbox=read_next_mailbox(lexer))


def read_uid_move(lexer: Lexer, tag: Tag) -> Move:
    """Take what is behind UID MOVE."""
    return Move(tag, _messages(lexer), by_uid=True, mailbox=read_next_mailbox(lexer))


def _messages(lexer: Lexer) -> SequenceSet:
    lexer.space()
    return read_sequence_set(lexer)
