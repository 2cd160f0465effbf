"""From a stream of bytes to whole commands.

A command is text, literal, text, …, text. It is framed whole before anything
of it is parsed, so that no octet of a literal is ever read as syntax, and so
that the framer alone decides where a command ends: at a CRLF that no literal
follows. APPEND's message is the exception: it may be large, so it is handed
on as it arrives, after the session has seen what stands before it. Of a CATENATE
(RFC 4469 §5) each TEXT is handed on so; its URLs are arguments like others.

RFC 9051 §9, RFC 7888 §8::

    literal  = "{" number64 ["+"] "}" CRLF *CHAR8
    literal8 = "~{" number64 ["+"] "}" CRLF *OCTET

Only APPEND's message may be a literal8 (RFC 3516 §4.4). The "~" is left at the end
of the text, where no other grammar of ours takes it.

A literal that we will not hold is never invited with "+"; one that comes
without being invited (RFC 7888 §4) is read and thrown away, together with the
rest of its command, or the connection ends.

See Also:
    RFC 9051 §4.3 (literals), §6.2.1 (STARTTLS), §6.3.12 (APPEND).
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias, TypeVar

from imapbox.wire.errors import BadSyntax, CommandTooLong, LiteralTooBig, WireError
from imapbox.wire.imap.events import (
    AppendAnnounced,
    AppendEnded,
    CommandReady,
    ContinuationWanted,
    Event,
    LiteralChunk,
)
from imapbox.wire.imap.tags import Tag, leading_tag

KIB: Final = 1024
MAX_NUMBER64: Final = 2**63 - 1
_MAX_DIGITS: Final = len(str(MAX_NUMBER64))

_CRLF: Final = b"\r\n"
_LITERAL = re.compile(rb"\{([0-9]+)(\+?)\}\Z")
# A literal behind it is no octets of a message but an argument.
_URL = re.compile(rb"[ (]url \Z", re.IGNORECASE)
# A CR or an LF that is not part of CRLF ends nothing and has no place.
_FORBIDDEN = re.compile(rb"[\x00\r\n]")
# What has a message, up to where its mailbox is named.
_APPEND = re.compile(rb"[^ ]+ (?:append|(?:uid )?replace [^ ]+) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may make us hold, in octets.

    Attributes:
        line: All text of one command, literals aside.
        literals: All literals of one command, APPEND's message aside.
        discard: What we read only to throw it away, for one command.
    """

    line: int
    literals: int
    discard: int


BEFORE_LOGIN: Final = Limits(line=8 * KIB, literals=8 * KIB, discard=8 * KIB)
# Not even an empty literal is invited where no password may come.
NO_LITERALS: Final = replace(BEFORE_LOGIN, literals=-1)
# Whoever sends a large message with LITERAL+ to a mailbox that is not there
# should read why, not lose the connection and try for ever: RFC 7888 §4.
AFTER_LOGIN: Final = Limits(line=64 * KIB, literals=128 * KIB, discard=64 * KIB * KIB)


T = TypeVar("T")
_Reads: TypeAlias = Generator[Event | WireError | None, None, T]
_Reading: TypeAlias = _Reads[None]


class _Literal(NamedTuple):
    """An announcement at the end of a line."""

    text: bytes
    size: int
    synchronizing: bool


@dataclass(slots=True)
class _Spent:
    """What a command has cost so far.

    Attributes:
        tag: Its tag, once its first line is there.
        texts: Octets of text.
        literals: Octets of literals, messages aside.
        began: Whether its first line is there.
    """

    tag: Tag | None = None
    texts: int = 0
    literals: int = 0
    began: bool = False


class _Stretch(NamedTuple):
    """Text, literal, text, …, text, up to a message or to the command's end."""

    parts: tuple[bytes, ...]
    message: _Literal | None


