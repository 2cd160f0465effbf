"""What is repaired, besides what tests/contract holds the three servers to.

Each fact is asked of the stock server, too: there it has to be none.
"""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITCPTransport, ITLSTransport
from twisted.internet.task import Clock, Cooperator
from twisted.mail import imap4
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from imapbox.compat import IMAP4Server
from imapbox.compat.turns import run_through
from tests.support.fake_mail import FakeAccount
from tests.support.twisted_mail import PullingTransport, avatar_of

TEXT = b"Subject: hello\r\n\r\nbody\r\n"
Fact = Callable[[Any], None]
FACTS: list[Fact] = []
TURN = 0.001  # seconds; on a Clock, what is due at once is in no later turn


def fact(function: Fact) -> Fact:
    FACTS.append(function)
    return function


class Transport(PullingTransport):
    """A TCP connection that can begin TLS."""

    no_delay = False
    reads = True

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's
        self.no_delay = enabled

    def startTLS(self, _context: object) -> None:  # noqa: N802 - Twisted's
        self.clear()


class Client:
    """A client of a server, logged in to mail in memory if it wants."""

    def __init__(self, server: Any, account: FakeAccount | None = None) -> None:
        self.clock = Clock()
        self.server = server(contextFactory=object())
        self.server.callLater = self.clock.callLater
        if self.server._scheduler is imap4.iterateInReactor:
            self.server._scheduler = self._in_turns
        self.transport = Transport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1))
        alsoProvides(self.transport, ITCPTransport, ITLSTransport)
        self.server.makeConnection(self.transport)
        if account is not None:
            self.server.account = avatar_of(account)
            self.server.state = "auth"
        self.transport.clear()

    def say(self, octets: bytes) -> bytes:
        self.server.dataReceived(octets)
        return self.heard()

    def heard(self) -> bytes:
        """Give the server its turns; return what it said."""
        for _ in range(20):
            self.clock.advance(TURN)
        said: bytes = self.transport.value()
        self.transport.clear()
        return said

    def lose(self) -> None:
        self.server.connectionLost(Failure(ConnectionDone()))

    def _in_turns(self, work: Any) -> Deferred[Any]:
        """Do one piece a turn, as the stock server does on the real reactor."""
        turns = Cooperator(
            lambda: lambda: True, lambda step: self.clock.callLater(TURN, step)
        )
        return turns.coiterate(work)


def with_mail(count: int = 1) -> FakeAccount:
    account = FakeAccount()
    for _ in range(count):
        account.inbox.add(TEXT)
    return account


@fact
def small_answers_go_out_at_once(server: Any) -> None:
    """TCP_NODELAY is set: a small answer does not wait for the one before."""
    assert Client(server).transport.no_delay


@fact
def nothing_said_before_tls_counts_after_it(server: Any) -> None:
    """What is pipelined behind STARTTLS without encryption is forgotten."""
    client = Client(server)
    said = client.say(b"a STARTTLS\r\nb NOOP\r\n")
    assert b"b OK" not in said


@fact
def a_client_that_goes_leaves_nothing(server: Any) -> None:
    """A lost connection closes its mailbox, which tells it nothing any more."""
    account = with_mail()
    client = Client(server, account)
    client.say(b"a SELECT INBOX\r\n")
    client.lose()
    gc.collect()
    assert account.open == []
    assert account.inbox.waiting == []


@fact
def a_logout_leaves_nothing(server: Any) -> None:
    """LOGOUT closes the mailbox at once."""
    account = with_mail()
    client = Client(server, account)
    client.say(b"a SELECT INBOX\r\n")
    client.say(b"b LOGOUT\r\n")
    assert account.open == []


@fact
def a_fetch_takes_few_turns(server: Any) -> None:
    """A FETCH of many messages needs no turn of the reactor for each."""
    client = Client(server, with_mail(300))
    client.say(b"a SELECT INBOX\r\n")
    assert client.say(b"b FETCH 1:* (UID FLAGS)\r\n").count(b" FETCH (") == 300


@fact
def a_fetch_of_octets_keeps_nobody_waiting(server: Any) -> None:
    """Octets are read beside the reactor."""
    account = with_mail()
    client = Client(server, account)
    client.say(b"a SELECT INBOX\r\n")
    client.server.mbox._selected.read_now = None
    client.server._scheduler = run_through
    assert TEXT in client.say(b"b FETCH 1 BODY.PEEK[]\r\n")


@fact
def a_nul_is_refused(server: Any) -> None:
    """A line with a NUL is BAD, whatever it is."""
    assert Client(server, with_mail()).say(b'a SELECT "a\0"\r\n').startswith(b"a BAD ")


