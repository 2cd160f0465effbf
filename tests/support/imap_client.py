"""An IMAP client and its server in memory: bytes in, answers out, a clock."""

import zlib
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from imapbox.auth.errors import AuthenticationFailed
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings
from imapbox.mailbox.account_interface import Account
from tests.support.fake_mail import FakeAccount, Pause, at_once
from tests.support.response_checker import COMPRESSED, ResponseChecker

FAR = IPv4Address("TCP", "192.0.2.1", 4711)
NEAR = IPv4Address("TCP", "127.0.0.1", 4711)


class FakeTransport(StringTransport):
    """A transport that can be made to stop reading, and to begin TLS.

    All that is written to it is held to the grammar. What is compressed is read as
    it was meant.

    Attributes:
        compressed: How many octets were written since COMPRESS, in how many writes.
    """

    tls_begun = 0
    no_delay = False
    # Whether the client reads; if it doesn't, 64 KiB are too much, as they
    # are for Twisted's own transports.
    read = True

    def __init__(self, peer: IPv4Address) -> None:
        super().__init__(peerAddress=peer)
        self._checker = ResponseChecker()
        self._inflater: Any = None
        self._deflater: Any = None
        self.compressed = (0, 0)

    def compress(self, data: bytes) -> bytes:
        """Return what a client sends that wants to say ``data``."""
        if self._deflater is None:
            return data
        return self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)

    def write(self, data: bytes) -> None:
        if self._inflater is not None:
            size, writes = self.compressed
            self.compressed = (size + len(data), writes + 1)
            data = self._inflater.decompress(data)
            assert not self._inflater.unconsumed_tail
        elif data.endswith(COMPRESSED):
            self._inflater = zlib.decompressobj(-15)
            self._deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        super().write(data)
        self._checker.receive(data)
        if not self.read and self.io.tell() > 64 * 1024 and self.producer:
            self.producer.pauseProducing()

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's
        self.no_delay = enabled

    def startTLS(self, context: object) -> bool:  # noqa: N802 - Twisted calls it
        assert context == "context"
        self.tls_begun = len(self.value())
        alsoProvides(self, ISSLTransport)
        return True


@dataclass
class FakeLogins:
    """Knows ana, whose password is secret."""

    account: FakeAccount
    pause: Pause = at_once
    lacks: frozenset[str] = frozenset()
    asked: list[bytes] = field(default_factory=list)

    async def login(self, user: bytes, password: bytes) -> Account:
        self.asked.append(user)
        await self.pause("login")
        if (user, password) != (b"ana", b"secret"):
            raise AuthenticationFailed
        return self.account


class Client:
    """One connection, and the client at its other end."""

    def __init__(  # noqa: PLR0913 - a test names only what it wants
        self,
        account: FakeAccount | None = None,
        *,
        clock: Clock | None = None,
        settings: Settings | None = None,
        tls: object = None,
        peer: IPv4Address = NEAR,
        logins: FakeLogins | None = None,
        encrypted: bool = False,
        factory: IMAPFactory | None = None,
    ) -> None:
        self.account = account or FakeAccount()
        self.clock = clock or Clock()
        self.logins = logins or FakeLogins(self.account)
        self.factory = factory or IMAPFactory(
            self.logins, self.clock, settings=settings, tls=tls
        )
        self.transport = FakeTransport(peer)
        if encrypted:
            alsoProvides(self.transport, ISSLTransport)
        self.protocol = self.factory.buildProtocol(peer)
        self.protocol.makeConnection(self.transport)
        self._read = 0

    @property
    def closed(self) -> bool:
        return bool(self.transport.disconnecting)

    def heard(self) -> bytes:
        """What the server said since this was last asked."""
        said = self.transport.value()[self._read :]
        self._read += len(said)
        return said

    def say(self, data: bytes) -> bytes:
        """Send ``data``, and return what the server says to it at once."""
        self.protocol.dataReceived(self.transport.compress(data))
        return self.turn()

    def turn(self, seconds: float = 0) -> bytes:
        """Let time pass, and what was due; return what the server says."""
        self.clock.advance(seconds)
        while any(
            call.getTime() <= self.clock.seconds()
            for call in self.clock.getDelayedCalls()
        ):
            self.clock.advance(0)
        return self.heard()

    def reactor_turn(self) -> bool:
        """Run what is due now, but not what it makes due; say if there was any."""
        now = self.clock.seconds()
        due = [call for call in self.clock.getDelayedCalls() if call.getTime() <= now]
        for call in due:
            self.clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)
        return bool(due)

    def login(self) -> "Client":
        self.heard()
        assert b"l OK" in self.say(b"l LOGIN ana secret\r\n")
        return self

    def select(self, name: bytes = b"INBOX") -> "Client":
        assert b"s OK" in self.say(b"s SELECT " + name + b"\r\n")
        return self

    def drop(self) -> None:
        """The connection is lost."""
        self.transport.disconnecting = True
        self.protocol.connectionLost(Failure(ConnectionDone()))


def answer(client: Client, command: bytes) -> bytes:
    """Return what is said besides the answer, which is OK."""
    said, ok = client.say(b"t %b\r\n" % command).split(b"t OK")
    assert ok
    return said
