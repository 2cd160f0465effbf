"""Mail in memory behind twisted.mail's interfaces, and its server."""

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.mail.imap4 import IMAP4Server, MessageSet
from twisted.mail.interfaces import IMailboxIMAPListener
from zope.interface import implementer

from imapbox.disk.blocking import result_of
from imapbox.mailbox.twisted_account import TwistedAccount
from imapbox.mailbox.twisted_mailbox import TwistedMailbox
from imapbox.mailbox.twisted_message import TwistedMessage
from tests.support.fake_mail import FakeAccount


@implementer(IMailboxIMAPListener)
class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def modeChanged(self, writeable: bool) -> None:  # noqa: N802 - Twisted's
        self.heard.append(writeable)

    def flagsChanged(self, flags: dict[int, list[str]]) -> None:  # noqa: N802 - ditto
        self.heard.append(flags)

    def newMessages(self, exists: int, recent: int) -> None:  # noqa: N802 - ditto
        self.heard.append((exists, recent))


class ImpatientClock(Clock):
    """A clock on which what is due at once happens at once."""

    def callLater(self, when: float, *call: Any, **more: Any) -> Any:  # noqa: N802 - Twisted's
        later = super().callLater(when, *call, **more)
        self.advance(0)
        return later


def avatar_of(account: FakeAccount, clock: Clock | None = None) -> TwistedAccount:
    return TwistedAccount(account, account, clock or ImpatientClock())


def opened(
    account: FakeAccount, name: str = "INBOX", rw: bool | None = True
) -> TwistedMailbox:
    """Open a mailbox, for a session of its own."""
    mailbox = result_of(avatar_of(account).select(name, rw))
    assert mailbox is not None
    return mailbox


def fetched(mailbox: TwistedMailbox, *ranges: int | None) -> list[TwistedMessage]:
    """Fetch one range of numbers, all if none is given."""
    numbers = MessageSet(*(ranges or (1, None)))
    return [message for _, message in result_of(mailbox.fetch(numbers, False))]


def at_once(work: Iterator[Any]) -> Deferred[None]:
    """A scheduler for the stock server that needs no reactor."""
    done: Deferred[None] = Deferred()

    def go_on(_: object) -> None:
        for result in work:
            if isinstance(result, Deferred):
                result.addCallback(go_on)
                return
        done.callback(None)

    go_on(None)
    return done


class PullingTransport(StringTransport):
    """A transport that takes all that a pull producer has, at once."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802 - Twisted's
        super().registerProducer(producer, streaming)
        while not streaming and self.producer is not None:
            producer.resumeProducing()


class StockClient:
    """A client of the stock server, logged in to mail in memory."""

    def __init__(self, account: FakeAccount, server: Any = None) -> None:
        self.server = server or IMAP4Server(scheduler=at_once)
        self.transport = PullingTransport()
        self.server.makeConnection(self.transport)
        self.server.account = avatar_of(account)
        self.server.state = "auth"
        self.heard()

    def heard(self) -> bytes:
        said: bytes = self.transport.value()
        self.transport.clear()
        return said

    def say(self, command: bytes) -> bytes:
        self.server.dataReceived(command + b"\r\n")
        return self.heard()
