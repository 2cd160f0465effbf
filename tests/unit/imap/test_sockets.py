"""Over real sockets: TLS, large answers, clients that go away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_twisted
from twisted.internet import reactor  # noqa: TID251 - tests on real sockets
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from imapbox.app.certificate_file import CertificateFile
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Cleartext, Patience, Settings
from tests.support.certificates import make_pem
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import FakeLogins
from tests.support.response_checker import ResponseChecker

BODY = b"Subject: large\r\n\r\n" + bytes(range(1, 256)) * 40_000
STRICT = Settings(cleartext=Cleartext.NEVER)


class Talker(Protocol):
    """A client that says what it is told to, and collects the answers."""

    def __init__(self) -> None:
        self.heard = b""
        self._checker = ResponseChecker()
        self.closed = False
        self.reason = ""
        self._waiting: tuple[bytes, Deferred[bytes]] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._checker.receive(data)
        self._look()

    def connectionLost(self, reason: Failure) -> None:
        self.closed = True
        self.reason = str(reason.value)
        self._look()

    def until(self, end: bytes) -> Deferred[bytes]:
        """Fires with what was heard, when it ends so or the connection does."""
        waiting: Deferred[bytes] = Deferred()
        self._waiting = (end, waiting)
        self._look()
        return waiting

    def say(self, data: bytes, end: bytes = b"\r\n") -> Deferred[bytes]:
        self.heard = b""
        self.transport.write(data)
        return self.until(end)

    async def encrypt(self, *protocols: bytes) -> None:
        assert (await self.say(b"s STARTTLS\r\n")) == b"s OK Begin TLS now.\r\n"
        options = CertificateOptions(acceptableProtocols=protocols or None)
        self.transport.startTLS(options)

    def _look(self) -> None:
        if self._waiting and (self.closed or self.heard.endswith(self._waiting[0])):
            waiting, self._waiting = self._waiting[1], None
            waiting.callback(self.heard)


@asynccontextmanager
async def connected(
    directory: Path, account: FakeAccount, settings: Settings = STRICT
) -> AsyncIterator[Talker]:
    """A client of a server on a port of its own; afterwards nothing is left."""
    tls = CertificateFile(make_pem(directory))
    factory = IMAPFactory(FakeLogins(account), reactor, settings=settings, tls=tls)
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    talker = Talker()
    connector = ClientFactory.forProtocol(lambda: talker)
    connector.noisy = False
    reactor.connectTCP("127.0.0.1", port.getHost().port, connector)
    try:
        await talker.until(b"\r\n")
        yield talker
        if not talker.closed:
            talker.transport.abortConnection()
            await talker.until(b"never")
    finally:
        await port.stopListening()
        await factory.shutdown(1.0)
    assert factory.connections == set()
    assert account.open == []
    assert account.spools == set()


def account_with_mail() -> FakeAccount:
    account = FakeAccount()
    account.inbox.add(BODY)
    return account


@pytest_twisted.ensureDeferred
async def test_a_session_within_tls(tmp_path: Path) -> None:
    """After STARTTLS a login and 10 MiB each way pass within TLS."""
    account = account_with_mail()
    async with connected(tmp_path, account) as talker:
        assert b"LOGINDISABLED" in talker.heard
        await talker.encrypt()
        said = await talker.say(b"a LOGIN ana secret\r\n")
        assert said.startswith(b"a OK [CAPABILITY ")
        await talker.say(b"b SELECT INBOX\r\n", b"opened.\r\n")
        said = await talker.say(b"c FETCH 1 BODY.PEEK[]\r\n", b"c OK Fetched.\r\n")
        assert BODY in said
        await talker.say(b"d APPEND INBOX {%d}\r\n" % len(BODY))
        said = await talker.say(BODY + b"\r\n", b"stored.\r\n")
        assert said.startswith(b"* 2 EXISTS\r\n")
        assert account.inbox.messages[2].octets == BODY
        said = await talker.say(b"e LOGOUT\r\n", b"never")
        assert said == b"* BYE Good bye.\r\ne OK Logged out.\r\n"


@pytest_twisted.ensureDeferred
async def test_nothing_is_injected_into_tls(tmp_path: Path) -> None:
    """What was sent with STARTTLS in one segment is never run: row 1."""
    async with connected(tmp_path, FakeAccount()) as talker:
        said = await talker.say(
            b"a STARTTLS\r\nb LOGIN ana secret\r\nc NOOP\r\n", b"never"
        )
        assert said.startswith(b"* BYE ")
        assert b"a OK" not in said
        assert b"\r\nb " not in said
        assert talker.closed


@pytest_twisted.ensureDeferred
async def test_tls_that_is_none(tmp_path: Path) -> None:
    """Commands in clear where a handshake should be end the connection."""
    async with connected(tmp_path, FakeAccount()) as talker:
        await talker.say(b"s STARTTLS\r\n")
        said = await talker.say(b"b CAPABILITY\r\n", b"never")
        assert b"CAPABILITY" not in said
        assert talker.closed


@pytest_twisted.ensureDeferred
async def test_tls_that_is_for_something_else(tmp_path: Path) -> None:
    """Who offers HTTP by ALPN is refused in the handshake; who offers IMAP is not."""
    with capturedLogs() as events:
        async with connected(tmp_path, FakeAccount()) as talker:
            await talker.encrypt(b"http/1.1", b"h2")
            talker.transport.write(b"b CAPABILITY\r\n")
            await talker.until(b"never")
            assert "alert no application protocol" in talker.reason
        async with connected(tmp_path, FakeAccount()) as talker:
            await talker.encrypt(b"http/1.1", b"imap")
            said = await talker.say(b"b CAPABILITY\r\n", b"listed.\r\n")
            assert b"AUTH=PLAIN" in said
            handle = talker.transport.getHandle()
            assert handle.get_alpn_proto_negotiated() == b"imap"
    assert [event for event in events if "log_failure" in event] == []


@pytest_twisted.ensureDeferred
async def test_a_client_that_goes_away(tmp_path: Path) -> None:
    """A client that is lost in the middle of an answer costs nothing more."""
    account = account_with_mail()
    loose = Settings(cleartext=Cleartext.ALWAYS)
    async with connected(tmp_path, account, loose) as talker:
        talker.transport.write(b"a LOGIN ana secret\r\nb SELECT INBOX\r\n")
        talker.transport.write(b"c FETCH 1 BODY.PEEK[]\r\nd IDLE\r\n")
        while len(talker.heard) < 100_000:
            await deferLater(reactor, 0.001)
        assert len(account.open) == 1


@pytest_twisted.ensureDeferred
async def test_a_client_that_does_not_read(tmp_path: Path) -> None:
    """A client that stops reading is cut off, and what it asked for is dropped."""
    account = account_with_mail()
    hasty = Settings(
        cleartext=Cleartext.ALWAYS, patience=Patience(reading=0.05, closing=0.05)
    )
    async with connected(tmp_path, account, hasty) as talker:
        await talker.say(b"a LOGIN ana secret\r\nb SELECT INBOX\r\n", b"opened.\r\n")
        talker.transport.pauseProducing()
        talker.transport.write(b"c FETCH 1,1,1 BODY.PEEK[]\r\n" * 3)
        while account.open:
            await deferLater(reactor, 0.001)
        talker.transport.resumeProducing()
        said = await talker.until(b"never")
        assert not said.endswith(b"c OK Fetched.\r\n")
