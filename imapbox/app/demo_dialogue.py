"""The demo's two clients: one hands mail over, the other asks for it.

Small and blocking on purpose: who reads the demo's output should be able to
do the same by hand.
"""

import re
import socket
from collections.abc import Callable, Sequence
from typing import Final, Self

PATIENCE: Final = 20.0

Say = Callable[[str], object]
_EXISTS: Final = re.compile(rb"\* ([0-9]+) EXISTS\r\n")


class DialogueFailed(Exception):
    """A server said something else than it should."""


class _Client:
    """A connection to a server on this machine, line by line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise DialogueFailed("the server hung up")
        return line


class LMTPClient(_Client):
    """Hands mail over."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._expect(b"220")
        self._ask(b"LHLO demo.example.org", b"250")

    def deliver(self, sender: str, recipient: str, message: bytes) -> str:
        """Deliver one message, and return the reply that acknowledged it.

        Raises:
            DialogueFailed: It was not acknowledged.
        """
        self._ask(f"MAIL FROM:<{sender}>".encode(), b"250")
        self._ask(f"RCPT TO:<{recipient}>".encode(), b"250")
        self._ask(b"DATA", b"354")
        stuffed = b"\r\n".join(
            b"." + line if line.startswith(b".") else line
            for line in message.split(b"\r\n")
        )
        self.send(stuffed + b".\r\n")
        return self._expect(b"250")

    def _ask(self, command: bytes, code: bytes) -> str:
        self.send(command + b"\r\n")
        return self._expect(code)

    def _expect(self, code: bytes) -> str:
        while True:
            line = self.line()
            if not line.startswith(code):
                raise DialogueFailed(line.decode(errors="replace").strip())
            if line[3:4] != b"-":
                return line.decode(errors="replace").strip()


class IMAPClient(_Client):
    """Has a mailbox open, and asks whether there is news."""

    def __init__(self, port: int, user: str, password: str) -> None:
        super().__init__(port)
        self._tag = 0
        self.line()
        self.command(f'LOGIN "{user}" "{password}"')
        self.command("SELECT INBOX")

    def command(self, text: str) -> Sequence[bytes]:
        """Give a command, and return all the lines that answer it.

        Raises:
            DialogueFailed: The answer is not OK.
        """
        self._tag += 1
        tag = f"a{self._tag}".encode()
        self.send(tag + b" " + text.encode() + b"\r\n")
        lines = [self.line()]
        while not lines[-1].startswith(tag + b" "):
            lines.append(self.line())
        if not lines[-1].startswith(tag + b" OK"):
            raise DialogueFailed(lines[-1].decode(errors="replace").strip())
        return lines


def exists_in(lines: Sequence[bytes]) -> int | None:
    """Return what the last EXISTS among ``lines`` says; None without one."""
    counts = [int(found[1]) for line in lines if (found := _EXISTS.fullmatch(line))]
    return counts[-1] if counts else None


def noop_dialogue(
    imap: IMAPClient,
    lmtp: LMTPClient,
    recipient: str,
    mail: Sequence[tuple[str, bytes]],
    say: Say,
) -> int:
    """Deliver each message and ask NOOP once after each.

    Returns:
        How many NOOPs told the truth: that the mailbox holds what was
        acknowledged, no fewer and no more.
    """
    true = 0
    for delivered, (sender, message) in enumerate(mail, start=1):
        say(f"  LMTP > MAIL FROM:<{sender}>, RCPT TO:<{recipient}>, DATA")
        say(f"  LMTP < {lmtp.deliver(sender, recipient, message)}")
        say("  IMAP > NOOP")
        lines = imap.command("NOOP")
        for line in lines:
            say(f"  IMAP < {line.decode(errors='replace').strip()}")
        if exists_in(lines) == delivered:
            true += 1
        else:
            say(f"  That is not true: {delivered} are there.")
        say("")
    return true
