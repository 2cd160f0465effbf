"""Who may say, with the PROXY protocol, for whom he comes."""

import socket
from contextlib import suppress
from ipaddress import ip_network

import pytest
import pytest_twisted
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor, StringTransportWithDisconnection
from twisted.logger import capturedLogs, formatEvent

from imapbox.app.listeners import server_endpoint
from imapbox.app.options import ServerOptions
from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.trust import LOOPBACK
from tests.support.lmtp_store import FakeDeliveries
from tests.support.waiting import reactor, until

FAR = IPv4Address("TCP", "192.0.2.7", 4711)
NEAR = IPv4Address("TCP", "127.0.0.1", 4711)
PROXIES = (*LOOPBACK, ip_network("192.0.2.0/29"))
HEADER = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 143\r\n"
SECOND_VERSION = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + bytes([203, 0, 113, 9, 192, 0, 2, 1])
    + b"\x12\x67\x00\x8f"
)


class Heard(Protocol):
    """Keeps what it hears, and from where."""

    def __init__(self) -> None:
        self.data = b""
        self.host: str | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        self.host = self.transport.getPeer().host


class Caller:
    """A connection from ``address`` to an endpoint for proxies."""

    def __init__(self, address: IAddress, factory: Factory | None = None) -> None:
        reactor = MemoryReactor()
        factory = factory or Factory.forProtocol(Heard)
        server_endpoint(reactor, "haproxy:tcp:143", PROXIES).listen(factory)
        ((_, listening, *_),) = reactor.tcpServers
        self.protocol = listening.buildProtocol(address)
        if self.protocol is None:
            return
        self.transport = StringTransportWithDisconnection(peerAddress=address)
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)

    def say(self, data: bytes) -> Heard:
        heard = self.protocol.wrappedProtocol.wrappedProtocol.wrappedProtocol
        assert isinstance(heard, Heard)
        self.protocol.dataReceived(data)
        return heard


@pytest.mark.parametrize("header", [HEADER, SECOND_VERSION])
@pytest.mark.parametrize(
    "address", [FAR, NEAR, IPv6Address("TCP", "::1", 1), UNIXAddress(b"/run/imap")]
)
def test_a_proxy_is_believed(address: IAddress, header: bytes) -> None:
    """Whoever is on this machine, or where it was said, names its client."""
    heard = Caller(address).say(header + b"a NOOP\r\n")
    assert (heard.host, heard.data) == ("203.0.113.9", b"a NOOP\r\n")


@pytest.mark.parametrize("header", [HEADER, b"PROXY TCP6 ::2 ::1 1 65535\r\n"])
def test_a_header_may_come_octet_by_octet(header: bytes) -> None:
    """However the network cuts a header of version 1, it is the same."""
    caller = Caller(NEAR)
    for octet in header + b"a NOOP\r\n":
        heard = caller.say(bytes([octet]))
    assert (heard.host, heard.data) == (header.split()[2].decode(), b"a NOOP\r\n")


@pytest.mark.parametrize("words", [b"", b" ", b" whatever 1 2", b" " * 92])
def test_a_proxy_comes_for_itself(words: bytes) -> None:
    """A proxy that says UNKNOWN, to see whether we live, has its own address."""
    heard = Caller(NEAR).say(b"PROXY UNKNOWN" + words + b"\r\na NOOP\r\n")
    assert (heard.host, heard.data) == ("127.0.0.1", b"a NOOP\r\n")


@pytest.mark.parametrize(
    "address",
    [
        IPv4Address("TCP", "192.0.2.8", 1),
        IPv6Address("TCP", "2001:db8::1", 1),
        IPv6Address("TCP", "::ffff:203.0.113.9", 1),
    ],
)
def test_nobody_else_is(address: IAddress) -> None:
    """Others are hung up on before anything of theirs is read."""
    assert Caller(address).protocol is None


@pytest_twisted.ensureDeferred
async def test_a_stranger_hears_nothing() -> None:
    """On a real socket, too: who is no proxy is not even greeted."""
    factory = LMTPFactory(FakeDeliveries(), reactor, hostname="mx.example.test")
    endpoint = server_endpoint(reactor, "haproxy:tcp:0:interface=127.0.0.1", ())
    port = await endpoint.listen(factory)
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as client:
        client.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n")
        client.setblocking(False)
        said: list[bytes] = []

        def has_ended() -> bool:
            with suppress(BlockingIOError):
                try:
                    said.append(client.recv(100))
                except ConnectionResetError:
                    said.append(b"")
            return bool(said)

        await until(has_ended)
        assert said == [b""]
    await port.stopListening()