class CommandFramer:
    """Turn bytes into events. Does no I/O and keeps no clock.

    Attributes:
        limits: May be set at any time; raised at login.
    """

    def __init__(self, limits: Limits = BEFORE_LOGIN) -> None:
        self.limits = limits
        self._unread = bytearray()
        self._scanned = 0
        self._closed = False
        self._announced: tuple[_Literal, Tag | None] | None = None
        self._accepted = False
        self._reading = self._commands()

    def receive(self, data: bytes) -> None:
        """Take in what arrived. Ask `next_event` what it completes."""
        if not self._closed:
            self._unread += data

    @property
    def buffered(self) -> int:
        """How many octets have arrived and were not asked for yet.

        Not 0 when STARTTLS has been received: somebody put words into the
        client's mouth, and the session ends (RFC 9051 §6.2.1).
        """
        return len(self._unread)

    def discard_buffered(self) -> None:
        """Forget what has arrived and was not asked for yet."""
        self._take(len(self._unread))

    def next_event(self) -> Event | None:
        """Return the next event, or None until more arrives.

        One at a time, so that the session can stop between two.

        Raises:
            BadSyntax: A line holds what no command can. It was dropped; the
                next call reads on behind its command.
            LiteralTooBig: The same, for a literal beyond the limit.
            CommandTooLong: The connection cannot be read any further.
        """
        if self._closed:
            return None
        event = next(self._reading)
        if isinstance(event, WireError):
            raise event
        return event

    def next_line(self, limit: int) -> bytes | None:
        """Return the next line without its CRLF, or None until it is there.

        For what is no command: a client's part of AUTHENTICATE, IDLE's DONE.
        Only between two commands.

        Raises:
            CommandTooLong: The line has more than ``limit`` octets.
        """
        return None if self._closed else self._take_line(limit)

    def accept_literal(self) -> None:
        """Let the announced message come, as `LiteralChunk`s.

        Whoever calls this sends the "+", if the client waits for it.
        """
        self._accepted = True
        self._announced = None

    def refuse_literal(self) -> None:
        """End the command whose message was announced. The caller answers it.

        Raises:
            CommandTooLong: The message comes nevertheless (LITERAL+), and is
                too large to be thrown away.
        """
        if self._announced is None:
            return
        literal, tag = self._announced
        self._accepted = False
        self._announced = None
        if not literal.synchronizing and literal.size > self.limits.discard:
            raise self._close(tag)

    def _commands(self) -> _Reading:
        while True:
            yield from self._command()

    def _command(self) -> _Reading:
        spent = _Spent()
        stretch = yield from self._stretch(spent)
        if stretch is not None and stretch.message is None:
            yield CommandReady(stretch.parts)
        elif stretch is not None:
            spent.texts = 0
            yield from self._messages(stretch, spent)

    def _stretch(self, spent: _Spent) -> _Reads[_Stretch | None]:
        """Read up to a message, or to the end; None if that was refused."""
        parts: list[bytes] = []
        within = spent.began
        while True:
            line = yield from self._line(spent.texts, spent.tag, first=not spent.began)
            spent.texts += len(line)
            if not spent.began:
                spent.began = True
                spent.tag = leading_tag(line)
            literal = _announcement(line)
            if error := _fault(line, literal, spent.tag):
                yield from self._refuse(error, literal)
                return None
            if literal is None:
                return _Stretch((*parts, line), None)
            parts.append(literal.text)
            if _is_message(parts, within=within):
                return _Stretch(tuple(parts), literal)
            spent.literals += literal.size
            if spent.literals > self.limits.literals:
                too_big = LiteralTooBig("literal", b"", spent.tag)
                yield from self._refuse(too_big, literal)
                return None
            parts.append((yield from self._literal(literal)))

    def _literal(
        self, literal: _Literal
    ) -> Generator[ContinuationWanted | None, None, bytes]:
        if literal.synchronizing:
            yield ContinuationWanted(literal.size)
        while len(self._unread) < literal.size:
            yield None
        return self._take(literal.size)

    def _messages(self, stretch: _Stretch, spent: _Spent) -> _Reading:
        """Hand on one message after the other. RFC 3502 §6.3.11."""
        while (message := stretch.message) is not None:
            self._announced = (message, spent.tag)
            yield AppendAnnounced(stretch.parts, message.size, message.synchronizing)
            while self._announced is not None:
                yield None
            if not self._accepted:
                yield from self._skip(message)
                return
            yield from self._message(message.size)
            following = yield from self._stretch(spent)
            if following is None:
                return
            stretch = following
        yield AppendEnded(stretch.parts)

    def _message(self, size: int) -> Generator[LiteralChunk | None, None, None]:
        while size:
            if self._unread:
                chunk = self._take(min(size, len(self._unread)))
                size -= len(chunk)
                yield LiteralChunk(chunk)
            else:
                yield None

    def _refuse(self, error: WireError, literal: _Literal | None) -> _Reading:
        """Report ``error``; read on behind the command that it is about."""
        uninvited = literal is not None and not literal.synchronizing
        if literal and uninvited and literal.size > self.limits.discard:
            raise self._close(error.tag)
        yield error
        yield from self._skip(literal)

    def _skip(self, literal: _Literal | None) -> _Reading:
        """Throw away ``literal``, if it comes uninvited, and what follows it.

        A literal that waits to be invited has ended its command: the client
        has read our answer instead.
        """
        budget = self.limits.discard
        while literal and not literal.synchronizing:
            budget -= literal.size
            if budget < 0:
                raise self._close(None)
            left = literal.size
            while left:
                gone = len(self._take(min(left, len(self._unread))))
                left -= gone
                if left:
                    yield None
            line = yield from self._line()
            literal = _announcement(line)

    def _line(
        self, spent: int = 0, tag: Tag | None = None, *, first: bool = False
    ) -> Generator[None, None, bytes]:
        """Read a line of a command that has ``spent`` octets of text so far."""
        while True:
            limit = self.limits.line - spent
            if (line := self._take_line(limit, tag, first=first)) is not None:
                return line
            yield None

    def _take_line(
        self, limit: int, tag: Tag | None = None, *, first: bool = False
    ) -> bytes | None:
        end = self._unread.find(_CRLF, self._scanned)
        if end > limit or (end < 0 and len(self._unread) > limit + 1):
            if first:
                word, space, _ = bytes(self._unread[:limit]).partition(b" ")
                tag = leading_tag(word) if space else None
            raise self._close(tag)
        if end < 0:
            # Bytes that come one by one are looked at once; a CR that is last
            # may find its LF.
            self._scanned = max(len(self._unread) - 1, 0)
            return None
        return self._take(end + len(_CRLF))[: -len(_CRLF)]

    def _take(self, size: int) -> bytes:
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        self._scanned = 0
        return taken

    def _close(self, tag: Tag | None) -> CommandTooLong:
        """Stop reading for good, and return the reason."""
        self._closed = True
        self._unread.clear()
        return CommandTooLong("command", b"", tag)


