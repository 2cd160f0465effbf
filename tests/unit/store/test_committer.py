"""The way in for changes: shared writes, fair failures, patience, cancellation."""

import errno
import weakref
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, ensureDeferred, gatherResults
from twisted.logger import LogEvent

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.index.head import Counts
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.index.transaction import Change
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    MailError,
    StoreFailure,
    TooManyKeywords,
)
from imapbox.model.names import INBOX
from imapbox.store.incoming import incoming
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    Stall,
    deliver,
    disk_of,
)
from tests.support.no_threads import NoThreads
from tests.support.waiting import open_files, reactor, turn, until


async def inbox_of(store: Store) -> OpenMailbox:
    await store.create_account(BOB)
    account = await store.account(BOB)
    return store.mailbox(account, account.named(INBOX).mailbox_id)


async def an_append(store: Store, body: bytes = b"x") -> AppendMessages:
    content = MemoryContent(body)
    return AppendMessages([await incoming(store.drivers.read, b"", content)])


class CanNotBeReleased(MemoryContent):
    """Octets that fail where they are given back."""

    def release(self) -> None:
        """Fail."""
        raise ValueError


class Refused:
    """A transaction that can't be done."""

    since = None

    def follow(self, frame: object) -> None:
        """Need nothing."""

    def change(self, counts: Counts, time: int) -> Change | None:
        """Refuse."""
        del counts, time
        raise TooManyKeywords


class Held:
    """Another process's lock on a mailbox."""

    def __init__(self, store: Store, mailbox: OpenMailbox) -> None:
        self.path = f"{mailbox.directory}/lock"
        self._disk = DiskFileSystem(store.root)
        self._fd = self._disk.open(self.path, Mode.WRITE)
        assert self._disk.try_lock(self._fd)

    def slots(self) -> bytes:
        """Return the waiters' slots as they are in the file."""
        return self._disk.pread(self._fd, 2048, 1024).rstrip(b"\0")

    def release(self) -> None:
        """Give it back, silently, as a process does that dies."""
        self._disk.close(self._fd)


@pytest_twisted.ensureDeferred
async def test_who_waits_shares_one_sync(open_store: Opener) -> None:
    """What gathers while a batch is written is written with one sync."""
    store = await open_store()
    mailbox = await inbox_of(store)
    disk = disk_of(store)
    disk.steer = stall = Stall("fdatasync", "/log.")
    disk.syncs.clear()
    first = mailbox.submit(await an_append(store), command="test")
    await until(lambda: stall.stopped)
    others = [mailbox.submit(await an_append(store), command="test") for _ in range(40)]
    stall.end()
    await gatherResults([first, *others])
    assert len(disk.syncs) == 2
    await mailbox.sync()
    assert mailbox.state.roll.now.tolist() == list(range(1, 42))


@pytest_twisted.ensureDeferred
async def test_what_was_written_is_let_go(open_store: Opener) -> None:
    """Once it is answered nothing holds a message, however long the mailbox is open."""
    store = await open_store()
    mailbox = await inbox_of(store)
    wishes = [await an_append(store) for _ in range(3)]
    contents = [weakref.ref(wish.messages[0].content) for wish in wishes]
    await gatherResults([mailbox.submit(wish, command="test") for wish in wishes])
    del wishes
    await until(lambda: not any(content() for content in contents))


@pytest_twisted.ensureDeferred
async def test_a_batch_is_bounded(open_store: Opener) -> None:
    """However many wait, one batch holds 64 of them."""
    store = await open_store()
    mailbox = await inbox_of(store)
    disk = disk_of(store)
    disk.syncs.clear()
    wishes = [await an_append(store) for _ in range(200)]
    await gatherResults([mailbox.submit(wish, command="test") for wish in wishes])
    assert 4 <= len(disk.syncs) <= 5
    uids = [uid for wish in wishes for uid in wish.uids]
    assert uids == list(range(1, 201)), "not in the order they were asked for"


@pytest_twisted.ensureDeferred
async def test_one_that_is_refused_fails_alone(open_store: Opener) -> None:
    """One transaction that can't be done harms no other of its batch."""
    store = await open_store()
    mailbox = await inbox_of(store)
    before = mailbox.submit(await an_append(store), command="test")
    refused: Any = Refused()
    failed = mailbox.submit(refused, command="test")
    behind = await an_append(store)
    after = mailbox.submit(behind, command="test")
    with pytest.raises(TooManyKeywords):
        await failed
    assert (await before) is not None
    assert (await after) is not None
    assert behind.uids == [2]


@pytest_twisted.ensureDeferred
async def test_cancelled_in_the_queue_it_is_not_written(open_store: Opener) -> None:
    """What is cancelled before it is being written is not written."""
    store = await open_store()
    mailbox = await inbox_of(store)
    disk_of(store).steer = stall = Stall("fdatasync", "/log.")
    first = mailbox.submit(await an_append(store), command="test")
    await until(lambda: stall.stopped)
    cancelled = mailbox.submit(await an_append(store), command="test")
    last = await an_append(store)
    third = mailbox.submit(last, command="test")
    cancelled.cancel()
    with pytest.raises(CancelledError):
        await cancelled
    stall.end()
    await gatherResults([first, third])
    assert last.uids == [2]


