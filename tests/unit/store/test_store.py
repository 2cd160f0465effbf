"""A store: accounts that are opened, kept, and given back."""

import gc
import re
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, ensureDeferred, gatherResults
from twisted.logger import capturedLogs

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.mailbox.updates import Exists
from imapbox.model.errors import (
    MailboxBusy,
    MailboxDamaged,
    MailError,
    NoSuchUser,
    StoreFailure,
)
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.create import SPECIAL_USE
from imapbox.store.format import FILE_SIZE, NoStore
from imapbox.store.layout import (
    STORE_FILE,
    account_directory,
    mailbox_directory,
    user_directory,
)
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    Stall,
    account_of,
    deliver,
    disk_of,
)
from tests.support.waiting import open_files, reactor, until


def users(count: int) -> list[UserName]:
    return [UserName(f"user{number}") for number in range(count)]


def all_below(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*"))


async def sentence_of(store: Store) -> str:
    """Return why a store can't be opened: there is none."""
    try:
        await store.start()
    except NoStore as error:
        return error.sentence()
    await store.stop()
    return "it was opened"


def store_files(root: str) -> list[str]:
    return [path for path in open_files() if path.startswith(root)]


@pytest_twisted.ensureDeferred
async def test_an_account_is_made_once(open_store: Opener) -> None:
    """Making an account that is there changes nothing, and says so."""
    store = await open_store()
    assert not await store.has_account(BOB)
    with pytest.raises(NoSuchUser):
        await store.account(BOB)
    assert await store.create_account(BOB)
    await deliver(store)
    assert not await store.create_account(BOB)
    assert (await (await account_of(store)).status(INBOX)).messages == 1


@pytest_twisted.ensureDeferred
async def test_many_make_one_account_at_once(open_store: Opener) -> None:
    """However many processes make an account at once, one of them makes it."""
    stores = [await open_store() for _ in range(4)]
    made = await gatherResults(
        [ensureDeferred(store.create_account(BOB)) for store in stores for _ in "12"]
    )
    assert sorted(made) == [False] * 7 + [True]
    ids = {(await store.account(BOB)).named(INBOX).mailbox_id for store in stores}
    assert len(ids) == 1


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_thousand_accounts_cost_few_descriptors(open_store: Opener) -> None:
    """However many accounts are used, only the last ones are kept open."""
    store = await open_store()
    most = 0
    for some in range(0, 1000, 50):
        await gatherResults(
            [
                ensureDeferred(account_of(store, user))
                for user in users(1000)[some : some + 50]
            ]
        )
        most = max(most, len(store_files(store.root)))
    # The first ones again: none was lost on the way.
    assert (await (await account_of(store, users(1)[0])).status(INBOX)).messages == 0
    assert most < 256 + 64 + 50
    await store.stop()
    assert [path for path in store_files(store.root) if path != store.root] == []


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_who_uses_an_account_keeps_it(open_store: Opener) -> None:
    """A session goes on, however many other accounts are used meanwhile."""
    store = await open_store()
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=False)
    for user in users(280):
        await (await account_of(store, user)).status(INBOX)
    await deliver(store)
    assert len(await selected.sync(may_expunge=True)) == 1
    assert (await account.status(INBOX)).messages == 1
    await account.create(UserName("new"))
    selected.close()


@pytest_twisted.ensureDeferred
async def test_what_was_deleted_is_not_kept_open(open_store: Opener) -> None:
    """A mailbox that was deleted is kept open by those who use it, and no longer."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.create(UserName("new"))
    selected = await account.select(UserName("new"), read_only=True)
    await (await account_of(other)).delete(UserName("new"))
    before = store_files(store.root)
    await store.account(BOB)
    assert store_files(store.root) == before
    selected.close()
    del selected
    gc.collect()
    assert len(store_files(store.root)) == len(before) - 1
    assert not any("(deleted)" in path for path in store_files(store.root))


@pytest_twisted.ensureDeferred
async def test_one_account_that_is_stuck_holds_up_no_other(
    open_store: Opener,
) -> None:
    """Where one account can't be opened in time, others open at once."""
    first = await open_store()
    await first.create_account(BOB)
    await first.create_account(users(1)[0])
    store = await open_store(patience=0.5)
    # Its head is lost and its lock is held: it can't be recovered now.
    disk = DiskFileSystem(store.root)
    disk.unlink(f"{account_directory(BOB)}/head")
    lock = disk.open(f"{account_directory(BOB)}/lock", Mode.WRITE)
    assert disk.try_lock(lock)
    stuck = ensureDeferred(store.account(BOB))
    await store.account(users(1)[0])
    assert not stuck.called
    with pytest.raises(MailboxBusy):
        await stuck
    disk.close(lock)
    await store.account(BOB)


