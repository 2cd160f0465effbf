"""A blocking socket that is read by lines."""

import socket
import time
from collections.abc import Callable
from typing import Final, Self

PATIENCE: Final = 60.0  # seconds without an answer before a client gives up
_CHUNK: Final = 1 << 16


class ConnectionEnded(ConnectionError):
    """The server closed the connection where an answer was due."""


class Connection:
    """A connection to ``address``: (host, port), or the path of a UNIX socket.

    Leaving its ``with`` block closes it.
    """

    def __init__(
        self, address: tuple[str, int] | str, *, patience: float = PATIENCE
    ) -> None:
        if isinstance(address, str):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(patience)
            self._socket.connect(address)
        else:
            self._socket = socket.create_connection(address, patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket without a word. May be called twice."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        self._socket.sendall(data)

    def fill(self) -> None:
        """Wait for more bytes and keep them.

        Raises:
            ConnectionEnded: There will be no more.
        """
        if not (chunk := self._socket.recv(_CHUNK)):
            raise ConnectionEnded(bytes(self._unread))
        self._unread += chunk

    def line_if_whole(self) -> bytes | None:
        """Return the next line with its CRLF, or None if it isn't here yet."""
        if (end := self._unread.find(b"\n")) < 0:
            return None
        line = bytes(self._unread[: end + 1])
        del self._unread[: end + 1]
        return line

    def line(self) -> bytes:
        """Wait for the next line and return it, CRLF and all."""
        while (line := self.line_if_whole()) is None:
            self.fill()
        return line

    def octets(self, size: int) -> bytes:
        """Wait for ``size`` bytes and return them."""
        while len(self._unread) < size:
            self.fill()
        octets = bytes(self._unread[:size])
        del self._unread[:size]
        return octets


def wait_until_listening(
    address: tuple[str, int] | str,
    *,
    patience: float = 20.0,
    hope: Callable[[], bool] = lambda: True,
) -> None:
    """Return as soon as ``address`` greets a client.

    Args:
        address: (host, port), or the path of a UNIX socket.
        patience: In seconds.
        hope: Says whether the server may still come up.

    Raises:
        TimeoutError: It didn't greet in time, or there is no hope.
    """
    give_up_at = time.monotonic() + patience
    while True:
        try:
            with Connection(address, patience=patience) as connection:
                connection.line()
        except OSError as error:
            if time.monotonic() > give_up_at or not hope():
                raise TimeoutError("nobody greets", address) from error
            time.sleep(0.02)
        else:
            return
