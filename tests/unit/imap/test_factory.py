"""All connections of a listener, and their end."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imapbox.imap.factory import IMAPFactory
from tests.support.fake_mail import FakeAccount, at_once
from tests.support.imap_client import Client, FakeLogins


def listening() -> tuple[IMAPFactory, FakeAccount, Clock]:
    account, clock = FakeAccount(), Clock()
    return IMAPFactory(FakeLogins(account), clock), account, clock


def client_of(parts: tuple[IMAPFactory, FakeAccount, Clock]) -> Client:
    factory, account, clock = parts
    return Client(account, clock=clock, factory=factory)


def test_shutdown_says_bye() -> None:
    """At a shutdown whoever waits, idles or sends a message is told BYE at once."""
    parts = listening()
    clients = [client_of(parts) for _ in range(5)]
    for client in clients[1:]:
        client.login()
    clients[2].select().say(b"i IDLE\r\n")
    clients[3].say(b"a APPEND INBOX {10}\r\nabc")
    clients[4].say(b"b SELECT {5}\r\n")
    gone = parts[0].shutdown()
    for client in clients:
        assert client.heard().endswith(
            b"* BYE [UNAVAILABLE] The server is shutting down.\r\n"
        )
        assert client.closed
        client.drop()
    assert gone.called
    assert parts[1].open == []
    assert parts[1].spools == set()
    assert parts[2].getDelayedCalls() == []


def test_running_commands_may_end() -> None:
    """A command that runs at a shutdown is answered before the BYE."""
    parts = listening()
    client = client_of(parts).login()
    waiting: Deferred[None] = Deferred()
    parts[1].pause = lambda _what: waiting
    client.say(b"a CREATE new\r\nb NOOP\r\n")
    gone = parts[0].shutdown()
    assert client.heard() == b""
    parts[1].pause = at_once
    waiting.callback(None)
    assert client.turn() == (
        b"a OK [MAILBOXID (F00000000000000000000000000000066)] Mailbox made.\r\n"
        b"* BYE [UNAVAILABLE] The server is shutting down.\r\n"
    )
    assert not gone.called
    client.drop()
    assert gone.called


def test_patience_ends() -> None:
    """Who is not gone in time is cut off."""
    parts = listening()
    client = client_of(parts).login()
    parts[1].pause = lambda _what: Deferred()
    client.say(b"a CREATE new\r\n")
    gone = parts[0].shutdown(patience=8)
    client.turn(7.9)
    assert not client.transport.disconnected
    client.turn(0.1)
    assert client.transport.disconnected
    client.drop()
    assert gone.called
    assert parts[2].getDelayedCalls() == []


def test_shutdown_of_nobody() -> None:
    """Without connections a shutdown is over at once, however often it is asked."""
    factory, _, _ = listening()
    assert factory.shutdown().called
    assert factory.shutdown().called


def test_sessions_are_strangers() -> None:
    """What one client does wrong costs the others nothing."""
    parts = listening()
    good, bad = client_of(parts).login(), client_of(parts)
    bad.say(b"x" * 100_000)
    assert bad.closed
    assert good.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_small_packets_are_not_held_back() -> None:
    """TCP connections get TCP_NODELAY."""
    parts = listening()
    client = Client(parts[1], clock=parts[2], factory=parts[0], encrypted=True)
    assert client.transport.no_delay