@pytest_twisted.ensureDeferred
async def test_a_head_that_is_lost_is_made_again(open_store: Opener) -> None:
    """A session whose mailbox loses its head goes on, and sees new mail."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=False)
    mailbox = store.mailbox(
        await store.account(BOB), (await store.account(BOB)).named(INBOX).mailbox_id
    )
    disk_of(store).unlink(mailbox.log.head_path)
    assert not mailbox.log.is_current()
    assert not await selected.sync(may_expunge=True)
    await deliver(other)
    assert len(await selected.sync(may_expunge=True)) == 1
    selected.close()


@pytest_twisted.ensureDeferred
async def test_who_has_a_lost_head_open_sees_the_new_one(open_store: Opener) -> None:
    """Who made it anew need not be known: the next look sees what he wrote."""
    here, there = await open_store(), await open_store()
    account, other = await account_of(here), await account_of(there)
    selected = await account.select(INBOX, read_only=True)
    mailbox = mailbox_directory(BOB, selected.mailbox_id)
    for directory in (account_directory(BOB), mailbox):
        disk_of(there).unlink(f"{directory}/head")
    await deliver(there)
    (exists,) = await selected.sync(may_expunge=True)
    assert exists == Exists(1, 1)
    news = MailboxName("news")
    await other.create(news)
    assert await account.has(news)
    for directory in (account_directory(BOB), mailbox):
        disk_of(there).unlink(f"{directory}/head")
    assert not await selected.sync(may_expunge=True)
    assert await account.has(news)
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_torn_account_is_made_again(open_store: Opener) -> None:
    """What a crash left of an account that nobody was told of is replaced."""
    store = await open_store()
    await store.create_account(BOB)
    disk, directory = disk_of(store), account_directory(BOB)
    disk.unlink(f"{directory}/head")
    fd = disk.open(f"{directory}/log.1", Mode.WRITE)
    disk.truncate(fd, 20)
    disk.close(fd)
    store = await open_store()
    assert not await store.has_account(BOB)
    assert await store.create_account(BOB)
    assert (await store.account(BOB)).named(INBOX)


@pytest_twisted.ensureDeferred
async def test_a_damaged_account_is_never_made_again(open_store: Opener) -> None:
    """An account whose log no longer begins is damaged, not absent."""
    store = await open_store()
    await store.create_account(BOB)
    disk = disk_of(store)
    fd = disk.open(f"{account_directory(BOB)}/log.1", Mode.WRITE)
    disk.pwrite(fd, b"\xff" * 8, 80)
    before = disk.pread(fd, 4096, 0)
    store = await open_store()
    assert await store.has_account(BOB)
    assert not await store.create_account(BOB)
    with pytest.raises(MailboxDamaged):
        await store.account(BOB)
    assert disk.same_file(fd, f"{account_directory(BOB)}/log.1")
    assert disk.pread(fd, 4096, 0) == before
    disk.close(fd)


@pytest_twisted.ensureDeferred
async def test_an_account_that_lost_its_log_is_never_made_again(
    open_store: Opener,
) -> None:
    """A head without its log says that there was an account: its mail is put off."""
    store = await open_store()
    await store.create_account(BOB)
    disk_of(store).unlink(f"{account_directory(BOB)}/log.1")
    store = await open_store()
    assert await store.has_account(BOB)
    assert not await store.create_account(BOB)
    with pytest.raises(MailError) as refused:
        await deliver(store)
    assert not isinstance(refused.value, NoSuchUser)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("lost", ["log.1", "head"])
async def test_an_account_that_holds_mail_is_never_made_again(
    open_store: Opener, lost: str
) -> None:
    """Whatever is left of its account, a mailbox with mail says that there was one."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    disk = disk_of(store)
    for name in {"log.1", "head"} - {lost}:
        fd = disk.open(f"{account_directory(BOB)}/{name}", Mode.WRITE)
        disk.truncate(fd, 0)
        disk.close(fd)
    disk.unlink(f"{account_directory(BOB)}/{lost}")
    store = await open_store()
    assert await store.has_account(BOB)
    assert not await store.create_account(BOB)
    with pytest.raises(MailError) as refused:
        await deliver(store)
    assert not isinstance(refused.value, NoSuchUser)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("names", [("log.1",), ("log.1", "head")])
async def test_another_users_account_is_shown_to_nobody(
    open_store: Opener, names: tuple[str, ...]
) -> None:
    """An account's log that lies in the place of another's is damage."""
    store = await open_store()
    ana = UserName("ana")
    for user in (ana, BOB):
        await store.create_account(user)
    disk = disk_of(store)
    for name in names:
        source = disk.open(f"{account_directory(ana)}/{name}", Mode.READ)
        target = disk.open(f"{account_directory(BOB)}/{name}", Mode.WRITE)
        disk.pwrite(target, disk.pread(source, 4096, 0), 0)
        disk.close(source)
        disk.close(target)
    store = await open_store()
    for _ in range(2):
        with pytest.raises(MailboxDamaged):
            await store.account(BOB)
        with pytest.raises(MailboxDamaged):
            await deliver(store)


