"""What `imapbox.testing` says of a server: ours, the repaired, and the stock one."""

import gc
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any, ClassVar

import pytest
import pytest_twisted
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import ServerFactory
from twisted.logger import LogEvent
from twisted.mail import imap4

from imapbox import MailboxRealm, Store
from imapbox.app.logins import StoreLogins
from imapbox.auth.login import Login
from imapbox.compat import IMAP4Server
from imapbox.disk.spool import MemoryContent
from imapbox.foreign import ForeignLogins
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings
from imapbox.model.names import user_name
from imapbox.store.deliveries import Deliveries
from imapbox.store.layout import STORE_FILE
from imapbox.testing import IMAPContract
from imapbox.testing.changing import Changing
from imapbox.testing.server import Facts
from imapbox.testing.sessions import Sessions
from tests.contract.stock import STOCK_FAILS, STOCK_IS_LUCKY
from tests.support.checked_factory import checked
from tests.support.mail_store import knows_none
from tests.support.waiting import reactor as the_reactor


@pytest_twisted.async_yield_fixture(scope="module")
async def stores(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Store, Store]]:
    """One directory, opened twice, as two processes would."""
    root = str(tmp_path_factory.mktemp("contract") / "store")
    serving = Store(root, the_reactor, make=True)
    delivering = Store(root, the_reactor)
    await serving.start()
    await delivering.start()
    # What a first watcher makes is there for all of them.
    ears = [
        each.drivers.watch.listen(STORE_FILE, int) for each in (serving, delivering)
    ]
    # Each test looks for what it left behind, and need not look at all this.
    gc.collect()
    gc.freeze()
    yield serving, delivering
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # as it was: tests/conftest.py
    for stop in ears:
        stop()
    await serving.stop()
    await delivering.stop()


class OnAStore(Facts):
    """A user of its own for each test, and another process's deliveries."""

    reactor = the_reactor
    _users = count(1)

    @pytest.fixture(autouse=True)
    def _stores(self, stores: tuple[Store, Store]) -> None:
        self._store, self._other = stores

    async def make_factory(self) -> IProtocolFactory:
        self.user = b"user%d-%s" % (next(self._users), type(self).__name__.encode())
        await self._store.create_account(user_name(self.user.decode()))
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(self.user, self.password)
        checker.addUser(self.user.lower(), self.password)
        return self.serve([checker])

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        raise NotImplementedError

    async def deliver(self, octets: bytes) -> None:
        deliveries = Deliveries(self._other, knows_none)
        recipient = await deliveries.find(self.user.decode())
        await deliveries.deliver(recipient, b"", MemoryContent(octets))


class BehindAPortal(OnAStore, IMAPContract):
    """Twisted's server, or one made from it, with our realm."""

    server: Any

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        factory = ServerFactory()
        factory.noisy = False
        portal = Portal(MailboxRealm(self._store), checkers)

        def build(_: object) -> Any:
            protocol = self.server()
            protocol.portal = portal
            return protocol

        factory.buildProtocol = build
        return factory


class TestEngine(OnAStore, IMAPContract):
    """imapbox's own server."""

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        return checked(
            IMAPFactory(
                StoreLogins(self._store, Login(checkers)),
                self.reactor,
                settings=Settings(failure_delay=0.0),
            )
        )


class TestForeign(OnAStore, Changing, Sessions):
    """imapbox's own server, with accounts that it does not know to be ours.

    What has to do with them; the rest is the same code as above.
    """

    patience = 3.0
    known_failures: ClassVar = {
        "test_idle_tells_of_expunges": "no interface of Twisted's tells of expunges; "
        "who idles is told when we look, within 30 seconds",
    }

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        portal = Portal(MailboxRealm(self._store), checkers)
        settings = Settings(failure_delay=0.0)
        logins = ForeignLogins(portal, self.reactor)
        return checked(IMAPFactory(logins, self.reactor, settings=settings))


class TestCompat(BehindAPortal):
    """imapbox.compat.IMAP4Server."""

    server = IMAP4Server

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        return checked(super().serve(checkers))


class TestStock(BehindAPortal):
    """twisted.mail.imap4.IMAP4Server, as it is."""

    server = imap4.IMAP4Server
    patience = 2.0
    known_failures = STOCK_FAILS
    unreliable = STOCK_IS_LUCKY

    @pytest.fixture(autouse=True)
    def _logs_errors(self, logged_errors: list[LogEvent]) -> Iterator[None]:
        """It logs its clients' mistakes, and its own, as errors."""
        yield
        gc.collect()
        logged_errors.clear()
