r"""The server's side of SASL PLAIN, without I/O.

RFC 4616 §2::

    message = [authzid] UTF8NUL authcid UTF8NUL passwd

RFC 9051 §6.2.2 has it in base64, as the command's argument (where "=" stands
for nothing) or as the answer to "+"; a line "*" cancels.
"""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from imapbox.auth.errors import AuthorizationRefused
from imapbox.model.names import user_name

# RFC 4616 §2 asks for 255 octets of each; longer ones are nobody's.
MAX_PART_BYTES: Final = 1024
_MESSAGE = re.compile(
    rb"([^\0]{0,%(most)d})\0([^\0]{1,%(most)d})\0([^\0]{1,%(most)d})"
    % {b"most": MAX_PART_BYTES}
)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class BadSasl(Exception):
    """The client's response is not base64, or not a PLAIN message."""


class SaslCancelled(Exception):
    """The client gave up the exchange."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the client says it is, and its password."""

    user: bytes
    password: bytes

    def __repr__(self) -> str:
        """Say nothing of the password: this may end up in a log."""
        return f"<Credentials of {self.user!r}>"


def decode_initial(text: bytes) -> bytes:
    """Decode an initial response (RFC 4959 §3): "=" is an empty one.

    Raises:
        BadSasl: It is not base64.
    """
    return b"" if text == b"=" else _decode(text)


def decode_response(line: bytes) -> bytes:
    """Decode the line that answers a "+", without its CRLF.

    Raises:
        SaslCancelled: It is "*".
        BadSasl: It is not base64.
    """
    if line == b"*":
        raise SaslCancelled
    return _decode(line)


def plain_credentials(message: bytes) -> Credentials:
    """Read a PLAIN message.

    Raises:
        BadSasl: It is not one.
        AuthorizationRefused: It asks to act as somebody else.
    """
    parts = _MESSAGE.fullmatch(message)
    if parts is None:
        raise BadSasl("message")
    authzid, authcid, passwd = parts.groups()
    actor, user, _ = _text(authzid), _text(authcid), _text(passwd)
    if actor and user_name(actor) != user_name(user):
        raise AuthorizationRefused
    return Credentials(authcid, passwd)


def _decode(text: bytes) -> bytes:
    # Python's own strictness lets some bad padding through.
    if not _BASE64.fullmatch(text):
        raise BadSasl("base64")
    decoded = binascii.a2b_base64(text)
    # Bits behind the end could smuggle a difference past a log or a filter.
    if binascii.b2a_base64(decoded, newline=False) != text:
        raise BadSasl("base64")
    return decoded


def _text(part: bytes) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError:
        raise BadSasl("utf-8") from None
