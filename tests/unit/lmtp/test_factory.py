"""Many connections, and the end of all."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory, Protocol

from imapbox.lmtp.factory import LMTPFactory
from tests.support.lmtp_store import (
    CONTENT,
    Conversation,
    FakeDeliveries,
    codes,
    statuses,
)


def test_idle_sessions_end_at_once() -> None:
    """At shutdown an idle client is told 421, with half a command said too."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\nMAIL FR")
    gone = conversation.factory.shutdown()
    assert statuses(conversation.heard()) == ["421 4.3.2"]
    assert gone.called
    assert conversation.clock.getDelayedCalls() == []


def test_busy_sessions_end_with_their_command() -> None:
    """At shutdown a delivery is answered first, and what is behind it isn't run."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    conversation.begin("alice")
    assert conversation.send(CONTENT + b".\r\nMAIL FROM:<>\r\n") == []
    gone = conversation.factory.shutdown()
    assert not gone.called
    assert conversation.heard() == []
    slow.callback(None)
    assert statuses(conversation.heard()) == ["250 2.0.0", "421 4.3.2"]
    assert gone.called
    assert conversation.clock.getDelayedCalls() == []


def test_a_message_that_comes_is_taken() -> None:
    """At shutdown a message that is coming may come to its end."""
    conversation = Conversation()
    conversation.begin()
    conversation.send(CONTENT)
    gone = conversation.factory.shutdown()
    assert conversation.heard() == []
    assert statuses(conversation.send(b".\r\n")) == ["250 2.0.0", "421 4.3.2"]
    assert gone.called


def test_who_does_not_end_is_cut() -> None:
    """Eight seconds after the shutdown nobody is connected; deliveries end."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    conversation.begin("alice")
    conversation.send(CONTENT + b".\r\n")
    gone = conversation.factory.shutdown()
    conversation.clock.advance(8)
    assert gone.called
    assert not conversation.transport.connected
    slow.callback(None)
    assert len(conversation.deliveries.stored) == 1
    assert conversation.clock.getDelayedCalls() == []


def test_shutdown_without_connections() -> None:
    """With nobody connected the shutdown is over at once, each time."""
    conversation = Conversation()
    conversation.transport.loseConnection()
    assert conversation.factory.shutdown().called
    assert conversation.factory.shutdown().called


def test_who_comes_after_the_shutdown() -> None:
    """Who was in the port's queue is told 421, not greeted."""
    conversation = Conversation()
    conversation.factory.shutdown()
    conversation.connect()
    assert statuses(conversation.heard()) == ["421 4.3.2"]
    assert not conversation.transport.connected


def test_too_many_connections() -> None:
    """Beyond the limit a client is told 421, until another one leaves."""
    conversation = Conversation(connections=2)
    first = conversation.transport
    conversation.connect()
    assert codes(conversation.heard()) == ["220"]
    conversation.connect()
    assert statuses(conversation.heard()) == ["421 4.3.2"]
    first.loseConnection()
    conversation.connect()
    assert codes(conversation.heard()) == ["220"]


class Client(Protocol):
    """Collects what the server says; tells when it hangs up."""

    def __init__(self) -> None:
        self.text = b""
        self.closed: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.text += data

    def connectionLost(self, reason: object) -> None:
        del reason
        self.closed.callback(self.text)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest_twisted.ensureDeferred
async def test_real_sockets(kind: str, tmp_path: Path) -> None:
    """Over TCP and UNIX sockets a 3 MB message arrives octet by octet."""
    from twisted.internet import reactor  # noqa: PLC0415, TID251 - pytest-twisted's

    deliveries = FakeDeliveries()
    factory = LMTPFactory(deliveries, reactor, hostname="mx.example.test")
    path = tmp_path / "lmtp"
    where = {"tcp": "tcp:0:interface=127.0.0.1", "unix": f"unix:{path}:lockfile=0"}
    port: Any = await serverFromString(reactor, where[kind]).listen(factory)
    address = port.getHost()
    there = {
        "tcp": lambda: f"tcp:127.0.0.1:{address.port}",
        "unix": lambda: f"unix:{path}",
    }
    client = await clientFromString(reactor, there[kind]()).connect(
        Factory.forProtocol(Client)
    )
    body = b"x" * 998 + b"\r\n"
    client.transport.write(
        b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n"
        + body * 3000
        + b".\r\nQUIT\r\n"
    )
    text = await client.closed
    answers = " ".join(codes(text.decode().splitlines()))
    assert answers == "220 250 250 250 354 250 221"
    ((who, header, octets),) = deliveries.stored
    assert (who, octets == body * 3000) == ("alice", True)
    assert (b" ([127.0.0.1])\r\n" in header) == (kind == "tcp")
    await port.stopListening()
    await factory.shutdown()
