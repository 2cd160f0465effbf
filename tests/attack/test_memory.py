"""What one client can make the server hold: P7, rows 4, 6, 7, 13, 23 and 24."""

import zlib
from contextlib import ExitStack, suppress

import pytest

from benchmarks.load.connection import Connection
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from tests.conftest import EFFORT
from tests.support.checked_clients import CheckedClient
from tests.support.victim import KIB, MIB, client_of, descriptors, growth

NOOPS = 50_000 if EFFORT == 1 else 100_000  # each is answered with more than it is


def push(client: Connection, data: bytes, most: int, *, patience: float = 0.5) -> int:
    """Send ``data`` again and again until nobody takes it; return how much went."""
    client._socket.settimeout(patience)
    sent = 0
    try:
        while sent < most:
            sent += client._socket.send(data)
    except (TimeoutError, ConnectionError):
        pass
    return sent


@pytest.mark.parametrize("logged_in", [False, True])
def test_a_line_without_end(victim: Server, *, logged_in: bool) -> None:
    """Row 4: of 200 MiB without a line's end nothing is kept; the connection ends."""
    client = client_of(victim) if logged_in else CheckedClient(victim.imap)
    with client, growth(victim) as memory:
        sent = push(client, b"x" * 64 * KIB, 200 * MIB)
    assert sent < 200 * MIB
    assert memory.peak < MIB


def bomb(octets: bytes) -> bytes:
    """What a client sends that compresses as well as can be."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(octets) + stream.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    "octets",
    [
        b"x" * 100_000_000,
        b"a APPEND INBOX {99999999+}\r\n" + b"x" * 100_000_000,
        b"a APPEND nowhere {9999999+}\r\n" + b"x" * 10_000_001 + b"\r\nb LOGOUT\r\n",
        b"n NOOP\r\n" * NOOPS + b"n LOGOUT\r\n",
    ],
    ids=["a line", "a message too large", "a message for nobody", "commands"],
)
def test_what_becomes_a_thousand_times_as_long(victim: Server, octets: bytes) -> None:
    """Row 24: of what was compressed no more is held than of what wasn't."""
    with client_of(victim) as client, growth(victim) as memory:
        client.send(b"c COMPRESS DEFLATE\r\n")
        assert client.response().startswith(b"c OK ")
        client._checker.stop()
        push(client, bomb(octets), 1)
        client._socket.settimeout(60)
        with suppress(ConnectionError):
            while client._socket.recv(MIB):
                pass
    assert memory.peak < MIB


def test_many_half_commands(victim: Server) -> None:
    """Row 7: a thousand strangers with half a nested command hold 16 KiB each."""
    with ExitStack() as stack, growth(victim) as memory:
        for _ in range(1000):
            client = stack.enter_context(CheckedClient(victim.imap))
            client.send(b"a NOOP " + b"(" * 4000)
        client.send(b"\r\n")
        assert client.response().startswith(b"a BAD ")
    assert memory.peak < 1000 * 16 * KIB


@pytest.mark.parametrize(
    ("header", "held"), [(b"Subject: half\r\n\r\n", 1), (b"Subject: all of it ", 5)]
)
def test_half_messages(victim: Server, header: bytes, held: int) -> None:
    """Row 6: of a half message up to 256 KiB and its header are held, to 4 MiB."""
    half = header + b"x" * 10_000_000
    with ExitStack() as stack, growth(victim) as memory:
        for _ in range(20):
            client = stack.enter_context(client_of(victim))
            client.send(b"a APPEND INBOX {%d}\r\n" % (len(half) + 1))
            assert client.response().startswith(b"+ ")
            client.send(half)
    assert memory.peak < 20 * held * MIB


@pytest.mark.parametrize("size", [4_000, 250_000, 300_000])
def test_many_messages_at_once(victim: Server, size: int) -> None:
    """Row 6: all messages of a command are held like one: a descriptor, and 1 MiB."""
    message = b" {%d+}\r\n%b" % (size, b"x" * size)
    with ExitStack() as stack:
        clients = [stack.enter_context(client_of(victim)) for _ in range(5)]
        before = descriptors(victim)
        with growth(victim) as memory:
            for client in clients:
                client.send(b"a APPEND INBOX" + message * 63 + b" {1}\r\n")
                assert client.response().startswith(b"+ ")
        assert descriptors(victim) - before <= len(clients)
    assert memory.peak < len(clients) * MIB


def test_messages_that_are_never_read(victim: Server) -> None:
    """Row 13: 500 MB that were asked for and are not read cost a bounded buffer."""
    line = b"x" * 78 + b"\r\n"
    with LmtpClient(victim.lmtp) as lmtp:
        lmtp.must_deliver(line * 100_000 + b".\r\n", "bob")
    with client_of(victim, "bob") as client, growth(victim) as memory:
        for _ in range(63):
            client.send(b"a FETCH 1:* BODY.PEEK[]\r\n")
        assert client.octets(100 * KIB)
        with client_of(victim, "bob") as other:
            other.command(b"NOOP")
    assert memory.peak < 2 * MIB


@pytest.mark.parametrize("line", [b"a NOOP\r\n", b"\r\n", b"\0\r\n", b"a x\r\n"])
def test_answers_that_are_never_read(victim: Server, line: bytes) -> None:
    """Row 13: who sends commands and reads no answer is read no further."""
    with client_of(victim, "bob") as client, growth(victim) as memory:
        sent = push(client, line * (64 * KIB // len(line)), 100 * MIB)
    assert sent < 100 * MIB
    assert memory.peak < 2 * MIB


def test_a_large_delivery(victim: Server) -> None:
    """Row 23: of a 200 MB message nothing is kept in memory, and 552 is said."""
    with LmtpClient(victim.lmtp) as lmtp, growth(victim) as memory:
        lmtp.send(b"MAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n")
        assert [lmtp.reply()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        piece = (b"x" * 998 + b"\r\n") * 1000
        for _ in range(200):
            lmtp.send(piece)
        lmtp.send(b".\r\n")
        assert lmtp.reply().startswith(b"552 5.3.4 ")
    # It is examined in a thread, a MiB at a time.
    assert memory.peak < 8 * MIB


def test_many_fields_of_a_long_header(victim: Server) -> None:
    """P7: a thousand copies of a header of 130,000 fields are not held at once."""
    header = b"".join(b"a%d:\r\n" % number for number in range(130_000))
    with LmtpClient(victim.lmtp) as lmtp:
        lmtp.must_deliver(stuffed(header + b"\r\n"), "bob")
    items = b" ".join(
        b"BODY.PEEK[HEADER.FIELDS.NOT (x%d)]" % number for number in range(900)
    )
    with client_of(victim, "bob") as client, growth(victim) as memory:
        client.send(b"a FETCH %d (%b)\r\n" % (client.exists, items))
        for _ in range(5):
            client.octets(len(header))
    assert memory.peak < 16 * MIB
