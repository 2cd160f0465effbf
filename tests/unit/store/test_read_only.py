"""A file system that turned read-only, and writable again: design §5, Errors."""

import errno
import os
from pathlib import Path

import pytest
import pytest_twisted

from imapbox.disk.filesystem import Mode
from imapbox.lmtp.refusals import refuse
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.values import Piece
from imapbox.model.errors import StoreReadOnly
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX, mailbox_name
from imapbox.model.numbers import Uid
from imapbox.store import open_mailbox
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    TestDisk,
    account_of,
    deliver,
    new_message,
)
from tests.support.waiting import reactor, until


class ReadOnlyDisk(TestDisk):
    """A disk that can be made read-only, as the kernel does it.

    Attributes:
        read_only: Whether it is now.
    """

    read_only = False

    def open(self, path: str, mode: Mode) -> int:
        if self.read_only and mode is not Mode.READ:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return super().open(path, mode)

    def make_directory(self, path: str) -> None:
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        super().make_directory(path)

    def unlink(self, path: str) -> None:
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        super().unlink(path)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return super().pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        super().fdatasync(fd)

    def is_read_only(self) -> bool:
        return self.read_only

    def monotonic(self) -> float:
        """Let a second pass with each look, so that nothing is remembered."""
        self._moment = getattr(self, "_moment", 0.0) + 1.0
        return self._moment


@pytest_twisted.async_yield_fixture
async def start(tmp_path: Path):
    """Start processes on one directory, each with a disk of its own."""
    (tmp_path / "store").mkdir()
    stores: list[Store] = []

    async def begin(*, boot: int = 0, read_only: bool = False) -> Store:
        disk = ReadOnlyDisk(str(tmp_path / "store"))
        disk.boot += boot
        disk.read_only = read_only
        store = Store(str(tmp_path / "store"), reactor, make=True, filesystem=disk)
        await store.start()
        stores.append(store)
        return store

    yield begin
    for store in stores:
        await store.stop()


def turn(store: Store, *, read_only: bool) -> None:
    store.drivers.filesystem.read_only = read_only


async def assert_readable(account: UserAccount, count: int) -> None:
    selected = await account.select(INBOX, read_only=False)
    assert selected.read_only
    assert selected.exists == count
    assert [name.name for name in await account.mailboxes()][:1] == [INBOX]
    (octets,) = await selected.read([Piece(Uid(1), 0, 100)])
    assert octets.endswith(b"body\r\n")
    assert (await account.status(INBOX)).messages == count
    selected.close()


def break_last_frame(log: Path) -> None:
    """Flip a bit of its operations."""
    octets = bytearray(log.read_bytes())
    octets[octets.rindex(b"IBF0") + 97] ^= 1
    log.write_bytes(octets)


def marks(store: Store) -> list[str]:
    return [str(path) for path in Path(store.root).rglob("damaged")]


@pytest_twisted.ensureDeferred
async def test_all_can_be_read_and_nothing_changed(start) -> None:
    """SELECT says READ-ONLY, what changes is refused, and both end with the cause."""
    store = await start()
    account = await account_of(store)
    await deliver(store)
    before = await account.select(INBOX, read_only=False)
    assert not before.read_only
    turn(store, read_only=True)
    await assert_readable(account, 1)
    name = mailbox_name("new")
    changes = [
        lambda: deliver(store),
        lambda: account.check_append(INBOX),
        lambda: account.append(INBOX, [new_message()]),
        lambda: account.create(name),
        lambda: account.delete(mailbox_name("Trash")),
        lambda: account.rename(mailbox_name("Trash"), name),
        lambda: account.subscribe(name),
        lambda: before.set_flags([Uid(1)], FlagChange.ADD, frozenset({"\\Deleted"})),
        lambda: before.copy([Uid(1)], mailbox_name("Trash")),
        lambda: before.move([Uid(1)], mailbox_name("Trash")),
    ]
    for change in changes:
        with pytest.raises(StoreReadOnly) as refused:
            await change()
        assert refuse("bob", refused.value, "t").startswith(b"451 4.3.2 ")
    await before.sync(may_expunge=True)
    assert before.exists == 1
    before.close()
    assert marks(store) == []
    turn(store, read_only=False)
    await deliver(store)
    after = await account.select(INBOX, read_only=False)
    assert (after.read_only, after.exists) == (False, 2)
    after.close()


@pytest_twisted.ensureDeferred
async def test_a_store_can_be_served_from_a_read_only_disk(start) -> None:
    """A server that starts on a read-only disk serves what is there."""
    first = await start()
    await first.create_account(BOB)
    await deliver(first)
    store = await start(read_only=True)
    account = UserAccount(store, await store.account(BOB))
    await assert_readable(account, 1)
    turn(store, read_only=False)
    await deliver(store)
    selected = await account.select(INBOX, read_only=False)
    assert (selected.read_only, selected.exists) == (False, 2)
    selected.close()


