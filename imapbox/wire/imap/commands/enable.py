"""ENABLE: what a client takes of what is offered. RFC 5161 §3.1, RFC 9051 §6.3.1.

RFC 9051 §9::

    enable = "ENABLE" 1*(SP capability)
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """Go on with these extensions.

    Attributes:
        capabilities: Uppercase, in the client's order; what nobody knows, too.
    """

    name: ClassVar[str] = "ENABLE"
    capabilities: tuple[bytes, ...]


def read_enable(lexer: Lexer, tag: Tag) -> Enable:
    """Take what is behind ENABLE."""
    capabilities: list[bytes] = []
    while not capabilities or lexer.next_is(b" "):
        lexer.space()
        capabilities.append(lexer.name("capability"))
    return Enable(tag, tuple(capabilities))
