"""Connections that send at once: what they promise on real sockets."""

import random
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor  # noqa: TID251 - tests on real sockets
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from imapbox.app.prompt_transport import READS, make_prompt
from tests.support.waiting import open_files, turn, until

MIB = 1024 * 1024


class Kept(Protocol):
    """Keeps itself for the test."""

    def connectionMade(self) -> None:
        self.lost = False
        self.pieces: list[bytes] = []
        self.factory.made.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)

    def connectionLost(self, _reason: object) -> None:
        self.lost = True


@asynccontextmanager
async def connection(
    kind: str, directory: Path
) -> AsyncIterator[tuple[Kept, socket.socket]]:
    """A prompt connection, and the socket at its other end."""
    factory = Factory.forProtocol(Kept)
    factory.noisy = False
    factory.made = Deferred()
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
        server = await factory.made
        yield server, client
        server.transport.abortConnection()
        await until(lambda: server.lost)
    await port.stopListening()


both = pytest.mark.parametrize("kind", ["tcp", "unix"])


@both
@pytest_twisted.ensureDeferred
async def test_what_is_written_is_sent_at_once(kind: str, tmp_path: Path) -> None:
    """An answer is on its way before the reactor has another turn."""
    async with connection(kind, tmp_path) as (server, client):
        for answer in (b"one", b"two"):
            server.transport.write(answer)
            assert client.recv(100) == answer


@both
@pytest_twisted.ensureDeferred
async def test_nothing_is_lost_or_turned_round(
    kind: str, tmp_path: Path, seed: int
) -> None:
    """However much is written and however slowly it is read, it arrives in order."""
    chance = random.Random(seed)
    pieces = [chance.randbytes(chance.choice((1, 100, 70_000, MIB))) for _ in range(40)]
    async with connection(kind, tmp_path) as (server, client):
        got = bytearray()

        async def read(most: int) -> None:
            await turn()
            try:
                got.extend(client.recv(most))
            except BlockingIOError:
                return

        for number, piece in enumerate(pieces):
            write: Callable[[bytes], None] = server.transport.write
            if number % 5:
                write(piece)
            else:
                server.transport.writeSequence([piece[:1], piece[1:]])
            if chance.random() < 0.3:
                await read(chance.randrange(1, MIB))
        server.transport.write(b"last words")
        server.transport.loseConnection()
        whole = b"".join(pieces) + b"last words"
        while len(got) < len(whole):
            await read(MIB)
        assert got == whole
        await until(lambda: server.lost)


@both
@pytest_twisted.ensureDeferred
async def test_little_is_read_at_once(kind: str, tmp_path: Path) -> None:
    """What a client sends comes in pieces that take little memory."""
    async with connection(kind, tmp_path) as (server, client):
        client.sendall(bytes(100_000))
        await until(lambda: sum(map(len, server.pieces)) == 100_000)
        assert max(map(len, server.pieces)) == READS


@both
@pytest_twisted.ensureDeferred
async def test_a_command_takes_its_own_size(kind: str, tmp_path: Path) -> None:
    """Whatever might come, no memory is taken for more than what did."""
    async with connection(kind, tmp_path) as (server, client):
        tracemalloc.start()
        try:
            client.sendall(b"a NOOP\r\n")
            await until(lambda: server.pieces)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert server.pieces == [b"a NOOP\r\n"]
        assert most < 2 * READS, "Twisted takes 64 KiB"


@both
@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_reset(kind: str, tmp_path: Path) -> None:
    """A client that breaks off ends the connection, and so does one that closes."""
    async with connection(kind, tmp_path) as (server, client):
        client.sendall(b"last words")
        await until(lambda: server.pieces)
        if kind == "tcp":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, *[0] * 7]))
        client.close()
        await until(lambda: server.lost)


@pytest_twisted.ensureDeferred
async def test_no_descriptors_are_taken(tmp_path: Path) -> None:
    """Who sends open files through a UNIX socket fills nobody's table with them."""
    async with connection("unix", tmp_path) as (server, client):
        path = tmp_path / "file"
        with path.open("wb") as file:
            socket.send_fds(client, [b"x"], [file.fileno()] * 10)
            assert str(path) in open_files()
        await until(lambda: server.pieces)
        assert str(path) not in open_files()


@both
@pytest_twisted.ensureDeferred
async def test_a_client_that_is_gone(kind: str, tmp_path: Path) -> None:
    """Writing to a client that is gone ends the connection, and raises nothing."""
    async with connection(kind, tmp_path) as (server, client):
        client.close()
        for _ in range(20):
            server.transport.write(b"x" * 1000)
        await until(lambda: server.lost)
        server.transport.write(b"x")


@both
@pytest_twisted.ensureDeferred
async def test_a_producer_is_told_to_stop(kind: str, tmp_path: Path) -> None:
    """Who writes more than is read is paused, and goes on when it has been read."""

    class Producer:
        """Notes what it is told."""

        told = ""

        def pauseProducing(self) -> None:  # noqa: N802 - Twisted calls it
            self.told = "pause"

        def resumeProducing(self) -> None:  # noqa: N802 - Twisted calls it
            self.told = "resume"

        def stopProducing(self) -> None:  # noqa: N802 - Twisted calls it
            self.told = "stop"

    async with connection(kind, tmp_path) as (server, client):
        producer = Producer()
        server.transport.registerProducer(producer, streaming=True)
        server.transport.write(b"x" * 1000)
        assert producer.told == ""
        while producer.told != "pause":
            server.transport.write(b"x" * MIB)
        while producer.told != "resume":
            await turn()
            try:
                client.recv(MIB)
            except BlockingIOError:
                continue
        server.transport.unregisterProducer()