@pytest_twisted.ensureDeferred
async def test_what_can_not_be_settled_is_read_as_far_as_it_checks(start) -> None:
    """After a restart onto a read-only disk mail is read; later it is settled."""
    first = await start()
    await first.create_account(BOB)
    await deliver(first)
    await deliver(first)
    store = await start(boot=1, read_only=True)
    account = UserAccount(store, await store.account(BOB))
    await assert_readable(account, 2)
    await assert_readable(account, 2)
    with pytest.raises(StoreReadOnly):
        await deliver(store)
    turn(store, read_only=False)
    selected = await account.select(INBOX, read_only=False)
    assert (selected.read_only, selected.exists) == (False, 2)
    await deliver(store)
    await selected.sync(may_expunge=True)
    assert selected.exists == 3
    selected.close()
    assert marks(store) == []


@pytest_twisted.ensureDeferred
async def test_what_can_not_be_settled_is_read_once(start) -> None:
    """While the disk is read-only a NOOP reads no log, and opens no segment."""
    first = await start()
    await first.create_account(BOB)
    await deliver(first)
    store = await start(boot=1, read_only=True)
    account = UserAccount(store, await store.account(BOB))
    session = await account.select(INBOX, read_only=True)
    paths: list[str] = []
    store.drivers.filesystem.steer = lambda _, path: paths.append(path)
    for _ in range(3):
        await session.sync(may_expunge=True)
    session.close()
    assert paths
    assert not [path for path in paths if "/log." in path]


@pytest_twisted.ensureDeferred
async def test_a_disk_that_turns_in_the_middle_is_not_damage(start) -> None:
    """A sync that finds the disk read-only acknowledges nothing, and marks nothing."""
    store = await start()
    await store.create_account(BOB)
    await deliver(store)
    disk = store.drivers.filesystem

    def turn_at_sync(method: str, path: str) -> None:
        if method == "fdatasync" and path.endswith("/log.1"):
            disk.read_only = True
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    disk.steer = turn_at_sync
    with pytest.raises(StoreReadOnly):
        await deliver(store)
    disk.steer = None
    account = UserAccount(store, await store.account(BOB))
    await assert_readable(account, 1)
    turn(store, read_only=False)
    await deliver(store)
    # What was refused may turn up later, whole: a delivery key catches the retry.
    assert (await account.status(INBOX)).messages in {2, 3}
    assert marks(store) == []


@pytest_twisted.ensureDeferred
async def test_it_is_looked_at_once_a_second(open_store: Opener) -> None:
    """A flood of SELECTs costs no more than one look a second."""
    store = await open_store()
    account = await account_of(store)
    looks = []
    store.drivers.filesystem.steer = lambda method, _: looks.append(method)
    for _ in range(100):
        (await account.select(INBOX, read_only=False)).close()
    assert 1 <= looks.count("is_read_only") < 50


@pytest_twisted.ensureDeferred
async def test_a_session_reads_on_though_the_head_is_lost(start) -> None:
    """Nobody can make it anew; what is there is shown, as to who opens it then."""
    writer, store = await start(), await start()
    await account_of(writer)
    await deliver(writer)
    session = await (await account_of(store)).select(INBOX, read_only=True)
    head = f"{mailbox_directory(BOB, session.mailbox_id)}/head"
    writer.drivers.filesystem.unlink(head)
    turn(store, read_only=True)
    for _ in range(2):
        await session.sync(may_expunge=True)
        assert session.exists == 1
    await assert_readable(UserAccount(store, await store.account(BOB)), 1)
    turn(store, read_only=False)
    await deliver(writer)
    await session.sync(may_expunge=True)
    assert session.exists == 2
    session.close()


@pytest_twisted.ensureDeferred
async def test_what_could_not_be_marked_is_marked_later(start) -> None:
    """A broken log takes no changes, and is marked as soon as anything can be."""
    writer = await start()
    account = await account_of(writer)
    for _ in range(3):
        await deliver(writer)
    mailbox_id = (await writer.account(BOB)).named(INBOX).mailbox_id
    break_last_frame(Path(writer.root, mailbox_directory(BOB, mailbox_id), "log.1"))
    store = await start(read_only=True)
    account = UserAccount(store, await store.account(BOB))
    session = await account.select(INBOX, read_only=False)
    assert session.exists == 2
    assert marks(store) == []
    turn(store, read_only=False)
    await session.sync(may_expunge=True)
    assert session.exists == 2
    assert len(marks(store)) == 1
    assert (await account.select(INBOX, read_only=False)).read_only
    session.close()


@pytest_twisted.ensureDeferred
async def test_who_waits_hears_that_changes_are_taken_again(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody could settle is looked at again once the disk lets one."""
    monkeypatch.setattr(open_mailbox, "POLL_SECONDS", 0.02)
    writer = await start()
    await account_of(writer)
    await deliver(writer)
    store = await start(boot=1, read_only=True)
    account = UserAccount(store, await store.account(BOB))
    monkeypatch.setattr(store.drivers.watch, "listen", lambda *_: lambda: None)
    session = await account.select(INBOX, read_only=True)
    await session.sync(may_expunge=True)
    waiting = session.changed()
    assert not waiting.called
    turn(store, read_only=False)
    await deliver(writer)
    await until(lambda: waiting.called)
    await session.sync(may_expunge=True)
    assert session.exists == 2
    session.close()
