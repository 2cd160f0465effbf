"""Who may say, with the PROXY protocol, for whom he comes."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import wrapServerTLS
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import (
    MemoryReactor,
    MemoryReactorClock,
    StringTransportWithDisconnection,
)
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent

from imapbox.app.certificate_file import CertificateFile
from imapbox.app.listeners import server_endpoint
from imapbox.app.options import ServerOptions
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings
from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.trust import LOOPBACK
from tests.support.certificates import make_pem
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import FakeLogins
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


WORDS = b"a NOOP\r\n"


class Heard(Protocol):
    """Keeps what it hears, and for whom it was connected."""

    def __init__(self) -> None:
        self.data = b""
        self.lost = False

    def connectionMade(self) -> None:
        self.host = self.transport.getPeer().host

    def connectionLost(self, reason: object) -> None:
        del reason
        self.lost = True

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        assert self.transport.getPeer().host == self.host


class Servers(Factory):
    """Makes `Heard` and keeps them."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def buildProtocol(self, addr: object) -> Heard:
        self.heard.append(Heard())
        assert addr is not None
        return self.heard[-1]


class Door:
    """An endpoint for proxies, in memory."""

    def __init__(self, factory: Factory | None = None) -> None:
        self.reactor = MemoryReactorClock()
        self.factory = factory or Servers()
        server_endpoint(self.reactor, "haproxy:tcp:143", PROXIES).listen(self.factory)
        ((_, self.listening, *_),) = self.reactor.tcpServers


class Caller:
    """A connection from ``address`` to an endpoint for proxies."""

    def __init__(self, address: IAddress, door: Door | None = None) -> None:
        self.door = door or Door()
        self.protocol = self.door.listening.buildProtocol(address)
        if self.protocol is None:
            return
        self.transport = StringTransportWithDisconnection(peerAddress=address)
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)

    @property
    def heard(self) -> list[tuple[str, bytes]]:
        """For whom servers were connected, and what they heard."""
        return [(each.host, each.data) for each in self.door.factory.heard]

    def say(self, data: bytes) -> list[tuple[str, bytes]]:
        self.protocol.dataReceived(data)
        return self.heard

    def told(self, data: bytes) -> bytes:
        """Say ``data``; return what was said to it."""
        self.transport.clear()
        self.protocol.dataReceived(data)
        return self.transport.value()


def mail_server(clock: Clock, **settings: Any) -> IMAPFactory:
    logins = FakeLogins(FakeAccount())
    return IMAPFactory(logins, clock, settings=Settings(**settings))


def mail_taker(clock: Clock) -> LMTPFactory:
    return LMTPFactory(FakeDeliveries(), clock, hostname="mx.example.test")


@pytest.mark.parametrize("header", [HEADER, SECOND_VERSION])
@pytest.mark.parametrize(
    "address", [FAR, NEAR, IPv6Address("TCP", "::1", 1), UNIXAddress(b"/run/imap")]
)
def test_a_proxy_is_believed(address: IAddress, header: bytes) -> None:
    """Whoever is on this machine, or where it was said, names its client."""
    assert Caller(address).say(header + WORDS) == [("203.0.113.9", WORDS)]


@pytest.mark.parametrize(
    "header", [HEADER, SECOND_VERSION, b"PROXY TCP6 ::2 ::1 1 65535\r\n"]
)
def test_a_header_may_come_octet_by_octet(header: bytes) -> None:
    """Nobody is connected before the last octet of a header, and then the client is."""
    caller = Caller(NEAR)
    for octet in header[:-1]:
        assert caller.say(bytes([octet])) == []
    ((host, heard),) = caller.say(header[-1:])
    assert heard == b""
    for octet in WORDS:
        caller.say(bytes([octet]))
    assert caller.heard == [(host, WORDS)]
    assert host == ("::2" if b"TCP6" in header else "203.0.113.9")


@pytest.mark.parametrize("header", [HEADER, SECOND_VERSION])
def test_a_header_may_be_cut_anywhere(header: bytes) -> None:
    """However the network cuts a header and what follows, they are the same."""
    for cut in range(len(header + WORDS)):
        caller = Caller(FAR)
        caller.say((header + WORDS)[:cut])
        heard = caller.say((header + WORDS)[cut:])
        assert heard == [("203.0.113.9", WORDS)]


