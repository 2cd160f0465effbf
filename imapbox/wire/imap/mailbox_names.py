"""Mailbox names as they are written, and the patterns of LIST.

Who enabled UTF8=ACCEPT or IMAP4rev2 writes them in UTF-8, and "&" is itself.
Others in modified UTF-7 (RFC 3501 §5.1.3): printable ASCII stands for itself, "&" is
"&-", and everything else is UTF-16BE in base64 without padding, with "," for
"/", between "&" and "-". Each name has exactly one such form, and only that
form is taken: a second one (``&AC8-`` for "/") would be a name that the checks
on names do not see.

LIST patterns (RFC 9051 §6.3.9): "*" is any characters, "%" any but "/".
"""

import binascii
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import DELIMITER, INBOX, MailboxName, mailbox_name
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

MAX_PATTERN: Final = 1024

_LIST_MAILBOX = re.compile(rb'[^(){ "\\\x00-\x1f\x7f-\xff]+')
_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_NOT_ITSELF = re.compile(r"&|[^\x20-\x7e]+")
_RUN_OF_WILDCARDS = re.compile(r"[*%]{2,}")


def encode_utf7(name: str) -> bytes:
    """Return ``name`` in modified UTF-7.

    Raises:
        UnicodeEncodeError: ``name`` holds a lone surrogate.
    """
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode()
    return _NOT_ITSELF.sub(_shift, name).encode()


def decode_utf7(octets: bytes) -> str:
    """Return the name that ``octets`` are in modified UTF-7.

    Raises:
        MailboxNameRefused: They are not what `encode_utf7` makes of any name.
    """
    try:
        name = "".join(
            piece.decode("ascii") if index % 2 == 0 else _unshift(piece)
            for index, piece in enumerate(_SHIFTED.split(octets))
        )
        if encode_utf7(name) == octets:
            return name
    except (UnicodeError, binascii.Error) as error:
        raise MailboxNameRefused(octets) from error
    raise MailboxNameRefused(octets)


@dataclass(frozen=True, slots=True)
class MailboxArgument:
    """The name of a mailbox as a client gave it: perhaps one that can't be.

    That it can't be is not a matter of syntax, so the answer is NO and not
    BAD: whoever asks for the name learns of it.

    Attributes:
        octets: As they were given.
        utf8: Whether they are UTF-8, and not modified UTF-7.
    """

    octets: bytes
    utf8: bool = False

    def text(self) -> str:
        """Return what was given, decoded.

        Raises:
            MailboxNameRefused: It can't be.
        """
        if not self.utf8:
            return decode_utf7(self.octets)
        try:
            return self.octets.decode()
        except UnicodeDecodeError as error:
            raise MailboxNameRefused(self.octets) from error

    def name(self) -> MailboxName:
        """Return the name, normalized.

        Raises:
            MailboxNameRefused: No mailbox can have this name.
        """
        return mailbox_name(self.text())


def read_mailbox(lexer: Lexer) -> MailboxArgument:
    """Take ``mailbox = "INBOX" / astring`` out of a command.

    Raises:
        BadSyntax: There is none.
    """
    return MailboxArgument(lexer.astring("mailbox"), lexer.utf8)


def read_next_mailbox(lexer: Lexer) -> MailboxArgument:
    """Take a space, and then as `read_mailbox`."""
    lexer.space()
    return read_mailbox(lexer)


def read_list_mailbox(lexer: Lexer) -> MailboxArgument:
    """Take ``list-mailbox = 1*list-char / string`` out of a command.

    Raises:
        BadSyntax: There is none, or it is longer than `MAX_PATTERN`.
    """
    if lexer.at(_LIST_MAILBOX):
        octets = lexer.match(_LIST_MAILBOX, "list-mailbox")
    else:
        octets = lexer.string("list-mailbox")
    if len(octets) > MAX_PATTERN:
        raise BadSyntax("list-mailbox", octets)
    return MailboxArgument(octets, lexer.utf8)


class ListPattern:
    """Tells which names a LIST means: those that match any of its patterns.

    All ways to match are followed at once, as the bits of an integer: bit n
    is set while the first n characters of the pattern match what was read of
    the name. Another pattern has the bits behind those. The cost is one step
    for each character of a name, for any patterns.

    Args:
        patterns: With the reference before each.
    """

    def __init__(self, *patterns: str) -> None:
        self._any = self._level = self._start = self._end = self._sure = 0
        self._literal: dict[str, int] = {}
        bit = 1
        for pattern in patterns:
            text = unicodedata.normalize("NFC", pattern)
            self._start |= bit
            for char in _RUN_OF_WILDCARDS.sub(_one_wildcard, text):
                if char == "*":
                    self._any |= bit
                elif char == "%":
                    self._level |= bit
                else:
                    self._literal[char] = self._literal.get(char, 0) | bit
                bit <<= 1
            self._end |= bit
            # A last "*" matches whatever follows.
            self._sure |= self._any & bit >> 1
            bit <<= 1

    def matches(self, name: MailboxName) -> bool:
        """Say whether ``name`` is meant. INBOX is INBOX in any case."""
        wild = self._any | self._level
        state = self._start | (self._start & wild) << 1
        inbox = len(INBOX) if name.split(DELIMITER, 1)[0] == INBOX else 0
        for index, char in enumerate(name):
            step = self._literal.get(char, 0)
            if index < inbox:
                step |= self._literal.get(char.lower(), 0)
            stay = self._any if char == DELIMITER else wild
            state = (state & step) << 1 | state & stay
            # A wildcard also matches nothing.
            state |= (state & wild) << 1
            if not state:
                return False
            if state & self._sure:
                return True
        return bool(state & self._end)


def _one_wildcard(run: re.Match[str]) -> str:
    return "*" if "*" in run[0] else "%"


def _shift(run: re.Match[str]) -> str:
    if run[0] == "&":
        return "&-"
    base64 = binascii.b2a_base64(run[0].encode("utf-16-be"), newline=False)
    return f"&{base64.rstrip(b'=').replace(b'/', b',').decode()}-"


def _unshift(base64: bytes) -> str:
    if not base64:
        return "&"
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    return binascii.a2b_base64(padded, strict_mode=True).decode("utf-16-be")
