"""Who may do what with a mailbox. RFC 4314 §3.

RFC 4314 §7::

    setacl     = "SETACL" SP mailbox SP identifier SP mod-rights
    deleteacl  = "DELETEACL" SP mailbox SP identifier
    getacl     = "GETACL" SP mailbox
    listrights = "LISTRIGHTS" SP mailbox SP identifier
    myrights   = "MYRIGHTS" SP mailbox
    identifier = astring            ; UTF-8
    mod-rights = astring            ; "+" or "-", and letters
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from imapbox.model.names import UserName, user_name
from imapbox.model.rights import RightsChange, rights_change
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.tags import Tag


class Identifier(NamedTuple):
    """Who is meant.

    Attributes:
        octets: As the client spells it.
        name: As a user's name is spelled here.
    """

    octets: bytes
    name: UserName


@dataclass(frozen=True, slots=True)
class SetAcl(Command):
    """Give somebody rights, or take some. RFC 4314 §3.1."""

    name: ClassVar[str] = "SETACL"
    mailbox: MailboxArgument
    identifier: Identifier
    change: RightsChange


@dataclass(frozen=True, slots=True)
class DeleteAcl(Command):
    """Take all of somebody's rights. RFC 4314 §3.2."""

    name: ClassVar[str] = "DELETEACL"
    mailbox: MailboxArgument
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class GetAcl(Command):
    """Who has which rights? RFC 4314 §3.3."""

    name: ClassVar[str] = "GETACL"
    mailbox: MailboxArgument


@dataclass(frozen=True, slots=True)
class ListRights(Command):
    """Which rights can somebody be given? RFC 4314 §3.4."""

    name: ClassVar[str] = "LISTRIGHTS"
    mailbox: MailboxArgument
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class MyRights(Command):
    """Which rights have I? RFC 4314 §3.5."""

    name: ClassVar[str] = "MYRIGHTS"
    mailbox: MailboxArgument


def read_set_acl(lexer: Lexer, tag: Tag) -> SetAcl:
    """Take what is behind SETACL."""
    return SetAcl(tag, read_next_mailbox(lexer), _identifier(lexer), _change(lexer))


def read_delete_acl(lexer: Lexer, tag: Tag) -> DeleteAcl:
    """Take what is behind DELETEACL."""
    return DeleteAcl(tag, read_next_mailbox(lexer), _identifier(lexer))


def read_get_acl(lexer: Lexer, tag: Tag) -> GetAcl:
    """Take what is behind GETACL."""
    return GetAcl(tag, read_next_mailbox(lexer))


def read_list_rights(lexer: Lexer, tag: Tag) -> ListRights:
    """Take what is behind LISTRIGHTS."""
    return ListRights(tag, read_next_mailbox(lexer), _identifier(lexer))


def read_my_rights(lexer: Lexer, tag: Tag) -> MyRights:
    """Take what is behind MYRIGHTS."""
    return MyRights(tag, read_next_mailbox(lexer))


def _identifier(lexer: Lexer) -> Identifier:
    """Take an identifier, as names at login are taken: RFC 4314 §3.

    Raises:
        BadSyntax: No user can have this name.
    """
    lexer.space()
    octets = lexer.astring("identifier")
    name = user_name(octets.decode(errors="surrogateescape"))
    if name is None:
        raise BadSyntax("identifier", octets)
    return Identifier(octets, name)


def _change(lexer: Lexer) -> RightsChange:
    lexer.space()
    octets = lexer.astring("mod-rights")
    try:
        return rights_change(octets.decode(errors="surrogateescape"))
    except ValueError as error:
        # RFC 4314 §3.1: what is not known must not be ignored.
        raise BadSyntax("rights", octets) from error
