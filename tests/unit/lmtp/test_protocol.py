"""What a connection costs, and when it is cut."""

import tracemalloc
from collections.abc import Callable

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred

from tests.support.lmtp_store import CONTENT, Conversation, codes, statuses


def test_reading_stops_while_the_session_is_busy() -> None:
    """What a client sends while it has to wait stays with the kernel."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.found["alice"] = slow
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\n")
    assert conversation.transport.producerState == "producing"
    assert conversation.send(b"NOOP\r\n" * 10) == []
    assert conversation.transport.producerState == "paused"
    slow.callback(None)
    assert codes(conversation.heard()) == ["250"] * 11
    assert conversation.transport.producerState == "producing"


def test_reading_stops_while_the_spool_writes() -> None:
    """A client can't send faster than the disk writes."""
    conversation = Conversation()
    conversation.begin()
    conversation.deliveries.disk.slow = True
    conversation.say_in_pieces(b"x" * 5 * 65536, 65536)
    assert conversation.transport.producerState == "producing"
    conversation.send(b"y\r\n.\r\n")
    assert conversation.transport.producerState == "paused"
    conversation.deliveries.disk.slow = False
    conversation.deliveries.disk.go_on()
    assert codes(conversation.heard()) == ["250"]
    assert conversation.deliveries.stored[0][2] == b"x" * 5 * 65536 + b"y\r\n"
    assert conversation.transport.producerState == "producing"


def test_reading_stops_while_the_client_does_not_read() -> None:
    """Who doesn't read replies gets no more of them, and is hung up on."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\n")
    conversation.protocol.pauseProducing()
    assert conversation.send(b"NOOP\r\n") == []
    assert conversation.transport.producerState == "paused"
    conversation.protocol.resumeProducing()
    assert codes(conversation.heard()) == ["250"]
    assert conversation.transport.producerState == "producing"
    conversation.protocol.pauseProducing()
    conversation.send(b"NOOP\r\n")
    conversation.clock.advance(300)
    assert statuses(conversation.heard()) == ["421 4.4.2"]
    assert not conversation.transport.connected


def test_what_was_read_waits_until_the_client_reads() -> None:
    """Commands that are here already wait for a client that doesn't read."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.found["alice"] = slow
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\n")
    conversation.send(b"NOOP\r\n")
    conversation.protocol.pauseProducing()
    slow.callback(None)
    assert statuses(conversation.heard()) == ["250 2.1.5"]
    conversation.protocol.resumeProducing()
    assert statuses(conversation.heard()) == ["250 2.0.0"]
    assert conversation.transport.producerState == "producing"


def test_many_commands_leave_the_others_their_turn() -> None:
    """After a hundred pipelined commands the reactor has its turn."""
    conversation = Conversation()
    conversation.heard()
    writes: list[bytes] = []
    conversation.transport.write = writes.append
    conversation.send(b"NOOP\r\n" * 250)
    assert 0 < writes[0].count(b"\n") <= 100
    assert len(writes) == 1
    conversation.clock.advance(0)
    assert len(writes) == 3
    assert b"".join(writes).count(b"\n") == 250


def test_silence_is_hung_up_on() -> None:
    """Five minutes without a whole command are too long, drop by drop too."""
    for drops in (0, 1):
        conversation = Conversation()
        conversation.send(b"LHLO c\r\n")
        for _ in range(60):
            assert conversation.transport.connected
            conversation.send(b"x" * drops)
            conversation.clock.advance(5)
        assert statuses(conversation.heard()) == ["421 4.4.2"]
        assert not conversation.transport.connected
        assert conversation.clock.getDelayedCalls() == []


