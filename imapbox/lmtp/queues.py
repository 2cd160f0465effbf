"""What the kernels at both ends hold of a connection, and how to have it sent.

See Also:
    tcp(7) and unix(7) on SIOCINQ and SIOCOUTQ, which are the two numbers here.
"""

import select
import socket
import struct
import termios
from contextlib import suppress
from fcntl import ioctl
from typing import Any, Final

_INT: Final = struct.Struct("i")


def not_read(transport: Any) -> int:
    """Return how many octets have arrived that ``transport`` did not read yet."""
    return _queued(transport, termios.FIONREAD)


def not_taken(transport: Any) -> int:
    """Return a number that is 0 once the other end has all that was sent.

    Over TCP it has what its machine confirmed, and a segment confirms all that
    came before it was sent. From a UNIX socket it has what it read; what lies there
    unread when it is closed is thrown away, and is an error of our end's.
    """
    return _queued(transport, termios.TIOCOUTQ) or _has_failed(transport)


def confirm(transport: Any) -> None:
    """Let the other end know at once what came, if ``transport`` is TCP's.

    Before it knows it may hold back what it wants to send (RFC 896), and we let
    it wait for the reply, on which the confirmation rides (RFC 1122 §4.2.3.2).
    """
    handle = getattr(transport, "getHandle", lambda: None)()
    if handle is not None and handle.family != socket.AF_UNIX:
        # A connection that broke is lost in the reactor's next turn.
        with suppress(OSError):
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _has_failed(transport: Any) -> bool:
    """Say whether there is an error that waits to be told, and leave it there."""
    fileno = _fileno_of(transport)
    if fileno < 0:
        return False
    poll = select.poll()
    poll.register(fileno, 0)  # errors are told unasked
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _queued(transport: Any, which: int) -> int:
    fileno = _fileno_of(transport)
    if fileno < 0:
        return 0
    (octets,) = _INT.unpack(ioctl(fileno, which, bytes(_INT.size)))
    return int(octets)


def _fileno_of(transport: Any) -> int:
    """Return its descriptor; -1 if it is in memory, or closed: there is no queue."""
    return int(getattr(transport, "fileno", lambda: -1)())