@pytest_twisted.ensureDeferred
async def test_cancelled_while_written_it_is_written(open_store: Opener) -> None:
    """What is cancelled while it is being written is written, and nobody told."""
    store = await open_store()
    mailbox = await inbox_of(store)
    disk_of(store).steer = stall = Stall("fdatasync", "/log.")
    ends: list[str] = []
    first = mailbox._committer.submit(
        await an_append(store), command="test", finished=lambda: ends.append("first")
    )
    await until(lambda: stall.stopped)
    second = mailbox._committer.submit(
        await an_append(store), command="test", finished=lambda: ends.append("second")
    )
    for each in (second, first):
        each.cancel()
        with pytest.raises(CancelledError):
            await each
    assert ends == ["second"], "the first one's content is in use"
    stall.end()
    await until(lambda: len(ends) == 2)
    await mailbox.sync()
    assert mailbox.state.counts.exists == 1


@pytest_twisted.ensureDeferred
async def test_a_cancelled_waiter_leaves_nothing(open_store: Opener) -> None:
    """Who is cancelled in wait for a lock leaves no file, timer, watch or slot."""
    store = await open_store(patience=600)
    mailbox = await inbox_of(store)
    await mailbox.sync()
    await deliver(store)
    held = Held(store, mailbox)
    files, calls = sorted(open_files()), set(reactor.getDelayedCalls())
    wishes = [mailbox.submit(await an_append(store), command="test") for _ in range(3)]
    await until(lambda: store.drivers.watch.listens_to(held.path) and held.slots())
    for wish in wishes:
        wish.cancel()
        with pytest.raises(CancelledError):
            await wish
    await until(lambda: not store.drivers.write.runs)
    assert held.slots() == b""
    assert not store.drivers.watch.listens_to(held.path)
    inotify = [path for path in open_files() if "inotify" not in path]
    assert sorted(inotify) == [path for path in files if "inotify" not in path]
    assert set(reactor.getDelayedCalls()) == calls
    # Who comes now waits, and gets it.
    last = mailbox.submit(await an_append(store), command="test")
    await until(held.slots)
    held.release()
    await last
    await mailbox.sync()
    assert mailbox.state.counts.exists == 2


@pytest_twisted.ensureDeferred
async def test_who_comes_as_the_last_one_leaves_is_served(open_store: Opener) -> None:
    """A change that is asked for while a cancelled wait ends is not forgotten."""
    store = await open_store()
    mailbox = await inbox_of(store)
    held = Held(store, mailbox)
    for _ in range(20):
        wish = mailbox.submit(await an_append(store), command="test")
        await turn()
        wish.cancel()
        with pytest.raises(CancelledError):
            await wish
    last = mailbox.submit(await an_append(store), command="test")
    held.release()
    await last
    await mailbox.sync()
    assert mailbox.state.counts.exists == 1


@pytest_twisted.ensureDeferred
async def test_each_has_a_patience_of_its_own(open_store: Opener) -> None:
    """Each waits as long as was said, also who came while others waited."""
    store = await open_store(patience=1.0)
    mailbox = await inbox_of(store)
    held = Held(store, mailbox)
    begun: list[float] = []
    ended: list[float] = []

    def give_up(failure: Any) -> None:
        failure.trap(MailboxBusy)
        ended.append(reactor.seconds())

    waiting = []
    for _ in range(3):
        begun.append(reactor.seconds())
        wish = mailbox.submit(await an_append(store), command="test")
        waiting.append(wish.addErrback(give_up))
        give_next = reactor.seconds() + 0.1
        await until(lambda: reactor.seconds() >= give_next)  # noqa: B023 - awaited here
    await gatherResults(waiting)
    waits = [end - begin for begin, end in zip(begun, ended, strict=True)]
    assert min(waits) >= 0.9
    assert max(waits) < 1.6, "the patience of another one"
    held.release()


@pytest_twisted.ensureDeferred
async def test_a_full_disk_is_told_to_all(open_store: Opener) -> None:
    """Where the disk is full all that wait are told, and mail comes again later."""
    store = await open_store()
    mailbox = await inbox_of(store)
    fail = Fail("pwrite", "/log.", errno.ENOSPC)
    disk_of(store).steer = fail
    wishes = [mailbox.submit(await an_append(store), command="test") for _ in range(5)]
    for wish in wishes:
        with pytest.raises(MailError) as caught:
            await wish
        assert isinstance(caught.value, DiskFull | MailboxDamaged)
    fail.failing = False


