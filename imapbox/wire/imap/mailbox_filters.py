"""Naming many mailboxes at once, for NOTIFY and ESEARCH.

RFC 5465 §8, and RFC 7377 §4 (subtree-one)::

    filter-mailboxes    = "selected" / "selected-delayed" / "inboxes" /
                          "personal" / "subscribed" /
                          ("subtree" / "subtree-one" / "mailboxes") SP
                          one-or-more-mailbox
    one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_mailbox


class Where(Enum):
    """Which mailboxes are meant. RFC 5465 §6, RFC 7377 §2.2."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


_NAMING: Final = frozenset({Where.SUBTREE, Where.SUBTREE_ONE, Where.MAILBOXES})


@dataclass(frozen=True, slots=True)
class Source:
    """Some mailboxes.

    Attributes:
        where: Which.
        mailboxes: Those that are named, where some are.
    """

    where: Where
    mailboxes: tuple[MailboxArgument, ...] = ()


def read_source(lexer: Lexer) -> Source:
    """Take ``filter-mailboxes``.

    Raises:
        BadSyntax: There is none.
    """
    name = lexer.name("filter-mailboxes")
    try:
        where = Where(name)
    except ValueError as error:
        raise BadSyntax("filter-mailboxes", name) from error
    if where not in _NAMING:
        return Source(where)
    lexer.space()
    if lexer.next_is(b"("):
        return Source(where, tuple(lexer.listed(lambda: read_mailbox(lexer))))
    return Source(where, (read_mailbox(lexer),))
