"""GETQUOTA, GETQUOTAROOT and SETQUOTA. RFC 9208 §4.1.

RFC 9208 §6::

    getquota      = "GETQUOTA" SP quota-root-name
    getquotaroot  = "GETQUOTAROOT" SP mailbox
    setquota      = "SETQUOTA" SP quota-root-name SP setquota-list
    setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"
    setquota-resource = resource-name SP resource-limit
    resource-limit    = number64
    resource-name     = "STORAGE" / "MESSAGE" / "MAILBOX" /
                        "ANNOTATION-STORAGE" / resource-name-ext
    quota-root-name   = astring
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class GetQuota(Command):
    """How much may there be, and is there? RFC 9208 §4.1.1.

    Attributes:
        root: A quota root's name.
    """

    name: ClassVar[str] = "GETQUOTA"
    root: bytes


@dataclass(frozen=True, slots=True)
class GetQuotaRoot(Command):
    """By what is a mailbox limited? It need not exist. RFC 9208 §4.1.2."""

    name: ClassVar[str] = "GETQUOTAROOT"
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class SetQuota(Command):
    """Let there be so much. RFC 9208 §4.1.3.

    Attributes:
        root: A quota root's name.
        limits: By the resource's name, upper case.
    """

    name: ClassVar[str] = "SETQUOTA"
    root: bytes
    limits: tuple[tuple[bytes, int], ...]


def read_getquota(lexer: Lexer, tag: Tag) -> GetQuota:
    """Take what is behind GETQUOTA."""
    lexer.space()
    return GetQuota(tag, lexer.astring("quota-root-name"))


def read_getquotaroot(lexer: Lexer, tag: Tag) -> GetQuotaRoot:
    """Take what is behind GETQUOTAROOT."""
    return GetQuotaRoot(tag, read_next_mailbox(lexer))


def read_setquota(lexer: Lexer, tag: Tag) -> SetQuota:
    """Take what is behind SETQUOTA."""
    lexer.space()
    root = lexer.astring("quota-root-name")
    lexer.space()
    if lexer.accept(b"()"):
        return SetQuota(tag, root, ())
    return SetQuota(tag, root, tuple(lexer.listed(lambda: _limit(lexer))))


def _limit(lexer: Lexer) -> tuple[bytes, int]:
    name = lexer.name("resource-name")
    lexer.space()
    return name, lexer.number64("resource-limit")
