"""ID: client and server say what they are.

RFC 2971 §4::

    id             = "ID" SP id-params-list
    id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil

§3.3 has the limits: 30 fields, names of 30 octets, values of 1024.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag

MAX_FIELDS: Final = 30
MAX_NAME: Final = 30
MAX_VALUE: Final = 1024


@dataclass(frozen=True, slots=True)
class Id(Command):
    """What are you? RFC 2971 §3.1.

    Attributes:
        fields: What the client says of itself, in its order; none for NIL.
    """

    name: ClassVar[str] = "ID"
    fields: tuple[tuple[bytes, bytes | None], ...]


def read_id(lexer: Lexer, tag: Tag) -> Id:
    """Take what is behind ID."""
    lexer.space()
    if lexer.accept_nil() or lexer.accept(b"()"):
        return Id(tag, ())
    fields = lexer.listed(lambda: _field(lexer))
    if len(fields) > MAX_FIELDS:
        raise BadSyntax("id-params-list")
    return Id(tag, tuple(fields))


def _field(lexer: Lexer) -> tuple[bytes, bytes | None]:
    name = lexer.string("field")
    lexer.space()
    value = None if lexer.accept_nil() else lexer.string("value")
    if len(name) > MAX_NAME or len(value or b"") > MAX_VALUE:
        raise BadSyntax("id-params-list", name)
    return name, value