@pytest_twisted.ensureDeferred
async def test_a_failing_disk_is_told_to_all(open_store: Opener) -> None:
    """After an error of a sync nobody is told that his message is there."""
    store = await open_store()
    mailbox = await inbox_of(store)
    fail = Fail("fdatasync", "/log.", errno.EIO)
    disk_of(store).steer = fail
    wishes = [mailbox.submit(await an_append(store), command="test") for _ in range(5)]
    for wish in wishes:
        with pytest.raises(MailboxDamaged):
            await wish
    fail.failing = False
    # A sync that succeeds later proves nothing.
    with pytest.raises(MailboxDamaged):
        await mailbox.submit(await an_append(store), command="test")


@pytest_twisted.ensureDeferred
async def test_a_bug_of_ours_is_told_and_passes(open_store: Opener) -> None:
    """What nobody foresaw is told to whoever waits; the next one is served."""
    store = await open_store()
    mailbox = await inbox_of(store)

    def oops(method: str, path: str) -> None:
        if method == "try_lock":
            raise ZeroDivisionError(path)

    disk_of(store).steer = oops
    with pytest.raises(ZeroDivisionError):
        await mailbox.submit(await an_append(store), command="test")
    disk_of(store).steer = None
    await mailbox.submit(await an_append(store), command="test")


async def rest(store: Store) -> None:
    """Let all threads of the store end."""
    for each in (store.drivers.write, store.drivers.read):
        each.rest()
        await until(lambda each=each: not any(t.is_alive() for t in each.pool.threads))


@pytest_twisted.ensureDeferred
async def test_no_thread_for_a_moment_is_not_felt(open_store: Opener) -> None:
    """What is submitted while no thread can be started is written once one can."""
    store = await open_store()
    mailbox = await inbox_of(store)
    wishes = [await an_append(store) for _ in range(3)]
    await rest(store)
    system = NoThreads(store.drivers.write)
    written = [mailbox.submit(wish, command="test") for wish in wishes]
    await until(lambda: system.failed > 2)
    system.end()
    await gatherResults(written)
    assert [wish.uids for wish in wishes] == [[1], [2], [3]]


@pytest_twisted.ensureDeferred
async def test_no_thread_for_long_is_a_refusal(open_store: Opener) -> None:
    """Where none can be started for long all are refused; the next one is written."""
    store = await open_store()
    mailbox = await inbox_of(store)
    wishes = [await an_append(store) for _ in range(3)]
    await rest(store)
    system = NoThreads(store.drivers.write)
    store.drivers.write.threads.patience = 0.0
    for wish in wishes[:2]:
        with pytest.raises(StoreFailure):
            await mailbox.submit(wish, command="test")
    system.end()
    assert await mailbox.submit(wishes[2], command="test") is not None
    assert wishes[2].uids == [1]


@pytest_twisted.ensureDeferred
async def test_who_waits_for_the_lock_without_a_thread_leaves(
    open_store: Opener,
) -> None:
    """A commit that waits, and finds no thread to go on in, leaves no slot behind."""
    store = await open_store()
    mailbox = await inbox_of(store)
    wishes = [await an_append(store) for _ in range(2)]
    held = Held(store, mailbox)
    waiting = mailbox.submit(wishes[0], command="test")
    await until(held.slots)
    store.drivers.write.threads.patience = 0.0
    system = NoThreads(store.drivers.write)
    store.drivers.write.rest()
    with pytest.raises(StoreFailure):
        await waiting
    assert held.slots() == b""
    held.release()
    assert not [name for name in open_files() if name.endswith(held.path)]
    system.end()
    assert await mailbox.submit(wishes[1], command="test") is not None


@pytest_twisted.ensureDeferred
async def test_a_store_stops_without_threads(open_store: Opener) -> None:
    """A store is stopped though no thread can be started; who waits is told."""
    store = await open_store()
    mailbox = await inbox_of(store)
    wish = await an_append(store)
    await rest(store)
    NoThreads(store.drivers.write, store.drivers.read)
    waiting = mailbox.submit(wish, command="test")
    stopped = ensureDeferred(store.stop())
    stopped.addTimeout(10, reactor)
    await stopped
    with pytest.raises(CancelledError):
        await waiting


@pytest_twisted.ensureDeferred
async def test_what_fails_behind_one_keeps_no_other_waiting(
    open_store: Opener, logged_errors: list[LogEvent]
) -> None:
    """All of a batch are answered, though giving back what one had fails."""
    store = await open_store()
    mailbox = await inbox_of(store)
    disk_of(store).steer = stall = Stall("fdatasync", "/log.")
    first = mailbox.submit(await an_append(store), command="test")
    await until(lambda: stall.stopped)
    others = [
        mailbox.submit(
            await an_append(store), command="test", contents=[CanNotBeReleased(b"")]
        )
        for _ in range(3)
    ]
    stall.end()
    await gatherResults([first, *others])
    assert await mailbox.submit(await an_append(store), command="test") is not None
    assert [event["log_failure"].type for event in logged_errors] == [ValueError] * 3
    logged_errors.clear()