def test_commands_keep_a_connection() -> None:
    """Who says something each four minutes may stay."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\n")
    for _ in range(20):
        conversation.clock.advance(240)
        assert codes(conversation.send(b"NOOP\r\n")) == ["250"]


def test_a_message_that_drips_is_cut() -> None:
    """A message must come with some speed, however alive its client seems."""
    conversation = Conversation()
    conversation.begin()
    for _ in range(61):
        conversation.send(b"x")
        conversation.clock.advance(5)
    assert statuses(conversation.heard()) == ["421 4.4.2"]
    assert not conversation.transport.connected


def test_a_large_message_may_take_its_time() -> None:
    """A message that comes at 20 KB/s is taken, though it takes ten minutes."""
    conversation = Conversation()
    conversation.deliveries.disk.filesystem.keep = False
    conversation.begin()
    for _ in range(600):
        conversation.send(b"x" * 20_000)
        conversation.clock.advance(1)
    conversation.deliveries.delivered["alice@example.test"] = OSError(28, "full")
    assert codes(conversation.send(b"\r\n.\r\n")) == ["452"]


def test_patience_ends_with_its_message() -> None:
    """The time that a large message earned is not its client's to keep."""
    conversation = Conversation()
    conversation.deliveries.disk.filesystem.keep = False
    conversation.begin()
    conversation.say_in_pieces(b"x" * 100 * 65536, 65536)
    conversation.clock.advance(301)
    conversation.deliveries.delivered["alice@example.test"] = OSError(28, "full")
    assert codes(conversation.send(b"\r\n.\r\n")) == ["452"]
    conversation.clock.advance(300)
    assert statuses(conversation.heard()) == ["421 4.4.2"]


def test_an_endless_message_is_cut() -> None:
    """What is thrown away buys no patience."""
    conversation = Conversation(size=100_000)
    conversation.begin()
    for _ in range(310):
        if conversation.transport.connected:
            conversation.send(b"x" * 20_000)
        conversation.clock.advance(1)
    assert statuses(conversation.heard()) == ["421 4.4.2"]


def test_our_own_time_is_not_the_clients() -> None:
    """How long we take is not counted against the client's patience."""
    conversation = Conversation()
    conversation.begin()
    conversation.deliveries.disk.slow = True
    conversation.say_in_pieces(b"x" * 5 * 65536, 65536)
    conversation.clock.advance(400)
    conversation.deliveries.disk.slow = False
    conversation.deliveries.disk.go_on()
    assert codes(conversation.send(b"\r\n.\r\n")) == ["250"]


def peak_of(job: Callable[[], object]) -> int:
    """Return how many octets ``job`` held at the most."""
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("octets", [b"x", b"\n", b"NOOP\n", b"\x00"])
def test_200_mb_without_crlf_are_cut(octets: bytes) -> None:
    """A line without an end is cut at its limit, and costs no memory."""
    conversation = Conversation()
    conversation.heard()
    piece = octets * (65536 // len(octets))
    sent = 0

    def send() -> None:
        nonlocal sent
        while sent < 200_000_000 and conversation.transport.connected:
            conversation.protocol.dataReceived(piece)
            sent += len(piece)

    assert peak_of(send) < 1_000_000
    assert sent == len(piece)
    assert statuses(conversation.heard()) == ["500 5.5.2"]


def test_a_large_message_costs_bounded_memory() -> None:
    """40 MB of a message, taken or thrown away, are never in memory."""
    for size in (64 * 1024 * 1024, 1024 * 1024):
        conversation = Conversation(size=size)
        conversation.deliveries.disk.filesystem.keep = False
        conversation.begin()
        piece = b"x" * 65536

        def send(
            conversation: Conversation = conversation, piece: bytes = piece
        ) -> None:
            for _ in range(610):
                conversation.protocol.dataReceived(piece)

        assert peak_of(send) < 2_000_000


def test_a_client_that_never_closes() -> None:
    """When our last words aren't read in 10 s, the connection is cut."""
    conversation = Conversation()
    calls: list[str] = []
    conversation.transport.loseConnection = lambda: calls.append("lose")
    conversation.transport.abortConnection = lambda: calls.append("abort")
    conversation.send(b"QUIT\r\n")
    assert calls == ["lose"]
    conversation.clock.advance(10)
    assert calls == ["lose", "abort"]


def test_nothing_behind_quit_is_run() -> None:
    """What was pipelined behind QUIT is not even looked at."""
    conversation = Conversation()
    conversation.heard()
    assert codes(conversation.send(b"QUIT\r\nNOOP\r\nNOOP\r\n")) == ["221"]
    # Twisted does not close while there is a producer.
    assert conversation.transport.producer is None


def test_unix_sockets_have_no_host() -> None:
    """Over a UNIX socket Received names the client, and no address."""
    conversation = Conversation(peer=UNIXAddress(b""))
    conversation.begin()
    assert codes(conversation.send(CONTENT + b".\r\n")) == ["250"]
    header = conversation.deliveries.stored[0][1]
    assert b"Received: from client.example\r\n\tby mx.example.test " in header
