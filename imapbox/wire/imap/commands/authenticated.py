"""Commands after login, on mailboxes as a whole. RFC 9051 §6.3.

RFC 9051 §9::

    create = "CREATE" SP mailbox [create-params] ; `create_parameters`
    delete = "DELETE" SP mailbox        ; so SUBSCRIBE, UNSUBSCRIBE
    select = "SELECT" SP mailbox [select-params]  ; so EXAMINE
    rename = "RENAME" SP mailbox SP mailbox
    idle   = "IDLE" CRLF "DONE"
    unauthenticate = "UNAUTHENTICATE"    ; RFC 8437 §4
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.model.names import DELIMITER
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.create_parameters import read_create_parameters
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.select_parameters import (
    NOTHING_MORE,
    SelectParameters,
    read_select_parameters,
)
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Select(Command):
    """Open a mailbox. RFC 9051 §6.3.2.

    Attributes:
        mailbox: Which.
        parameters: What is wanted besides.
    """

    name: ClassVar[str] = "SELECT"
    mailbox: MailboxArgument
    parameters: SelectParameters = NOTHING_MORE


@dataclass(frozen=True, slots=True)
class Examine(Command):
    """Open a mailbox to read only; as `Select`. RFC 9051 §6.3.3."""

    name: ClassVar[str] = "EXAMINE"
    mailbox: MailboxArgument
    parameters: SelectParameters = NOTHING_MORE


@dataclass(frozen=True, slots=True)
class Create(Command):
    r"""Make a mailbox. RFC 9051 §6.3.4.

    Attributes:
        mailbox: Without the delimiter that may have ended it: it announces
            mailboxes below, which need no announcement here.
        uses: What it is for, such as ``\Sent``, as spelled: RFC 6154 §3.
    """

    name: ClassVar[str] = "CREATE"
    mailbox: MailboxArgument
    uses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """Remove a mailbox and its messages. RFC 9051 §6.3.5."""

    name: ClassVar[str] = "DELETE"
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """Give a mailbox another name. RFC 9051 §6.3.6."""

    name: ClassVar[str] = "RENAME"
    mailbox: MailboxArgument
    new_name: MailboxArgument


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """Remember a name. RFC 9051 §6.3.7."""

    name: ClassVar[str] = "SUBSCRIBE"
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    """Forget a name. RFC 9051 §6.3.8."""

    name: ClassVar[str] = "UNSUBSCRIBE"
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """Where are my mailboxes, and where those of others? RFC 9051 §6.3.10."""

    name: ClassVar[str] = "NAMESPACE"


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """Tell me when something happens, until I say DONE. RFC 9051 §6.3.13."""

    name: ClassVar[str] = "IDLE"


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """Let me log in as somebody else. RFC 8437 §3."""

    name: ClassVar[str] = "UNAUTHENTICATE"


def read_select(lexer: Lexer, tag: Tag) -> Select:
    """Take what is behind SELECT."""
    return Select(tag, read_next_mailbox(lexer), read_select_parameters(lexer))


def read_examine(lexer: Lexer, tag: Tag) -> Examine:
    """Take what is behind EXAMINE."""
    return Examine(tag, read_next_mailbox(lexer), read_select_parameters(lexer))


def read_create(lexer: Lexer, tag: Tag) -> Create:
    """Take what is behind CREATE."""
    octets = read_next_mailbox(lexer).octets.removesuffix(DELIMITER.encode())
    mailbox = MailboxArgument(octets, lexer.utf8)
    return Create(tag, mailbox, read_create_parameters(lexer))


def read_delete(lexer: Lexer, tag: Tag) -> Delete:
    """Take what is behind DELETE."""
    return Delete(tag, read_next_mailbox(lexer))


def read_rename(lexer: Lexer, tag: Tag) -> Rename:
    """Take what is behind RENAME."""
    return Rename(tag, read_next_mailbox(lexer), read_next_mailbox(lexer))


def read_subscribe(lexer: Lexer, tag: Tag) -> Subscribe:
    """Take what is behind SUBSCRIBE."""
    return Subscribe(tag, read_next_mailbox(lexer))


def read_unsubscribe(lexer: Lexer, tag: Tag) -> Unsubscribe:
    """Take what is behind UNSUBSCRIBE."""
    return Unsubscribe(tag, read_next_mailbox(lexer))


def is_done(line: bytes) -> bool:
    """Say whether ``line``, without its CRLF, ends an IDLE."""
    return line.upper() == b"DONE"