@pytest.mark.parametrize(
    "header",
    [
        b"a LOGIN ana hunter2\r\n",
        b"PROXY TCP4 203.0.113.9\r\n",
        b"PROXY UDP4 203.0.113.9 192.0.2.1 4711 143\r\n",
        b"PROXY TCP4 " + b"9" * 108,
        b"PROXY TCP4 nonsense 192.0.2.1 4711 143\r\n",
        b"PROXY TCP4 ::1 ::1 4711 143\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 4711 143\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 x y\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 65536\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 143 1\r\n",
        b"PROXY TCP4  203.0.113.9 192.0.2.1 4711 143\r\n",
        b"PROXY TCP4 \xc3\xa9 192.0.2.1 4711 143\r\n",
        b"PROXY UNKNOWN" + b"x" * 94 + b"\r\n",
        b"PROXY UNKNOWN" + b" " * 93 + b"\r\n",
        SECOND_VERSION[:13] + b"\x51" + SECOND_VERSION[14:],
        SECOND_VERSION[:15],
    ],
)
def test_what_is_no_header_ends_it(header: bytes) -> None:
    """Even a proxy is hung up on for another beginning, and for one without end."""
    caller = Caller(NEAR)
    assert caller.say(header).data == b""
    assert not caller.transport.connected


@pytest.mark.parametrize("first", [HEADER, SECOND_VERSION])
@pytest.mark.parametrize(
    "second",
    [HEADER, SECOND_VERSION, b"PROXY UNKNOWN\r\n", b"PROXY TCP6 ::1 ::1 1 1\r\n"],
)
@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_second_header_ends_it(first: bytes, second: bytes, size: int) -> None:
    """The client is named once: another header right behind it is no command."""
    caller = Caller(NEAR)
    ended: list[object] = []
    # As on a socket: what comes until it is closed is heard by nobody, either.
    caller.transport.loseConnection = lambda: ended.append(None)
    together = len(first) + (0 if size else len(second))
    with capturedLogs() as logs:
        heard = caller.say((first + second)[:together])
        for start in range(together, len(first + second), size or 1):
            caller.say((first + second)[start : start + size])
        caller.say(b"a NOOP\r\n")
    assert (heard.data, len(ended)) == (b"", 1)
    said = [formatEvent(event) for event in logs]
    assert said.count("hung up on 203.0.113.9: a second PROXY header") == 1


@pytest.mark.parametrize(
    "command",
    [
        b"PROXY NOOP\r\n",
        b"\r\n\r\na NOOP\r\n",
        b"a NOOP\r\n" + HEADER,
        b"p" + SECOND_VERSION,
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_only_looks_like_a_header_is_a_command(command: bytes, size: int) -> None:
    """Whatever a header doesn't begin with is the client's, also what follows it."""
    caller = Caller(NEAR)
    heard = caller.say(HEADER)
    assert heard.data == b""
    for start in range(0, len(command), size):
        caller.say(command[start : start + size])
    assert (heard.host, heard.data) == ("203.0.113.9", command)
    assert caller.transport.connected


def test_the_option_names_them() -> None:
    """What --proxy-from says reaches the endpoint, whatever its place is."""
    reactor = MemoryReactor()
    options = ServerOptions(reactor)
    options.parseOptions(
        ["--store", "s", "--lmtp", "haproxy:tcp:24", "--proxy-from", "192.0.2.7"]
    )
    (endpoint,) = options.settings.lmtp
    endpoint.listen(Factory.forProtocol(Heard))
    ((_, listening, *_),) = reactor.tcpServers
    assert listening.buildProtocol(FAR) is not None
    assert listening.buildProtocol(IPv4Address("TCP", "192.0.2.8", 1)) is None


@pytest.mark.parametrize("beginning", [b"", b"PROXY TCP4 203"])
def test_half_a_header_is_not_waited_for_for_ever(beginning: bytes) -> None:
    """Whoever does not end its header has the time of a command that is not ended."""
    clock = Clock()
    factory = LMTPFactory(FakeDeliveries(), clock, hostname="mx.example.test")
    caller = Caller(NEAR, factory)
    if beginning:
        caller.protocol.dataReceived(beginning)
    clock.advance(299)
    assert caller.transport.connected
    clock.advance(1)
    assert not caller.transport.connected