def _announcement(line: bytes) -> _Literal | None:
    """Return the literal that the end of ``line`` announces.

    Only this line is looked at: the end of a literal may look like "{5}" too.
    Anything that is not digits (``{-1}``, ``{ 5}``, ``{1_0}``) announces
    nothing, and the parser refuses its "{". A number beyond 63 bits comes out
    larger than `MAX_NUMBER64`.
    """
    match = _LITERAL.search(line) if line.endswith(b"}") else None
    if match is None:
        return None
    digits = match[1]
    size = int(digits) if len(digits) <= _MAX_DIGITS else MAX_NUMBER64 + 1
    return _Literal(line[: match.start()], size, not match[2])


def _fault(line: bytes, literal: _Literal | None, tag: Tag | None) -> BadSyntax | None:
    """Say what no command can hold."""
    if _FORBIDDEN.search(line):
        return BadSyntax("line", line, tag)
    if literal and literal.size > MAX_NUMBER64:
        return BadSyntax("number64", line, tag)
    return None


def _is_message(parts: Sequence[bytes], *, within: bool) -> bool:
    """Say whether the literal behind ``parts`` is a message, or a part of one.

    The first literal may be the mailbox: then nothing is between it and the
    command's name, or the number of what is to be replaced (RFC 8508 §5).

    Args:
        parts: Since the last message, or since the command began.
        within: Whether there was a message.
    """
    behind_mailbox = 0
    if not within:
        append = _APPEND.match(parts[0])
        if append is None or (len(parts) == 1 and append.end() == len(parts[0])):
            return False
        # A mailbox may be called URL.
        behind_mailbox = append.end() if len(parts) == 1 else 0
    return _URL.search(parts[-1], behind_mailbox) is None
