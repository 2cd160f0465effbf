"""Connections that send at once what can be sent at once.

Twisted puts what is written aside and waits for the reactor to say that the
socket takes it: two system calls and a turn of the reactor for each answer. A
socket into which nothing is waiting to go nearly always takes it right away.
Measured on NOOP: a quarter less CPU, see docs/performance.md.

They also read into one piece of memory, and take no more of it than came. Twisted
asks malloc for 64 KiB before each recv(), and gives back nearly all behind it: a hole
in the heap in which something soon stays, so that the next one is made elsewhere.
"""

from typing import Any, Final

from twisted.internet import main, tcp, unix
from twisted.internet.interfaces import IListeningPort

# So much is read at once, and is in memory as one block.
READS: Final = 16 * 1024
_ROOM: Final = memoryview(bytearray(READS))


def _read_now(connection: Any) -> Any:
    """Read what has come; return what Twisted's `doRead` does.

    Descriptors that somebody sends through a UNIX socket are not taken.
    """
    try:
        size = connection.socket.recv_into(_ROOM)
    except BlockingIOError:
        return None
    except OSError:
        return main.CONNECTION_LOST
    return connection._dataReceived(bytes(_ROOM[:size]))  # noqa: SLF001 - as doRead


def _send_now(connection: Any, data: bytes) -> bytes:
    """Send what goes at once; return what does not."""
    waits = connection.dataBuffer or connection._tempDataBuffer  # noqa: SLF001 - there is no public way to ask
    if connection.TLS or waits or not connection.connected:
        return data
    sent = connection.writeSomeData(data)
    # An error is met again, and handled, when the reactor writes.
    return data[sent:] if isinstance(sent, int) and sent > 0 else data


class PromptServer(tcp.Server):
    """A TCP connection."""

    def doRead(self) -> Any:  # noqa: N802 - Twisted's name
        """Read what has come."""
        return _read_now(self)

    def write(self, data: bytes) -> None:
        """Send ``data``, now as far as it goes."""
        if left := _send_now(self, data):
            super().write(left)  # type: ignore[no-untyped-call] # Twisted's is not


class PromptUNIXServer(unix.Server):
    """A UNIX socket's connection."""

    def doRead(self) -> Any:  # noqa: N802 - Twisted's name
        """Read what has come."""
        return _read_now(self)

    def write(self, data: bytes) -> None:
        """Send ``data``, now as far as it goes."""
        if left := _send_now(self, data):
            super().write(left)  # type: ignore[no-untyped-call] # Twisted's is not


def make_prompt(port: IListeningPort) -> None:
    """Let the connections that ``port`` accepts from now on be prompt ones."""
    if isinstance(port, unix.Port):
        port.transport = PromptUNIXServer
    elif isinstance(port, tcp.Port):
        port.transport = PromptServer
