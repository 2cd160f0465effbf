"""What the kernel says of what came, and of what is on its way."""

import socket
import time
from collections.abc import Iterator
from select import select

import pytest

from imapbox.lmtp.queues import confirm, not_read, not_taken


@pytest.fixture(params=["tcp", "unix"])
def ends(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    if request.param == "unix":
        one, other = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as port:
            one = socket.create_connection(port.getsockname())
            other, _ = port.accept()
    with one, other:
        one.setblocking(False)
        other.settimeout(10)
        yield one, other


def test_what_came(ends: tuple[socket.socket, socket.socket]) -> None:
    """Octets that arrived are counted until they are read."""
    one, other = ends
    assert not_read(other) == 0
    one.send(b"QUIT\r\n")
    assert other.recv(6, socket.MSG_PEEK | socket.MSG_WAITALL) == b"QUIT\r\n"
    assert not_read(other) == 6
    other.recv(2)
    assert not_read(other) == 4


def test_what_goes(ends: tuple[socket.socket, socket.socket]) -> None:
    """What the other end has no room for is on its way until it has been read."""
    one, other = ends
    sent = 0
    try:
        while True:
            sent += one.send(b"x" * 65536)
    except BlockingIOError:
        assert not_taken(one) > 0
    while sent:
        sent -= len(other.recv(1 << 20))
    other.send(b"QUIT\r\n")
    one.settimeout(10)
    one.recv(6)
    assert not_taken(one) == 0


def test_what_is_gone() -> None:
    """Nothing waits in a socket that is closed, nor where there is none."""
    closed = socket.socket()
    closed.close()
    for transport in (closed, object()):
        assert not_read(transport) == not_taken(transport) == 0


class Transport:
    """Has a socket, as Twisted's have."""

    def __init__(self, handle: socket.socket) -> None:
        self.getHandle = lambda: handle


def test_what_is_held_back(ends: tuple[socket.socket, socket.socket]) -> None:
    """What the other end held back comes once it knows that we have the rest."""
    one, other = ends
    waited = []
    for _ in range(5):
        # Question and answer: from now on the kernel waits for our answers.
        one.send(b"DATA")
        other.recv(4)
        other.send(b"354")
        select([one], [], [], 10)
        one.recv(3)
        one.send(b"message")
        other.recv(7)
        one.send(b"QUIT")
        confirm(Transport(other))
        began = time.monotonic()
        assert other.recv(4) == b"QUIT"
        waited.append(time.monotonic() - began)
    # A kernel that waits does so for 40 ms at least.
    assert min(waited) < 0.02


def test_a_closed_socket_has_nothing_to_confirm() -> None:
    """A connection that broke, or is in memory only, is no trouble."""
    with socket.socket() as closed:
        pass
    confirm(Transport(closed))
    confirm(object())
