"""An LMTP client: RFC 2033, with PIPELINING."""

import itertools
import os
import re
from collections.abc import Sequence
from typing import Final

from benchmarks.load.connection import PATIENCE, Connection

_STARTS_WITH_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_numbers: Final = itertools.count()


class NotDelivered(Exception):
    """The server did not take the message for somebody."""


def stuffed(message: bytes) -> bytes:
    """Return ``message`` as it goes over the wire after DATA.

    Args:
        message: Its lines end in CRLF.
    """
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return _STARTS_WITH_DOT.sub(b"..", message) + b".\r\n"


class LmtpClient(Connection):
    """One LMTP connection, greeted and ready for its first transaction."""

    def __init__(
        self, address: tuple[str, int] | str, *, patience: float = PATIENCE
    ) -> None:
        super().__init__(address, patience=patience)
        self.greeting = self.reply()
        self.send(b"LHLO load.example.org\r\n")
        self.capabilities = self.reply()

    def reply(self) -> bytes:
        """Wait for a whole reply, all of its lines."""
        reply = b""
        while True:
            line = self.line()
            reply += line
            if line[3:4] != b"-":
                return reply

    def send_message(
        self, wire: bytes, recipients: Sequence[str], sender: str | None = None
    ) -> list[bytes | None]:
        """Send a message as far as its last dot, without waiting for the end.

        Args:
            wire: The message, `stuffed`.
            recipients: Addresses without their brackets.
            sender: The same; "" is the null sender. None is one that no other
                message has: the same one from the same sender, sent again while
                nobody has read the reply, may be taken for a second try.

        Returns:
            One entry for each recipient: the reply that refused it, or None if
            another `reply` is due, in this order.

        Raises:
            NotDelivered: There is nobody left to deliver to.
        """
        if sender is None:
            sender = f"sender.{os.getpid()}.{next(_numbers)}@example.org"
        rcpt = "".join(f"RCPT TO:<{recipient}>\r\n" for recipient in recipients)
        self.send(f"MAIL FROM:<{sender}>\r\n{rcpt}DATA\r\n".encode())
        mail = self.reply()
        replies = [self.reply() for _ in recipients]
        data = self.reply()
        if not data.startswith(b"354"):
            raise NotDelivered(mail, replies, data)
        self.send(wire)
        return [None if reply.startswith(b"250") else reply for reply in replies]

    def deliver(
        self, message: bytes, recipients: Sequence[str], sender: str | None = None
    ) -> list[bytes]:
        """Deliver ``message`` and return each recipient's final reply."""
        refused = self.send_message(stuffed(message), recipients, sender)
        return [reply or self.reply() for reply in refused]

    def must_deliver(self, wire: bytes, *recipients: str) -> None:
        """Deliver a `stuffed` message to all of ``recipients``.

        Raises:
            NotDelivered: Somebody's reply was not a 250.
        """
        for reply in self.send_message(wire, recipients):
            final = reply or self.reply()
            if not final.startswith(b"250"):
                raise NotDelivered(final)

    def quit(self) -> None:
        """Say QUIT, wait for its answer and close."""
        self.send(b"QUIT\r\n")
        self.reply()
        self.close()