@fact
def a_long_line_is_read(server: Any) -> None:
    """A line may have 64 KiB."""
    client = Client(server, with_mail())
    client.say(b"a SELECT INBOX\r\n")
    numbers = b",".join([b"1"] * 20_000)
    assert b"b OK" in client.say(b"b UID STORE %b +FLAGS.SILENT (a)\r\n" % numbers)


@fact
def a_change_is_acknowledged_when_it_is_done(server: Any) -> None:
    """CREATE waits for an account that answers with a Deferred."""
    account = with_mail()
    client = Client(server, account)
    client.server.account.answerWithDeferreds()
    gate: Deferred[None] = Deferred()
    account.pause = lambda _: gate
    assert client.say(b"a CREATE b\r\n") == b""
    gate.callback(None)
    assert client.heard().startswith(b"a OK ")


@fact
def a_command_waits_for_the_one_before(server: Any) -> None:
    """While a command is being done nothing more is read."""
    account = with_mail(2)
    client = Client(server, account)
    client.say(b"a SELECT INBOX\r\n")
    gate: Deferred[None] = Deferred()
    account.pause = lambda _: gate
    assert client.say(b"b STORE 1 +FLAGS (x)\r\nc NOOP\r\n") == b""
    assert client.transport.producerState == "paused"
    gate.callback(None)
    said = client.heard()
    assert said.index(b"b OK ") < said.index(b"c OK ")
    assert client.transport.producerState == "producing"


@fact
def a_message_that_is_too_large_is_refused_at_once(server: Any) -> None:
    """APPEND is told the limit before it sends."""
    said = Client(server, with_mail()).say(b"a APPEND INBOX () {67108865}\r\n")
    assert said.startswith(b"a BAD ")


@fact
def overriding_a_command_counts(server: Any) -> None:
    """A subclass that overrides do_NOOP changes NOOP, in all states."""

    class Mine(server):
        def do_NOOP(self, tag: bytes) -> None:  # noqa: N802 - Twisted's
            self.sendPositiveResponse(tag, b"mine")

    assert Client(Mine).say(b"a NOOP\r\n") == b"a OK mine\r\n"
    assert Client(Mine, with_mail()).say(b"a NOOP\r\n") == b"a OK mine\r\n"


@fact
def other_users_come_before_what_is_shared(server: Any) -> None:
    """NAMESPACE tells personal, other users' and shared ones, in this order."""

    class Account(imap4.MemoryAccount):
        def getUserNamespaces(self) -> list[list[bytes]]:  # noqa: N802 - Twisted's
            return [[b"~", b"/"]]

    client = Client(server)
    client.server.account = Account(b"ana")
    client.server.state = "auth"
    said = client.say(b"a NAMESPACE\r\n")
    assert said.startswith(b'* NAMESPACE (("" "/")) (("~" "/")) NIL\r\n')


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.__name__)
def test_a_repair(each: Fact) -> None:
    """The repaired server does what each fact says."""
    each(IMAP4Server)


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.__name__)
def test_the_stock_server_needs_it(each: Fact) -> None:
    """The stock server does not; a repair that is not needed any more should go."""
    with pytest.raises((AssertionError, TypeError, ValueError)):
        each(imap4.IMAP4Server)


def test_mailboxes_of_others_are_served_too() -> None:
    """An account that is not ours, with what Twisted's interfaces say, is served."""
    client = Client(IMAP4Server)
    client.server.account = imap4.MemoryAccount(b"ana")
    client.server.state = "auth"
    assert client.say(b"a CREATE b\r\n").startswith(b"a NO ")
    assert client.say(b"b SELECT nothing\r\n") == b"b NO No such mailbox\r\n"
    assert client.say(b'c LIST "" *\r\n') == b"c OK LIST completed\r\n"
    assert client.say(b'd LSUB "" *\r\n') == b"d OK LSUB completed\r\n"


def test_an_answer_behind_a_lost_connection() -> None:
    """A command that ends when its client has gone harms nobody."""
    account = with_mail()
    client = Client(IMAP4Server, account)
    client.say(b"a SELECT INBOX\r\n")
    gate: Deferred[None] = Deferred()
    account.pause = lambda _: gate
    client.say(b"b NOOP\r\nc NOOP\r\n")
    client.lose()
    gate.callback(None)
    client.heard()
    assert [call for call in client.clock.getDelayedCalls() if call.active()] == []


def test_news_do_not_come_in_the_middle() -> None:
    """What happens while a message is told is told behind it."""
    account = with_mail()
    client = Client(IMAP4Server, account)
    client.say(b"a SELECT INBOX\r\n")
    gate: Deferred[None] = Deferred()
    client.server.spew_flags = lambda *_args: gate
    client.say(b"b FETCH 1 FLAGS\r\n")
    account.inbox.add(TEXT)
    assert b"EXISTS" not in client.heard()
    gate.callback(None)
    said = client.heard()
    assert said.index(b"* 2 EXISTS") < said.index(b"b OK")
