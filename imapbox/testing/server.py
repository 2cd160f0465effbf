"""What all facts stand on: a server on a port, and clients of it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, Final

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IProtocolFactory

from imapbox.testing.client import Client

# Of a message: two equal fields, a folded one, eight-bit octets, no last line end.
MESSAGE: Final = (
    b"Received: from a.example by b.example;\r\n\tTue, 24 Nov 2026 12:00:00 +0100\r\n"
    b"Received: from b.example by c.example\r\n"
    b"From: Ana Example <ana@example.org>\r\n"
    b"To: bob@example.org\r\n"
    b"Subject: a first message\r\n"
    b"Date: Mon, 23 Nov 2026 11:00:00 +0100\r\n"
    b"\r\n"
    b"Some text.\r\nThe last line\r\n"
)
OTHER: Final = (
    b"From: bob@example.org\r\nSubject: another\r\n\r\nWords about cheese.\r\n"
)

Fact = Callable[[Any], Awaitable[None]]


class Facts:
    """Some facts about a server; `imapbox.testing` says how to use them.

    Attributes:
        reactor: Twisted's; it has to run.
        user: Who logs in.
        password: Theirs.
        known_failures: By a test's name, why the server fails it. A test that
            is named here fails if the server does not.
        unreliable: By a test's name, why the server passes it by luck. A test
            that is named here does not fail.
        patience: How many seconds a client waits for an answer.
    """

    reactor: ClassVar[Any] = None
    user: ClassVar[bytes] = b"ana"
    password: ClassVar[bytes] = b"secret"
    known_failures: ClassVar[Mapping[str, str]] = {}
    unreliable: ClassVar[Mapping[str, str]] = {}
    patience: ClassVar[float] = 10.0

    def __init_subclass__(cls, **more: Any) -> None:
        """Make each test start its server, and expect what is known to fail."""
        super().__init_subclass__(**more)
        for name in [name for name in dir(cls) if name.startswith("test_")]:
            fact = getattr(cls, name)
            fact = getattr(fact, "__wrapped__", fact)
            setattr(cls, name, _with_server(fact))
        expected = (*cls.known_failures, *cls.unreliable)
        unknown = [name for name in expected if not hasattr(cls, name)]
        if unknown:
            raise TypeError(f"no such tests: {unknown}")

    async def make_factory(self) -> IProtocolFactory:
        """Return a factory of protocols that serve IMAP. Override this.

        The user has to have an INBOX, empty, and nothing else that counts.
        """
        raise NotImplementedError

    async def clean_up(self) -> None:
        """Give back what `make_factory` took. It is called after each test."""

    async def deliver(self, octets: bytes) -> None:
        """Put a message into INBOX, as from outside, durably.

        Override it with what delivers mail; this one says APPEND on a
        connection of its own.
        """
        client = await self.login()
        (await client.say(b"APPEND INBOX ", octets)).ok()
        (await client.say(b"LOGOUT")).ok()

    async def connect(self) -> Client:
        """Return a connection that has been greeted."""
        client = Client(self.reactor, self.patience)
        self._fact_clients.append(client)
        await client.connect(self._fact_port.getHost())
        greeting = await client.response()
        if not greeting.startswith(b"* OK"):
            raise AssertionError(f"a greeting: {greeting!r}")
        return client

    async def login(self) -> Client:
        """Return a connection that is logged in."""
        client = await self.connect()
        (await client.say(b"LOGIN %b %b" % (self.user, self.password))).ok()
        return client

    async def selected(self, *messages: bytes) -> Client:
        """Return a connection that has INBOX selected, with these messages in it."""
        client = await self.login()
        for octets in messages:
            (await client.say(b"APPEND INBOX () ", octets)).ok()
        (await client.say(b"SELECT INBOX")).ok()
        return client

    async def _try_fact(self, fact: Fact) -> None:
        self._fact_clients: list[Client] = []
        factory = await self.make_factory()
        self._fact_port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        try:
            await fact(self)
        finally:
            for client in self._fact_clients:
                await client.hang_up()
            await maybeDeferred(self._fact_port.stopListening)
            await self.clean_up()


def _with_server(fact: Fact) -> Fact:
    @wraps(fact)
    async def test(self: Facts) -> None:
        name = fact.__name__
        reason = self.known_failures.get(name)
        try:
            await self._try_fact(fact)
        except AssertionError:
            if reason is None and name not in self.unreliable:
                raise
        else:
            if reason is not None:
                raise AssertionError(f"it holds, though it is known not to: {reason}")

    return test
