"""An IMAP client that keeps the server's lines and understands EXISTS."""

import re
from typing import Final

from benchmarks.load.connection import PATIENCE, Connection

_ENDS_IN_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n$")
_LAST_LINE: Final = 1024  # a tagged answer is shorter
_EXISTS: Final = re.compile(rb"\* (\d+) EXISTS\r\n", re.IGNORECASE)


class Refused(Exception):
    """A command was answered by NO or BAD."""


class ImapClient(Connection):
    """One IMAP connection.

    Attributes:
        exists: What the server last said the selected mailbox holds.
    """

    def __init__(
        self, address: tuple[str, int] | str, *, patience: float = PATIENCE
    ) -> None:
        super().__init__(address, patience=patience)
        self.exists = 0
        self._commands = 0
        self.greeting = self.response()

    def response(self) -> bytes:
        """Wait for one response, its literals included."""
        response = line = self.line()
        while literal := _ENDS_IN_LITERAL.search(line):
            response += self.octets(int(literal[1]))
            line = self.line()
            response += line
        self.take_in(response)
        return response

    def take_in(self, response: bytes) -> None:
        """Note what ``response`` says of the mailbox."""
        if told := _EXISTS.fullmatch(response):
            self.exists = int(told[1])

    def start(self, command: bytes) -> bytes:
        """Send a command without waiting, and return its tag."""
        self._commands += 1
        tag = b"t%d" % self._commands
        self.send(tag + b" " + command + b"\r\n")
        return tag

    def finish(self, tag: bytes) -> list[bytes]:
        """Wait for the end of the command ``tag``.

        Returns:
            The responses that came before its tagged answer.

        Raises:
            Refused: The answer is not OK.
        """
        responses = []
        while not (response := self.response()).startswith(tag + b" "):
            responses.append(response)
        if not response.startswith(tag + b" OK"):
            raise Refused(response)
        return responses

    def command(self, command: bytes) -> list[bytes]:
        """Send a command and return what came before its tagged OK."""
        return self.finish(self.start(command))

    def bulk(self, command: bytes) -> bytes:
        """Do a command whose answer is large, and return all of it unparsed.

        Quick, so that it's the server's time that is measured. The answer must
        hold no literal.

        Raises:
            Refused: The answer is not OK.
        """
        tag = self.start(command)
        end = b"\r\n" + tag + b" "
        while True:
            self.fill()
            at = self._unread.rfind(end, max(0, len(self._unread) - _LAST_LINE))
            if at >= 0 and self._unread.endswith(b"\r\n"):
                break
        answer = bytes(self._unread)
        self._unread.clear()
        if not answer.startswith(end + b"OK", at):
            raise Refused(answer[at:])
        return answer

    def login(self, user: str, password: str) -> None:
        """Log in with LOGIN, both words quoted."""
        self.command(f'LOGIN "{user}" "{password}"'.encode())

    def select(self, mailbox: str = "INBOX") -> int:
        """Select ``mailbox`` and return how many messages it holds."""
        self.command(f'SELECT "{mailbox}"'.encode())
        return self.exists

    def noop(self) -> int:
        """Say NOOP and return how many messages there are now."""
        self.command(b"NOOP")
        return self.exists

    def idle(self) -> bytes:
        """Go idle (RFC 2177) and return the command's tag."""
        tag = self.start(b"IDLE")
        while not (response := self.response()).startswith(b"+"):
            if response.startswith(tag):
                raise Refused(response)
        return tag

    def done(self, tag: bytes) -> None:
        """End the IDLE command ``tag``."""
        self.send(b"DONE\r\n")
        self.finish(tag)

    def logout(self) -> None:
        """Say LOGOUT, wait for its answer and close."""
        self.command(b"LOGOUT")
        self.close()


def logged_in(
    address: tuple[str, int] | str, user: str, password: str, *, mailbox: str = "INBOX"
) -> ImapClient:
    """Return a client that has selected ``mailbox``."""
    client = ImapClient(address)
    try:
        client.login(user, password)
        client.select(mailbox)
    except BaseException:
        client.close()
        raise
    return client