@pytest.mark.parametrize(
    "header",
    [
        *(
            b"PROXY UNKNOWN" + words + b"\r\n"
            for words in (b"", b" ", b" whatever 1 2", b" " * 92)
        ),
        SECOND_VERSION[:12] + b"\x20" + SECOND_VERSION[13:],
        SECOND_VERSION[:12] + b"\x20\x00\x00\x00",
        SECOND_VERSION[:12] + b"\x21\x00\x00\x05 what",
    ],
)
def test_a_proxy_comes_for_itself(header: bytes) -> None:
    """A proxy that says UNKNOWN or LOCAL, to see whether we live, is itself."""
    assert Caller(NEAR).say(header) == [("127.0.0.1", b"")]
    assert Caller(NEAR).say(header + WORDS) == [("127.0.0.1", WORDS)]


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
        SECOND_VERSION[:12] + b"\x11" + SECOND_VERSION[13:],
        SECOND_VERSION[:12] + b"\x21\x11\x00\x00",
        b"\r\n\r\n\x00\r\nQUIT\r\n",
    ],
)
def test_what_is_no_header_ends_it(header: bytes) -> None:
    """Even a proxy is hung up on for another beginning, and for one without end."""
    caller = Caller(NEAR)
    with capturedLogs() as logs:
        assert caller.say(header) == []
    assert not caller.transport.connected
    assert [formatEvent(event) for event in logs] == [
        "hung up on 127.0.0.1: no PROXY header that makes sense"
    ]
    assert caller.door.reactor.getDelayedCalls() == []


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
        caller.say((first + second)[:together])
        for start in range(together, len(first + second), size or 1):
            caller.say((first + second)[start : start + size])
        caller.say(b"a NOOP\r\n")
    assert (caller.heard, len(ended)) == ([("203.0.113.9", b"")], 1)
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
    caller.say(HEADER)
    for start in range(0, len(command), size):
        caller.say(command[start : start + size])
    assert caller.heard == [("203.0.113.9", command)]
    assert caller.transport.connected


def test_the_option_names_them() -> None:
    """What --proxy-from says reaches the endpoint, whatever its place is."""
    reactor = MemoryReactor()
    options = ServerOptions(reactor)
    options.parseOptions(
        ["--store", "s", "--lmtp", "haproxy:tcp:24", "--proxy-from", "192.0.2.7"]
    )
    (endpoint,) = options.settings.lmtp
    endpoint.listen(Servers())
    ((_, listening, *_),) = reactor.tcpServers
    assert listening.buildProtocol(FAR) is not None
    assert listening.buildProtocol(IPv4Address("TCP", "192.0.2.8", 1)) is None


@pytest.mark.parametrize(
    "beginning", [b"", b"PROXY TCP4 203", SECOND_VERSION[:1], SECOND_VERSION[:-1]]
)
def test_half_a_header_is_not_waited_for_for_ever(beginning: bytes) -> None:
    """Whoever does not end its header within ten seconds is hung up on."""
    caller = Caller(NEAR)
    clock = caller.door.reactor
    clock.advance(5)
    assert caller.say(beginning) == []
    clock.advance(4.9)
    assert caller.transport.connected
    clock.advance(0.1)
    assert not caller.transport.connected
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("header", [b"", HEADER])
def test_nothing_is_left_of_one_that_ends(header: bytes) -> None:
    """A connection that ends, or whose header came, is waited for no longer."""
    caller = Caller(NEAR)
    caller.say(header)
    if not header:
        caller.transport.loseConnection()
    assert caller.door.reactor.getDelayedCalls() == []


def test_a_few_may_be_without_a_header() -> None:
    """The 101st without a header takes the place of the oldest; others have none."""
    door = Door()
    served = Caller(NEAR, door)
    served.say(HEADER)
    silent = [Caller(NEAR, door) for _ in range(100)]
    assert all(each.transport.connected for each in silent)
    late = Caller(NEAR, door)
    assert [each.transport.connected for each in silent] == [False] + [True] * 99
    assert late.say(HEADER) == [("203.0.113.9", b"")] * 2
    Caller(NEAR, door)
    assert silent[1].transport.connected
    assert served.transport.connected


@pytest.mark.parametrize("header", [HEADER, SECOND_VERSION])
def test_a_client_far_away_is_never_local(header: bytes) -> None:
    """The greeting, and all behind it, are the client's, not its proxy's beside us."""
    caller = Caller(NEAR, Door(mail_server(Clock())))
    assert caller.told(header[:-1]) == b""
    greeting = caller.told(header[-1:])
    assert greeting.startswith(b"* OK [CAPABILITY ")
    assert b" LOGINDISABLED" in greeting
    assert b"AUTH=PLAIN" not in greeting
    # Its literal, the password, is not invited.
    said = caller.told(b"a LOGIN {3}\r\n")
    assert said.startswith(b"a NO [PRIVACYREQUIRED] ")
    assert caller.told(b"b LOGIN ana secret\r\n").startswith(b"b NO [PRIVACYREQUIRED] ")


