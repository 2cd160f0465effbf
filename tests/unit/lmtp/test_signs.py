"""What shows on real sockets that a client has read its reply, and what not."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from imapbox.app.prompt_transport import make_prompt
from imapbox.lmtp import queues
from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.protocol import LMTPProtocol
from imapbox.lmtp.queues import not_read
from tests.support.lmtp_store import CONTENT, FakeDeliveries
from tests.support.waiting import reactor, turn, until

MESSAGE = CONTENT + b".\r\n"
BEGIN = b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n"


class Wire:
    """A client's socket, and what is behind the server at its other end."""

    def __init__(
        self, client: socket.socket, factory: LMTPFactory, deliveries: FakeDeliveries
    ) -> None:
        self._client = client
        self._slow: Deferred[None] = Deferred()
        self.factory = factory
        self.deliveries = deliveries

    def send(self, data: bytes) -> None:
        self._client.sendall(data)

    async def send_ahead(self, data: bytes) -> None:
        """Send ``data``; return when it is at the other end, read or not."""
        (server,) = self.factory.connections
        taken = not_read(server.transport)
        had = server.is_ahead
        self.send(data)
        await until(lambda: not_read(server.transport) > taken or server.is_ahead > had)

    async def hear(self, code: bytes, times: int = 1) -> None:
        """Read until so many replies with ``code`` are there."""
        said = bytearray()

        def has_come() -> bool:
            with suppress(BlockingIOError):
                said.extend(self._client.recv(4096))
            return said.count(code) == times and said.endswith(b"\r\n")

        await until(has_come)

    async def send_message(self, begin: bytes = BEGIN) -> None:
        """Send one, which is being delivered then."""
        self._slow = self.deliveries.delivered["alice"] = Deferred()
        begun = len(self.deliveries.begun)
        self.send(begin)
        await self.hear(b"354")
        self.send(MESSAGE)
        await until(lambda: len(self.deliveries.begun) > begun)

    def hang_up(self) -> None:
        """Close it, whatever lies there unread."""
        self._client.close()

    def deliver(self) -> None:
        """Let the delivery end; its reply is written before this returns."""
        self._slow.callback(None)


@asynccontextmanager
async def wire(kind: str, directory: Path) -> AsyncIterator[Wire]:
    """A client that was greeted."""
    deliveries = FakeDeliveries()
    factory = LMTPFactory(deliveries, reactor, hostname="mx.example.test")
    address: Any
    if kind == "tcp":
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        family, address = socket.AF_INET, ("127.0.0.1", port.getHost().port)
    else:
        address = str(directory / "socket")
        port = reactor.listenUNIX(address, factory)
        family = socket.AF_UNIX
    make_prompt(port)
    with socket.socket(family) as client:
        client.connect(address)
        client.setblocking(False)
        its = Wire(client, factory, deliveries)
        await its.hear(b"220")
        yield its
    await port.stopListening()
    await factory.shutdown()


both = pytest.mark.parametrize("kind", ["tcp", "unix"])


@both
@pytest_twisted.ensureDeferred
async def test_a_command_behind_the_reply_shows_it(kind: str, tmp_path: Path) -> None:
    """Who reads the reply and then says something has read it, every time."""
    async with wire(kind, tmp_path) as client:
        for count in range(1, 21):
            await client.send_message()
            client.deliver()
            await client.hear(b"250 2.0.0")
            client.send(b"NOOP\r\n")
            await client.hear(b"250 2.0.0")
            assert client.deliveries.settled == ["alice"] * count


@both
@pytest.mark.parametrize("pieces", [[b"QUIT\r\n"], [b"NOOP\r\n", b"QUIT\r\n"]])
@pytest_twisted.ensureDeferred
async def test_a_command_before_the_reply_does_not(
    kind: str, tmp_path: Path, pieces: list[bytes]
) -> None:
    """What was sent during the delivery shows nothing, here or with the kernel yet."""
    async with wire(kind, tmp_path) as client:
        await client.send_message()
        for piece in pieces:
            # The server takes the first, and reads no more.
            await client.send_ahead(piece)
        client.deliver()
        await client.hear(b"221 2.0.0")
        assert client.deliveries.settled == []


@both
@pytest_twisted.ensureDeferred
async def test_the_command_behind_those_does(kind: str, tmp_path: Path) -> None:
    """Whoever said something too early shows it with what he says next."""
    async with wire(kind, tmp_path) as client:
        await client.send_message()
        await client.send_ahead(b"NOOP\r\n")
        client.deliver()
        await client.hear(b"250 2.0.0", times=2)
        assert client.deliveries.settled == []
        client.send(b"NOOP\r\n")
        await client.hear(b"250 2.0.0")
        assert client.deliveries.settled == ["alice"]


@pytest.mark.parametrize("is_gone", [False, True])
@pytest_twisted.ensureDeferred
async def test_what_lies_in_a_unix_socket_was_not_read(
    tmp_path: Path, is_gone: bool
) -> None:
    """The kernel says that the reply was not read, whenever the command came.

    A client that is gone, and left it there, will send its message again.
    """
    async with wire("unix", tmp_path) as client:
        await client.send_message()
        client.deliver()
        await turn()
        client.send(b"QUIT\r\n")
        if is_gone:
            client.hang_up()
        await until(lambda: not client.factory.connections)
        assert client.deliveries.settled == []


@pytest_twisted.ensureDeferred
async def test_who_says_which_message_it_is_costs_no_call_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is asked only where something is in doubt."""
    asked = []
    monkeypatch.setattr(queues, "ioctl", lambda *_: asked.append(1))
    monkeypatch.setattr(LMTPProtocol, "confirm", lambda _: asked.append(1))
    async with wire("tcp", tmp_path) as client:
        client.deliveries.doubts["alice"] = None
        await client.send_message(b"LHLO c\r\nXFORWARD IDENT=1\r\n" + BEGIN[8:])
        client.deliver()
        await client.hear(b"250 2.0.0")
        client.send(b"NOOP\r\n")
        await client.hear(b"250 2.0.0")
    assert asked == []
