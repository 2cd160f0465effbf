"""GENURLAUTH, RESETKEY and URLFETCH: let others have some of one's mail.

RFC 4467 §9, from knowledge::

    genurlauth    = "GENURLAUTH" 1*(SP url-rump SP mechanism)
    resetkey      = "RESETKEY" [SP mailbox *(SP mechanism)]
    urlfetch      = "URLFETCH" 1*(SP url-full)
    url-rump, url-full = astring
    mechanism     = atom
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.tags import Tag

MAX_URLS: Final = 100


@dataclass(frozen=True, slots=True)
class GenUrlAuth(Command):
    """Authorise these URLs. RFC 4467 §7.2.

    Attributes:
        urls: Each with the mechanism that is to do it, upper case.
    """

    name: ClassVar[str] = "GENURLAUTH"
    urls: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class ResetKey(Command):
    """Let no URL be authorised any more that was so far. RFC 4467 §7.1.

    Attributes:
        mailbox: Of this one; None for all.
        mechanisms: With which ones that shall go on, upper case.
    """

    name: ClassVar[str] = "RESETKEY"
    mailbox: MailboxArgument | None = None
    mechanisms: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class UrlFetch(Command):
    """Tell me what these URLs lead to. RFC 4467 §7.3.

    Attributes:
        urls: As they were given.
    """

    name: ClassVar[str] = "URLFETCH"
    urls: tuple[bytes, ...]


def read_genurlauth(lexer: Lexer, tag: Tag) -> GenUrlAuth:
    """Take what is behind GENURLAUTH."""
    urls: list[tuple[bytes, bytes]] = []
    while lexer.has_more or not urls:
        lexer.space()
        url = lexer.astring("url")
        lexer.space()
        urls.append((url, lexer.name("mechanism")))
    _check(len(urls))
    return GenUrlAuth(tag, tuple(urls))


def read_resetkey(lexer: Lexer, tag: Tag) -> ResetKey:
    """Take what is behind RESETKEY."""
    if not lexer.has_more:
        return ResetKey(tag)
    mailbox = read_next_mailbox(lexer)
    mechanisms = []
    while lexer.accept(b" "):
        mechanisms.append(lexer.name("mechanism"))
    return ResetKey(tag, mailbox, tuple(mechanisms))


def read_urlfetch(lexer: Lexer, tag: Tag) -> UrlFetch:
    """Take what is behind URLFETCH."""
    urls: list[bytes] = []
    while lexer.has_more or not urls:
        lexer.space()
        urls.append(lexer.astring("url"))
    _check(len(urls))
    return UrlFetch(tag, tuple(urls))


def _check(count: int) -> None:
    if count > MAX_URLS:
        raise BadSyntax("number of URLs")
