"""The header lines that we put before a message, and those we look for.

They say what only the last server knows: who sent it (Return-Path), to whom it
went (Delivered-To), and by what way it came to us (Received). A message that
comes with a Delivered-To of its own recipient has been here before.

See Also:
    RFC 5321 §4.4 (Return-Path and Received), RFC 6531 §4.3 (UTF8LMTP).
"""

import re
import unicodedata
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Final

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_DELIVERED_TO = re.compile(
    rb"\ndelivered-to[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE
)
_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Client:
    """Who hands a message over.

    Attributes:
        name: What it called itself.
        host: Its IP address, or None on a UNIX socket.
    """

    name: str
    host: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """What our lines say about a message, whoever gets it.

    Attributes:
        reverse_path: The sender, or "".
        client: Who hands it over.
        hostname: Who we are.
        smtputf8: Whether the client said that UTF-8 is in it.
        transaction: Its name in our log.
        seconds: When it came, since 1970.
    """

    reverse_path: str
    client: Client
    hostname: str
    smtputf8: bool
    transaction: str
    seconds: float
    _received: str = field(init=False)
    _date: str = field(init=False)

    def __post_init__(self) -> None:
        # Whoever gets it, these are the same.
        protocol = "UTF8LMTP" if self.smtputf8 else "LMTP"
        received = (
            f"Received: from {_name(self.client.name)}{_literal(self.client.host)}\r\n"
            f"\tby {_name(self.hostname)} with {protocol} id {self.transaction}\r\n"
        )
        object.__setattr__(self, "_received", received)
        object.__setattr__(self, "_date", _date(int(self.seconds)))

    def header(self, address: str) -> bytes:
        """Return the lines for one recipient, each with its CRLF."""
        return (
            f"Return-Path: <{self.reverse_path}>\r\n"
            f"Delivered-To: {address}\r\n"
            f"{self._received}"
            f"\tfor <{address}>; {self._date}\r\n"
        ).encode()


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return formatdate(seconds, localtime=True)


def _name(text: str) -> str:
    return _NOT_A_NAME.sub("?", text)


def _literal(host: str | None) -> str:
    if host is None:
        return ""
    return f" ([IPv6:{_name(host)}])" if ":" in host else f" ([{_name(host)}])"


def delivered_to(start: bytes) -> frozenset[str]:
    """Return whom a message was delivered to before, each `normalized`.

    Args:
        start: How the message begins; a header beyond it is not looked at.
    """
    # A message may begin with the empty line that ends its header.
    text = b"\r\n" + start
    ends = [at for at in (text.find(b"\r\n\r\n"), text.find(b"\n\n")) if at >= 0]
    header = text[: min(ends, default=None)]
    if b"delivered-to" not in header.lower():
        return frozenset()
    return frozenset(
        normalized(found[1].decode("utf-8", "replace").strip())
        for found in _DELIVERED_TO.finditer(header)
    )


def normalized(address: str) -> str:
    """Return ``address`` as we compare it: NFC, ASCII letters in lower case."""
    return unicodedata.normalize("NFC", address).translate(_ASCII_LOWER)
