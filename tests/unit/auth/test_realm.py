"""A portal with our realm, on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.application.service import Application, IServiceCollection
from twisted.cred.checkers import (
    AllowAnonymousAccess,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.mail.imap4 import IAccount, MailboxException, MessageSet
from zope.interface import Interface
from zope.interface.verify import verifyObject

import imapbox
from imapbox import MailboxRealm, Store
from imapbox.mailbox.twisted_account import TwistedAccount
from imapbox.model.errors import StoreFailure
from imapbox.model.names import UserName
from imapbox.store.format import NotAStore
from tests.support.mail_store import Opener, Stall, deliver, disk_of, open_store
from tests.support.twisted_mail import Listener
from tests.support.waiting import open_files, reactor, until

__all__ = ["open_store"]

BOB = UsernamePassword(b"Bob", b"builder")


def portal_of(store: Store) -> Portal:
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"Bob", b"builder")
    return Portal(MailboxRealm(store), [checker, AllowAnonymousAccess()])


async def login(store: Store, credentials: Any = BOB) -> TwistedAccount:
    interface, avatar, logout = await portal_of(store).login(
        credentials, None, IAccount
    )
    assert interface is IAccount
    assert logout == avatar.logout
    assert IAccount.providedBy(avatar)
    return avatar


@pytest_twisted.ensureDeferred
async def test_the_first_login_makes_the_account(open_store: Opener) -> None:
    """Whoever the checkers let in has an INBOX; names are normalized."""
    store = await open_store()
    avatar = await login(store)
    assert await store.has_account(UserName("bob"))
    inbox = await avatar.select("INBOX", True)
    assert inbox.getMessageCount() == 0
    verifyObject(IRealm, MailboxRealm(store))


@pytest_twisted.ensureDeferred
async def test_who_has_no_mail_is_refused(open_store: Opener) -> None:
    """The anonymous have no mailboxes, nor does a name that can't be a user's."""
    store = await open_store()
    with pytest.raises(UnauthorizedLogin):
        await login(store, Anonymous())
    with pytest.raises(UnauthorizedLogin):
        await MailboxRealm(store).requestAvatar(b"\0", None, IAccount)
    with pytest.raises(NotImplementedError):
        MailboxRealm(store).requestAvatar(b"bob", None, Interface)


@pytest_twisted.ensureDeferred
async def test_mail_comes_and_goes(open_store: Opener) -> None:
    """A delivery is told to who listens, read, flagged, and expunged, on the disk."""
    store = await open_store()
    avatar = await login(store)
    inbox = await avatar.select("INBOX", True)
    listener = Listener()
    inbox.addListener(listener)
    await deliver(store)
    await until(lambda: listener.heard == [(1, 1)])
    ((seq, message),) = await inbox.fetch(MessageSet(1, None), False)
    assert seq == 1
    assert message.getHeaders(False, b"SUBJECT") == {"subject": "hi"}
    await message.load()
    assert message.open().read().endswith(b"\r\n\r\nbody\r\n")
    await inbox.store(MessageSet(1), ["\\Deleted"], 1, False)
    assert await inbox.expunge() == [1]
    avatar.logout()


@pytest_twisted.ensureDeferred
async def test_changes_of_the_tree_are_durable_when_they_return(
    open_store: Opener,
) -> None:
    """What create and its like returned is seen by every session, also elsewhere."""
    store, other = await open_store(), await open_store()
    one, two = await login(store), await login(other)
    assert one.create("a") is True
    assert await two.select("a", True) is not None
    assert two.rename("a", "b") is True
    assert one.subscribe("b") is True
    names = {name for name, _ in await one.listMailboxes("", "*")}
    assert {"INBOX", "b"} <= names
    assert one.isSubscribed("b")
    assert one.delete("b") is True
    assert await two.select("b", True) is None
    with pytest.raises(MailboxException, match="No mailbox has this name"):
        two.delete("b")


@pytest_twisted.ensureDeferred
async def test_reads_are_done_when_they_return(open_store: Opener) -> None:
    """A message of several megabytes is read while the reactor waits."""
    store = await open_store()
    avatar = await login(store)
    body = b"Subject: large\r\n\r\n" + bytes(range(1, 256)) * 20_000
    await deliver(store, body=body)
    inbox = await avatar.select("INBOX", True)
    ((_, message),) = await inbox.fetch(MessageSet(1), True)
    assert message.open().read() == body


@pytest_twisted.ensureDeferred
async def test_a_disk_that_hangs_holds_nobody_up_for_long(open_store: Opener) -> None:
    """CREATE on a disk that hangs is refused in bounded time."""
    stall = Stall("fdatasync")
    store = await open_store()
    avatar = await login(store)
    disk_of(store).steer = stall
    before = reactor.seconds()
    with pytest.raises(MailboxException, match="try again later"):
        avatar.create("a")
    assert reactor.seconds() - before < 15
    stall.end()
    await until(lambda: not store.drivers.blocking.pool.working)
    disk_of(store).steer = None
    assert avatar.create("b") is True


@pytest_twisted.ensureDeferred
async def test_a_lock_that_another_holds_is_waited_for_shortly(
    open_store: Opener,
) -> None:
    """CREATE does not wait for a lock as long as others do, since all wait with it."""
    stall = Stall("pwrite", "account/log")
    store, other = await open_store(), await open_store()
    avatar = await login(store)
    holder = await login(other)
    holder.answerWithDeferreds()
    disk_of(other).steer = stall
    held = holder.create("held")
    assert isinstance(held, Deferred)
    await until(lambda: stall.stopped)
    with pytest.raises(MailboxException, match="longer than we were willing"):
        avatar.create("a")
    stall.end()
    assert await held is True
    assert avatar.create("a") is True


@pytest_twisted.async_yield_fixture
async def application(tmp_path: Path) -> AsyncIterator[tuple[Store, Any]]:
    """A store that is a service of an application, which was not started yet."""
    store = Store(str(tmp_path / "mail"), reactor, make=True)
    application = Application("embedded")
    store.setServiceParent(application)
    yield store, IServiceCollection(application)
    await IServiceCollection(application).stopService()


@pytest_twisted.ensureDeferred
async def test_a_store_is_a_service(application: tuple[Store, Any]) -> None:
    """A login before the store is open waits for it; stopping gives all back."""
    before = open_files()
    store, services = application
    with pytest.raises(StoreFailure):
        await login(store)
    services.startService()
    early = [Deferred.fromCoroutine(login(store)) for _ in range(3)]
    assert not any(each.called for each in early)
    early[0].cancel()
    early[0].addErrback(lambda _: None)
    for each in early[1:]:
        assert await (await each).select("nothing") is None
    await services.stopService()
    with pytest.raises(StoreFailure):
        await login(store)
    # The directory stays open for as long as there is the store.
    left = [name for name in open_files() if name != store.root]
    assert sorted(left) == sorted(before)


@pytest_twisted.ensureDeferred
async def test_a_store_that_can_not_be_opened_lets_nobody_in(
    tmp_path: Path,
) -> None:
    """What a service could not open is logged, and whoever comes is refused."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "something").write_text("else")
    store = Store(str(tmp_path / "mail"), reactor)
    with capturedLogs() as logged:
        store.startService()
        with pytest.raises(StoreFailure):
            await login(store)
    assert [event["why"] for event in logged] == [NotAStore().sentence()]
    await store.stopService()


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_stopped_at_once(application: tuple[Store, Any]) -> None:
    """Stopping a store that is being opened leaves nothing behind."""
    store, services = application
    services.startService()
    await services.stopService()
    with pytest.raises(StoreFailure):
        await store.opened()


def test_names_are_loaded_when_they_are_asked_for() -> None:
    """Importing imapbox loads nothing; what it exports is there all the same."""
    assert {"MailboxRealm", "Store"} <= set(imapbox.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = imapbox.Nothing
