"""A client that says what it is told to, and keeps what it hears."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLong
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure

_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n\Z")
_TAG: Final = b"contract%d"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to one command.

    Attributes:
        status: OK, NO or BAD; b"" if the connection was closed instead.
        text: Of the tagged line, behind the status, with its response code.
        lines: Everything untagged that came before it, without line ends at
            their ends; literals are inside.
    """

    status: bytes
    text: bytes
    lines: Sequence[bytes]

    @property
    def whole(self) -> bytes:
        """All of it, for messages."""
        return b"\r\n".join([*self.lines, self.status + b" " + self.text])

    def about(self, pattern: bytes) -> list[re.Match[bytes]]:
        """Return the matches of a pattern with the untagged lines, in order."""
        found = (re.match(pattern, line, re.DOTALL) for line in self.lines)
        return [match for match in found if match]

    def one(self, pattern: bytes) -> re.Match[bytes]:
        """Return the only match of a pattern with the untagged lines.

        Raises:
            AssertionError: There is none, or there are more.
        """
        found = self.about(pattern)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} times {pattern!r}: {self.whole!r}")
        return found[0]

    def ok(self) -> "Answer":
        """Return this answer.

        Raises:
            AssertionError: It is not OK.
        """
        return self.is_(b"OK")

    def is_(self, *statuses: bytes) -> "Answer":
        """Return this answer.

        Raises:
            AssertionError: Its status is none of these.
        """
        if self.status not in statuses:
            raise AssertionError(f"not {statuses!r}: {self.whole!r}")
        return self


class Client(Protocol):
    """One connection to the server that is tested.

    Attributes:
        patience: How many seconds it waits for anything.
    """

    transport: Any

    def __init__(self, reactor: Any, patience: float) -> None:
        self.patience = patience
        self.closed = False
        self._reactor = reactor
        self._heard = b""
        self._commands = 0
        self._waiting: Deferred[None] | None = None
        self._connected: Deferred[None] = Deferred()

    async def connect(self, address: Any) -> None:
        """Connect to a TCP port of this host, and wait until that is done."""
        factory = ClientFactory.forProtocol(lambda: self)
        factory.noisy = False
        self._reactor.connectTCP(address.host, address.port, factory)
        await self._connected

    async def hang_up(self) -> None:
        """Close the connection, if it is open."""
        if not self.closed:
            self.transport.abortConnection()
            while not self.closed:
                await self._something()

    def connectionMade(self) -> None:
        """Let `connect` return."""
        self._connected.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Keep what the server says."""
        self._heard += data
        self._look_again()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note that there is nobody any more."""
        del reason
        self.closed = True
        self._look_again()

    def write(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.transport.write(octets)

    async def say(self, *pieces: bytes) -> Answer:
        """Send a command and return what is answered.

        Args:
            pieces: Text and literals in turn; a literal is sent when the
                server asks for it, and not at all if it refuses it.
        """
        tag = self.begin(b"")
        lines: list[bytes] = []
        for text, literal in zip(pieces[::2], pieces[1::2], strict=False):
            self.write(b"%b{%d}\r\n" % (text, len(literal)))
            while not (line := await self.response()).startswith(b"+"):
                lines.append(line)
                if not line or line.startswith(tag + b" "):
                    return _answer(tag, lines)
            self.write(literal)
        self.write((pieces[-1] if len(pieces) % 2 else b"") + b"\r\n")
        return await self.answer(tag, lines)

    def begin(self, command: bytes) -> bytes:
        """Send a tag and what is behind it; return the tag."""
        self._commands += 1
        tag = _TAG % self._commands
        self.write(b"%b %b" % (tag, command))
        return tag

    async def answer(self, tag: bytes, lines: Sequence[bytes] = ()) -> Answer:
        """Return what is answered to the command of this tag.

        Args:
            tag: Of the command.
            lines: What was heard before.
        """
        heard = list(lines)
        while True:
            heard.append(line := await self.response())
            if not line or line.startswith(tag + b" "):
                return _answer(tag, heard)

    async def response(self) -> bytes:
        """Return the next line, literals inside; b"" when the connection is closed.

        Raises:
            AssertionError: None came in time.
        """
        while (end := self._end_of_response()) is None:
            if self.closed:
                return b""
            await self._something()
        line, self._heard = self._heard[: end - 2], self._heard[end:]
        return line

    async def _something(self) -> None:
        self._waiting = Deferred()
        self._waiting.addTimeout(self.patience, self._reactor)
        try:
            await self._waiting
        except TooLong:
            raise AssertionError(f"no answer, only {self._heard!r}") from None

    def _end_of_response(self) -> int | None:
        at = 0
        while (end := self._heard.find(b"\r\n", at)) >= 0:
            literal = _LITERAL.search(self._heard, at, end + 2)
            if literal is None:
                return end + 2
            at = literal.end() + int(literal[1])
        return None

    def _look_again(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


def _answer(tag: bytes, lines: Sequence[bytes]) -> Answer:
    *before, last = lines
    status, _, text = last.removeprefix(tag).strip().partition(b" ")
    return Answer(status, text, before)
