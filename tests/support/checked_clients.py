"""Clients of real sockets that hold what they hear to the grammar.

For those who can't be listened to by `overhearing`: in TLS, or where a client
that doesn't read must not stop the others.
"""

import imaplib
from typing import Any

from benchmarks.load.imap import ImapClient
from tests.support.response_checker import ResponseChecker


class CheckedClient(ImapClient):
    """The benchmark's client."""

    def __init__(self, address: tuple[str, int] | str, **options: Any) -> None:
        self._checker = ResponseChecker()
        super().__init__(address, **options)

    def fill(self) -> None:
        before = len(self._unread)
        super().fill()
        self._checker.receive(self._unread[before:])


class CheckedIMAP4(imaplib.IMAP4):
    """Python's own client."""

    def open(self, *arguments: Any, **options: Any) -> None:
        self._checker = ResponseChecker()
        super().open(*arguments, **options)

    def readline(self) -> bytes:
        line = super().readline()
        self._checker.receive(line)
        return line

    def read(self, size: int) -> bytes:
        data = super().read(size)
        self._checker.receive(data)
        return data


class CheckedIMAP4SSL(CheckedIMAP4, imaplib.IMAP4_SSL):
    """Python's own client, within TLS."""


def logged_in(address: tuple[str, int], user: str, password: str) -> CheckedClient:
    """Return a client that has selected INBOX."""
    client = CheckedClient(address)
    try:
        client.login(user, password)
        client.select()
    except BaseException:
        client.close()
        raise
    return client