def test_a_client_beside_us_is_local() -> None:
    """Whose proxy says that it comes from this machine may log in without TLS."""
    caller = Caller(NEAR, Door(mail_server(Clock())))
    greeting = caller.told(b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 143\r\n")
    assert b"LOGINDISABLED" not in greeting
    assert caller.told(b"a LOGIN ana secret\r\n").startswith(b"a OK ")


@pytest.mark.parametrize("proxy", [NEAR, FAR, UNIXAddress(b"/run/imap")])
def test_who_says_nothing_is_counted(proxy: IAddress) -> None:
    """The 31st connection of an address is told BYE, silent or not; others are not."""
    door = Door(mail_server(Clock()))
    for _ in range(30):
        assert Caller(proxy, door).told(HEADER).startswith(b"* OK ")
    assert Caller(proxy, door).told(HEADER + WORDS) == (
        b"* BYE [UNAVAILABLE] Too many connections from your address.\r\n"
    )
    other = b"PROXY TCP4 203.0.113.10 192.0.2.1 4711 143\r\n"
    assert Caller(proxy, door).told(other).startswith(b"* OK ")


def test_an_mta_far_away_is_not_believed() -> None:
    """LMTP greets behind the header; who is far has no XFORWARD by a proxy near."""
    door = Door(mail_taker(Clock()))
    caller = Caller(NEAR, door)
    assert caller.told(HEADER[:-1]) == b""
    assert door.factory.connections == set()
    assert caller.told(HEADER[-1:]).startswith(b"220 ")
    assert b"XFORWARD" not in caller.told(b"LHLO c\r\n")
    assert caller.told(b"XFORWARD IDENT=1\r\n").startswith(b"550 5.7.0 ")
    near = Caller(NEAR, door)
    near.told(b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 24\r\n")
    assert b"XFORWARD" in near.told(b"LHLO c\r\n")


@pytest.mark.parametrize("make", [mail_server, mail_taker])
@pytest.mark.parametrize("beginning", [b"", HEADER[:-1]])
@pytest_twisted.ensureDeferred
async def test_the_end_waits_for_no_header(
    make: Callable[[Any], IMAPFactory | LMTPFactory], beginning: bytes
) -> None:
    """Who waits for a header is hung up on when the port closes, and is no session."""
    factory = make(reactor)
    endpoint = server_endpoint(reactor, "haproxy:tcp:0:interface=127.0.0.1", LOOPBACK)
    port = await endpoint.listen(factory)
    address = ("127.0.0.1", port.getHost().port)
    with (
        socket.create_connection(address) as waiting,
        socket.create_connection(address) as served,
    ):
        waiting.sendall(beginning)
        served.sendall(HEADER)
        # They were accepted in their order.
        await until(lambda: factory.connections)
        await port.stopListening()
        await until(lambda: ended(waiting))
        assert len(factory.connections) == 1
        await factory.shutdown()
        await until(lambda: ended(served))


def ended(client: socket.socket) -> bool:
    """Read what there is; say whether that was all."""
    client.setblocking(False)
    try:
        while client.recv(1000):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return True


@pytest.mark.parametrize("starts", [False, True])
@pytest_twisted.ensureDeferred
async def test_tls_is_spoken_behind_the_header(tmp_path: Path, *, starts: bool) -> None:
    """The header comes in clear, before TLS from the start and before STARTTLS."""
    tls = CertificateFile(make_pem(tmp_path))
    factory = IMAPFactory(
        FakeLogins(FakeAccount()), reactor, tls=tls if starts else None
    )
    endpoint = server_endpoint(reactor, "haproxy:tcp:0:interface=127.0.0.1", LOOPBACK)
    if not starts:
        endpoint = wrapServerTLS(tls, endpoint, reactor)
    port = await endpoint.listen(factory)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def talk() -> bytes:
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as plain:
            plain.settimeout(20)
            plain.sendall(HEADER)
            if starts:
                assert b"LOGINDISABLED" in plain.recv(1000)
                plain.sendall(b"a STARTTLS\r\n")
                assert plain.recv(1000).startswith(b"a OK ")
            with context.wrap_socket(plain) as client:
                client.sendall(b"b LOGIN ana secret\r\nc LOGOUT\r\n")
                said = b""
                while more := client.recv(1000):
                    said += more
        return said

    assert b"b OK " in await deferToThread(talk)
    await port.stopListening()
    await factory.shutdown()


# Twisted's, of its own endpoint.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest_twisted.ensureDeferred
async def test_tls_is_spoken_to_the_proxy(tmp_path: Path) -> None:
    """A proxy may come by TLS; its header is in there, as is what it carries."""
    pem = make_pem(tmp_path)
    ours = f"haproxy:ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}"
    port = await server_endpoint(reactor, ours).listen(factory := Servers())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as plain:
        plain.settimeout(20)
        proxy = await deferToThread(context.wrap_socket, plain)
        with proxy:
            proxy.sendall(SECOND_VERSION + WORDS)
            await until(lambda: factory.heard and factory.heard[0].data)
            assert (factory.heard[0].host, factory.heard[0].data) == (
                "203.0.113.9",
                WORDS,
            )
    await until(lambda: factory.heard[0].lost)
    await port.stopListening()
