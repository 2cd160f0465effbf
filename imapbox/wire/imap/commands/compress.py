"""COMPRESS: let what is said be shorter. RFC 4978 §3.

RFC 4978 §5::

    compress  = "COMPRESS" SP algorithm
    algorithm = "DEFLATE"
"""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """Compress both ways from now on.

    Attributes:
        mechanism: Uppercase; perhaps one that nobody knows.
    """

    name: ClassVar[str] = "COMPRESS"
    mechanism: bytes


def read_compress(lexer: Lexer, tag: Tag) -> Compress:
    """Take what is behind COMPRESS."""
    lexer.space()
    return Compress(tag, lexer.name("algorithm"))
