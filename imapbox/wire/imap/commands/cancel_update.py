"""CANCELUPDATE. RFC 5267 §4.3.5.

RFC 5267 §5::

    command-select =/ "CANCELUPDATE" 1*(SP quoted)
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class CancelUpdate(Command):
    """Tell me nothing more of these results.

    Attributes:
        tags: Of the commands that asked for updates, perhaps of none.
    """

    name: ClassVar[str] = "CANCELUPDATE"
    tags: tuple[bytes, ...]


def read_cancel_update(lexer: Lexer, tag: Tag) -> CancelUpdate:
    """Take what is behind CANCELUPDATE."""
    tags = []
    lexer.space()
    tags.append(lexer.string("tag"))
    while lexer.accept(b" "):
        tags.append(lexer.string("tag"))
    return CancelUpdate(tag, tuple(tags))
