"""A machine that was cut off from the store's file system: design §5, Errors."""

import errno
import os
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import Steps
from imapbox.model.errors import StoreFailure, StoreFenced
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.model.numbers import Uid
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    Stall,
    account_of,
    deliver,
    disk_of,
    knows_none,
)
from tests.support.waiting import turn, until

OTHER = MailboxName("other")


class Witness:
    """Counts how often a store said that it was cut off."""

    def __init__(self, store: Store) -> None:
        self.told = 0
        store._cut_off = self._count

    def _count(self) -> None:
        self.told += 1


def marks(store: Store) -> list[str]:
    """Return the marks of damage in a store."""
    return [str(path) for path in Path(store.root).rglob("damaged")]


@pytest.mark.parametrize("error", sorted(CUT_OFF))
@pytest.mark.parametrize(
    ("method", "where"),
    [
        ("open", "/lock"),
        ("try_lock", "/lock"),
        ("pread", "/head"),
        ("pread", "/log.1"),
        ("open", "/log.1"),
        ("pwrite", "/log.1"),
        ("fdatasync", "/log.1"),
        ("pwrite", "/head"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_no_call_survives_it(
    open_store: Opener, method: str, where: str, error: int
) -> None:
    """Wherever a delivery meets it: put off, no mark, told once, and for good."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    witness = Witness(store)
    disk_of(store).steer = Fail(method, where, error)
    with pytest.raises(StoreFenced):
        await deliver(store)
    disk_of(store).steer = None
    await until(lambda: witness.told)
    # What seems to work again is not believed.
    for _ in range(3):
        with pytest.raises(StoreFenced):
            await deliver(store)
    assert witness.told == 1
    assert marks(store) == []


@pytest_twisted.ensureDeferred
async def test_a_deletion_is_not_believed_behind_it(open_store: Opener) -> None:
    """Not even where only the mark on the head of what is deleted met it."""
    store = await open_store()
    account = await account_of(store)
    await account.create(OTHER)
    is_deleted = False

    def cut_off(method: str, path: str) -> None:
        nonlocal is_deleted
        is_deleted = is_deleted or method == "fdatasync"
        if is_deleted and method == "pwrite" and "/mailboxes/" in path:
            raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))

    disk_of(store).steer = cut_off
    with pytest.raises(StoreFenced):
        await account.delete(OTHER)
    assert is_deleted
    assert marks(store) == []


class Spooled(MemoryContent):
    """A message that lies on the store's disk."""

    in_memory = False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        yield from steps.opened("imapbox-store", Mode.READ, steps.size)
        return (yield from super().read(size, offset))


class CutOff:
    """From the first call on that reads a message, when some of it was written."""

    def __init__(self) -> None:
        self.behind: list[str] = []
        self._writes = False

    def __call__(self, method: str, path: str) -> None:
        self._writes = self._writes or (method == "pwrite" and "/log." in path)
        if self.behind or (self._writes and path == "imapbox-store"):
            self.behind.append(method)
            raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))


@pytest.mark.parametrize("at_once", [1, 2])
@pytest_twisted.ensureDeferred
async def test_nothing_is_undone_behind_it(open_store: Opener, at_once: int) -> None:
    """Whoever has the lock now is not disturbed: what goes on makes no more calls.

    Where a message that is being stored can't be read, what was written of it is
    taken back; but not if that is because of this.
    """
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    cut_off = CutOff()
    disk_of(store).steer = cut_off
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find("bob")
    told = [
        Deferred.fromCoroutine(deliveries.deliver(recipient, b"", Spooled(b"x" * 600)))
        for _ in range(at_once)
    ]
    for each in told:
        with pytest.raises(StoreFenced):
            await each
    assert cut_off.behind[0] == "open"
    assert set(cut_off.behind[1:]) == {"close"}


@pytest_twisted.ensureDeferred
async def test_what_ends_after_it_is_not_believed(open_store: Opener) -> None:
    """A sync that returns after another call was told is no acknowledgement."""
    store = await open_store()
    await store.create_account(BOB)
    stall = Stall("fdatasync", "/log.1")
    disk_of(store).steer = stall
    witness = Witness(store)
    delivery = Deferred.fromCoroutine(deliver(store))
    await until(lambda: stall.stopped)
    disk_of(store).steer = Fail("make_directory", "", errno.ESTALE)
    with pytest.raises(StoreFenced):
        await store.create_account(UserName("eve"))
    await until(lambda: witness.told)
    stall.end()
    with pytest.raises(StoreFenced):
        await delivery


@pytest_twisted.ensureDeferred
async def test_a_session_learns_of_it(open_store: Opener) -> None:
    """Whoever has a mailbox open is told at the next word, and nothing is changed."""
    store = await open_store()
    account = await account_of(store)
    await deliver(store)
    selected = await account.select(INBOX, read_only=False)
    disk_of(store).steer = Fail("pwrite", "/log.1", errno.ENOTCONN)
    with pytest.raises(StoreFenced):
        await selected.set_flags([Uid(1)], FlagChange.ADD, frozenset({"\\Seen"}))
    disk_of(store).steer = None
    await turn()
    with pytest.raises(StoreFenced):
        await selected.set_flags([Uid(1)], FlagChange.ADD, frozenset({"\\Seen"}))
    with pytest.raises(StoreFenced):
        await account.mailboxes()
    selected.close()
    assert marks(store) == []


@pytest_twisted.ensureDeferred
async def test_another_error_is_not_it(open_store: Opener) -> None:
    """A disk that fails otherwise is damage to one mailbox, and no more."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    witness = Witness(store)
    disk_of(store).steer = Fail("open", "/lock", errno.EIO)
    with pytest.raises(StoreFailure) as failed:
        await deliver(store)
    assert type(failed.value) is StoreFailure
    disk_of(store).steer = None
    await deliver(store)
    assert witness.told == 0