@pytest_twisted.ensureDeferred
async def test_stopping_lets_commits_end(open_store: Opener) -> None:
    """Stopping waits for what is being committed, and for what waits behind it."""
    stall = Stall("fdatasync", "/log.")
    store = await open_store()
    await store.create_account(BOB)
    disk_of(store).steer = stall
    first = ensureDeferred(deliver(store))
    await until(lambda: stall.stopped)
    second = ensureDeferred(deliver(store))
    stopped = ensureDeferred(store.stop())
    stall.end()
    await stopped
    assert [await first, await second] == [1, 2]
    assert [path for path in store_files(store.root) if path != store.root] == []


@pytest_twisted.ensureDeferred
async def test_stopping_ends_who_waits_for_a_lock(open_store: Opener) -> None:
    """Stopping does not wait for another process's lock."""
    store = await open_store()
    await store.create_account(BOB)
    account = await store.account(BOB)
    disk = DiskFileSystem(store.root)
    mailbox_id = account.named(INBOX).mailbox_id.hex()
    path = f"{user_directory(BOB)}/mailboxes/{mailbox_id}/lock"
    lock = disk.open(path, Mode.WRITE)
    assert disk.try_lock(lock)
    waiting = ensureDeferred(deliver(store))
    await until(lambda: store.drivers.watch.listens_to(path))
    begun = reactor.seconds()
    await store.stop()
    assert reactor.seconds() - begun < 5
    with pytest.raises(CancelledError):
        await waiting
    disk.close(lock)


@pytest_twisted.ensureDeferred
async def test_paths_are_the_stores(open_store: Opener) -> None:
    """Nothing lies in a store but what the layout names."""
    store = await open_store()
    await account_of(store, UserName("a.b@host"))
    await deliver(store, "a.b@host")
    disk = disk_of(store)
    found = []

    def walk(path: str) -> None:
        for name in disk.list_directory(path or "."):
            inner = f"{path}/{name}".lstrip("/")
            try:
                walk(inner)
            except NotADirectoryError:
                found.append(inner)

    walk("")
    log = r"users/[0-9a-f]{2}/a\.b@host/(account|mailboxes/[0-9a-f]{32})/"
    allowed = re.compile(rf"imapbox-store|{log}(lock|head|log\.1)")
    assert [path for path in found if not allowed.fullmatch(path)] == []
    logs = len({"account", INBOX, *SPECIAL_USE})
    assert len(found) == len({"imapbox-store"}) + 3 * logs


@pytest_twisted.ensureDeferred
async def test_a_stopped_store_holds_nothing(tmp_path: Path) -> None:
    """A store that was stopped has no file open, whoever still knows it."""
    store = Store(str(tmp_path / "store"), reactor, make=True)
    await store.start()
    await account_of(store)
    await deliver(store)
    assert store_files(store.root)
    await store.stop()
    assert store_files(store.root) == []


@pytest.mark.parametrize("name", ["missing", "empty", "fresh"])
@pytest_twisted.ensureDeferred
async def test_a_mount_that_is_not_there_is_no_new_store(
    tmp_path: Path, name: str
) -> None:
    """Who only serves makes no store where nothing is; who is told to does.

    Whether the directory is not there, is empty, or has what a fresh file system has.
    """
    (tmp_path / "empty").mkdir()
    (tmp_path / "fresh" / "lost+found").mkdir(parents=True)
    root = tmp_path / name
    before = all_below(tmp_path)
    said = await sentence_of(Store(str(root), reactor))
    assert str(root) in said
    embedded = Store(str(root), reactor)
    with capturedLogs() as logged:
        embedded.startService()
        with pytest.raises(StoreFailure):
            await embedded.opened()
    await embedded.stopService()
    assert [event["why"] for event in logged] == [said]
    assert all_below(tmp_path) == before
    for make in (True, False):
        store = Store(str(root), reactor, make=make)
        await store.start()
        assert await store.create_account(BOB) is make
        await store.stop()


@pytest.mark.parametrize("left", [["spool"], ["spool", "users", STORE_FILE]])
@pytest_twisted.ensureDeferred
async def test_a_store_that_was_half_made_is_finished(
    tmp_path: Path, left: list[str]
) -> None:
    """What a crash left while somebody had a store made becomes one."""
    for name in left:
        (tmp_path / name).touch() if name == STORE_FILE else (tmp_path / name).mkdir()
    store = Store(str(tmp_path), reactor)
    await store.start()
    await store.stop()
    assert (tmp_path / STORE_FILE).stat().st_size == FILE_SIZE
