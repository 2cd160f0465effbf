"""What `imapbox.testing` says of a server: ours, the repaired, and the stock one."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
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
from imapbox.imap.factory import IMAPFactory
from imapbox.model.names import UserName
from imapbox.store.deliveries import Deliveries
from imapbox.testing import IMAPContract
from tests.contract.stock import STOCK_FAILS, STOCK_IS_LUCKY
from tests.support.mail_store import knows_none
from tests.support.waiting import reactor as the_reactor

_SEARCH = (
    *("all", "arrival", "combinations", "dates", "flags", "from", "keyword"),
    *("literal", "nothing", "numbers", "subject", "uid_search", "unkeyword"),
    *("unknown_charset", "header", "body", "text", "no_expunge_while_numbers_are_used"),
    *("fetch_knows_of_a_delivery", "new_mail_behind_an_untold_expunge"),
)
_COPY = ("copy", "copy_of_several", "copy_to_nothing")
_STRUCTURE = (
    *("bodystructure", "envelope", "mime", "part", "part_of_a_text"),
    "header_of_a_message_in_a_message",
    "part_of_a_message_in_a_message",
)
NOT_YET = {f"test_{name}": "being built" for name in (*_SEARCH, *_COPY, *_STRUCTURE)}


class OnAStore(IMAPContract):
    """A store in a directory of its own, and another process's deliveries."""

    reactor = the_reactor

    async def make_factory(self) -> IProtocolFactory:
        self._directory = TemporaryDirectory()
        root = str(Path(self._directory.name) / "store")
        self._store = Store(root, self.reactor)
        # As another process would: its own state, its own locks.
        self._other = Store(root, self.reactor)
        await self._store.start()
        await self._other.start()
        await self._store.create_account(UserName(self.user.decode()))
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(self.user, self.password)
        return self.serve([checker])

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        raise NotImplementedError

    async def deliver(self, octets: bytes) -> None:
        deliveries = Deliveries(self._other, knows_none)
        recipient = await deliveries.find(self.user.decode())
        await deliveries.deliver(recipient, b"", MemoryContent(octets))

    async def clean_up(self) -> None:
        await self._store.stop()
        await self._other.stop()
        self._directory.cleanup()


class BehindAPortal(OnAStore):
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


class TestEngine(OnAStore):
    """imapbox's own server."""

    unreliable = NOT_YET

    def serve(self, checkers: list[Any]) -> IProtocolFactory:
        return IMAPFactory(StoreLogins(self._store, Login(checkers)), self.reactor)


class TestCompat(BehindAPortal):
    """imapbox.compat.IMAP4Server."""

    server = IMAP4Server


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
