"""Commands before login. RFC 9051 §6.2.

RFC 9051 §9::

    authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]
                   *(CRLF base64)
    initial-resp = (base64 / "=")
    base64       = *(4base64-char) [base64-terminal]
    login        = "LOGIN" SP userid SP password
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import ClassVar

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag

_BASE64 = re.compile(
    rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
)


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """Let us speak TLS. RFC 9051 §6.2.1."""

    name: ClassVar[str] = "STARTTLS"


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """Let us speak SASL. RFC 9051 §6.2.2.

    Attributes:
        mechanism: Uppercase.
        initial_response: Decoded; None if the client gave none, which is not
            the same as an empty one.
    """

    name: ClassVar[str] = "AUTHENTICATE"
    mechanism: str
    initial_response: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login(Command):
    """A name and a password. RFC 9051 §6.2.3."""

    name: ClassVar[str] = "LOGIN"
    userid: bytes
    password: bytes = field(repr=False)


def read_authenticate(lexer: Lexer, tag: Tag) -> Authenticate:
    """Take what is behind AUTHENTICATE."""
    lexer.space()
    mechanism = lexer.name("auth-type").decode()
    response = None
    if lexer.accept(b" "):
        given = lexer.atom("initial-resp")
        response = b"" if given == b"=" else decode_base64(given)
    return Authenticate(tag, mechanism, response)


def read_login(lexer: Lexer, tag: Tag) -> Login:
    """Take what is behind LOGIN."""
    lexer.space()
    userid = lexer.astring("userid")
    lexer.space()
    return Login(tag, userid, lexer.astring("password"))


def parse_sasl_line(line: bytes) -> bytes | None:
    """Decode a line that answers a challenge; None if it is "*", a cancel.

    Raises:
        BadSyntax: It is not base64.
    """
    return None if line == b"*" else decode_base64(line)


def decode_base64(text: bytes) -> bytes:
    """Decode base64 that is padded as it must be and holds nothing else.

    Raises:
        BadSyntax: It isn't, or it does. The exception does not hold ``text``,
            which may be a password.
    """
    if not _BASE64.fullmatch(text):
        raise BadSyntax("base64")
    return binascii.a2b_base64(text)
