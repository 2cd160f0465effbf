"""STATUS, and what it can tell. RFC 9051 §6.3.11.

RFC 9051 §9, with RECENT of RFC 3501 §9::

    status     = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" /
                 "DELETED" / "SIZE" / "HIGHESTMODSEQ" / "APPENDLIMIT" /
                 "MAILBOXID" / "DELETED-STORAGE"
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.tags import Tag


class StatusAtt(Enum):
    """What STATUS can tell. The value is the name on the wire."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"  # Thunderbird still asks
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"  # RFC 9051 §6.3.11
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208 §4.1.4
    SIZE = b"SIZE"  # RFC 8438
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162 §3.1.7
    APPENDLIMIT = b"APPENDLIMIT"  # RFC 7889 §3.1
    MAILBOXID = b"MAILBOXID"  # RFC 8474 §4.3


_STATUS_ATTS = {att.value: att for att in StatusAtt}


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


def read_status(lexer: Lexer, tag: Tag) -> Status:
    """Take what is behind STATUS."""
    mailbox = read_next_mailbox(lexer)
    lexer.space()
    return Status(tag, mailbox, read_status_atts(lexer))


def read_status_atts(lexer: Lexer) -> tuple[StatusAtt, ...]:
    """Take a list of what is asked, each once.

    Raises:
        BadSyntax: There is none, or something that STATUS can't tell.
    """
    return tuple(dict.fromkeys(lexer.listed(lambda: _status_att(lexer))))


def _status_att(lexer: Lexer) -> StatusAtt:
    name = lexer.name("status-att")
    if name not in _STATUS_ATTS:
        raise BadSyntax("status-att", name)
    return _STATUS_ATTS[name]
