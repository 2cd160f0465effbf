"""What the stock server reads, made safe: lines, literals, and their order."""

import re
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.mail import imap4
from twisted.mail.imap4 import IllegalClientResponse

from imapbox.compat.rebinding import rebind_commands

_log = Logger()

_LITERAL: Final = re.compile(rb"\{([^{}\"]*)\}\Z")
_SIZE: Final = re.compile(rb"[0-9]{1,10}")
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\["\\])*)"(?: |\Z)')
_ESCAPED: Final = re.compile(rb'\\(["\\])')


# Twisted's class has no types.
_Stock: Any = imap4.IMAP4Server


class Reading(_Stock):  # type: ignore[misc]  # see above
    """The stock server, one command after the other, and nothing unasked.

    Attributes:
        MAX_LENGTH: Octets of a line; the stock server has 16384.
        message_limit: The largest message that APPEND takes, octets.
    """

    MAX_LENGTH = 64 * 1024
    message_limit: ClassVar[int] = 64 * 1024 * 1024

    _running: bytes | None = None
    _held = False
    _resuming: IDelayedCall | None = None

    def __init_subclass__(cls, **more: Any) -> None:
        """Let overriding reach the commands, in subclasses of subclasses, too."""
        super().__init_subclass__(**more)
        rebind_commands(cls)

    # Lines.

    def lineReceived(self, line: bytes) -> None:
        """Take a line, unless it is none that a client may send."""
        if self.parseState != "idle" and (mistake := self._mistake(line)):
            self._refuse(line, mistake)
            return
        super().lineReceived(line)
        self._hold()

    def rawDataReceived(self, data: bytes) -> None:
        """Take octets of a literal."""
        super().rawDataReceived(data)
        self._hold()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Say why the connection ends."""
        del line
        self._end(b"The line is too long.")

    def _mistake(self, line: bytes) -> bytes:
        """Say what is wrong with a line; nothing, if it can be read."""
        if b"\0" in line:
            return b"NUL is not allowed."
        literal = _LITERAL.search(line)
        if literal is not None and not _SIZE.fullmatch(literal[1]):
            return b"Not the size of a literal."
        if self.parseState == "command" and not b"".join(line.split()[1:2]).isascii():
            return b"Not a command."
        return b""

    def _refuse(self, line: bytes, mistake: bytes) -> None:
        """Answer BAD to a line that is not looked into any further."""
        if self.parseState == "command":
            self._running = (line.split() or [b"*"])[0]
        self._answer(b"BAD", mistake)
        if line.endswith(b"+}"):
            # What comes next is not for us to read as commands.
            self._end(b"Literals have to wait.")

    def _end(self, reason: bytes) -> None:
        self.sendLine(b"* BYE " + reason)
        self.transport.loseConnection()

    # Order.

    def parse_command(self, line: bytes) -> None:
        """Do a command; what is pipelined behind it waits for its answer."""
        try:
            super().parse_command(line)
        except Exception:  # noqa: BLE001 - logged, and answered
            _log.failure("a command failed")
            self._answer(b"BAD", b"Server error.")

    def dispatchCommand(
        self, tag: bytes, cmd: bytes, rest: bytes | None, uid: int | None = None
    ) -> None:
        """Begin a command."""
        self._running = tag
        super().dispatchCommand(tag, cmd, rest or b"", uid)

    def connectionLost(self, reason: Any) -> None:
        """Forget what waits."""
        if self._resuming is not None and self._resuming.active():
            self._resuming.cancel()
        super().connectionLost(reason)

    def _answer(self, status: bytes, text: bytes) -> None:
        """Answer the command that runs."""
        self._respond(status, self._running, text)

    def _respond(self, state: bytes, tag: bytes | None, message: bytes | None) -> None:
        super()._respond(state, tag, message)
        if tag is not None and tag == self._running:
            self._running = None
            if self._held:
                self._held = False
                # The stock server changes its state after it has answered.
                self._resuming = self.callLater(0, self.resumeProducing)

    def _hold(self) -> None:
        """Read no further until the command that runs has been answered."""
        if self._running and not self._held and self.parseState == "command":
            self._held = True
            self.pauseProducing()

    # Arguments.

    def _fileLiteral(self, size: int) -> Any:
        if size > self.message_limit:
            raise IllegalClientResponse("Literal too long")
        return super()._fileLiteral(size)

    def arg_astring(self, line: bytes, final: bool = False) -> Any:  # noqa: FBT002 - Twisted's
        """Read an astring; a quoted one may have escapes in it."""
        line = line.strip()
        if line.startswith(b'"'):
            quoted = _QUOTED.match(line)
            if quoted is None:
                raise IllegalClientResponse("Unmatched quotes")
            return _ESCAPED.sub(rb"\1", quoted[1]), line[quoted.end() :]
        return super().arg_astring(line, final)

    def arg_seqset(self, line: bytes) -> Any:
        """Read a set of numbers, of which ``*:*`` is one."""
        numbers, space, rest = line.partition(b" ")
        return super().arg_seqset(numbers.replace(b"*:*", b"*") + space + rest)

    def arg_fetchatt(self, line: bytes) -> Any:
        """Read what FETCH asks for, at least one item."""
        if not line:
            raise IllegalClientResponse("Missing argument")
        try:
            return super().arg_fetchatt(line)
        except IllegalClientResponse:
            raise
        except Exception as error:
            raise IllegalClientResponse("Not an item of FETCH") from error

    def arg_searchkeys(self, line: bytes, before: bytes = b"") -> Any:
        """Read the keys of a SEARCH; their strings may be literals."""
        if not before + (line or b""):
            raise IllegalClientResponse("Missing argument")
        literal = _LITERAL.search(line)
        if literal is None:
            return super().arg_searchkeys(before + line)

        def go_on(found: tuple[bytes, bytes]) -> Any:
            octets, rest = found
            return self.arg_searchkeys(rest, before + line + b"\r\n" + octets)

        return self._stringLiteral(int(literal[1])).addCallback(go_on)
