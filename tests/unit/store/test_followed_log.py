"""How a process keeps sight of a log to which anything may happen."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from imapbox.disk.blocking import result_of
from imapbox.disk.steps import perform
from imapbox.index.account_state import AccountState
from imapbox.index.damage import mark_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import Head
from imapbox.index.read import Window, read_frame
from imapbox.model.errors import MailboxDamaged, MailboxGone, StoreFenced
from imapbox.model.names import INBOX, mailbox_name
from imapbox.store import followed_log, open_mailbox
from imapbox.store.layout import account_directory
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    Stall,
    account_of,
    deliver,
    disk_of,
    new_message,
)
from tests.support.waiting import until
from tests.unit.index.test_settle import NO_SENSE, PAYLOADS, written_by_a_bug


async def mailbox_of(store: Store) -> OpenMailbox:
    """Return INBOX as this process shares it."""
    await account_of(store)
    account = await store.account(BOB)
    return store.mailbox(account, account.named(INBOX).mailbox_id)


async def selected_in(store: Store) -> Any:
    return await (await account_of(store)).select(INBOX, read_only=True)


async def exists_in(store: Store) -> int:
    """Return how many messages who selects INBOX is told of."""
    selected = await selected_in(store)
    selected.close()
    return selected.exists


async def append_many(store: Store) -> None:
    """Append more than a glance takes in."""
    await (await account_of(store)).append(INBOX, [new_message(b"x" * 200)] * 300)


def tear(head: Path) -> None:
    head.write_bytes(b"no head")


@pytest.fixture
def no_hints(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], None]:
    """Poll often; of a store that is given, no file's watch says anything."""
    monkeypatch.setattr(open_mailbox, "POLL_SECONDS", 0.02)

    def without(store: Store) -> None:
        monkeypatch.setattr(store.drivers.watch, "listen", lambda *_: lambda: None)

    return without


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("head", ["stays", "is made anew"])
async def test_who_waits_hears_that_a_mailbox_was_mended(
    open_store: Opener, no_hints: Callable[[Store], None], head: str
) -> None:
    """IDLE in a damaged mailbox is told of what comes behind its repair."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    await deliver(here)
    mailbox = await mailbox_of(there)
    await there.drivers.write.run(mark_damaged(mailbox.directory, "a test"))
    no_hints(there)
    selected = await selected_in(there)
    await selected.sync(may_expunge=True)
    assert mailbox.log.damaged
    waiting = selected.changed()
    assert not waiting.called
    if head == "is made anew":
        disk_of(there).unlink(mailbox.log.head_path)
    disk_of(there).unlink(f"{mailbox.directory}/damaged")
    await deliver(here)
    await until(lambda: waiting.called)
    await selected.sync(may_expunge=True)
    assert selected.exists == 2
    selected.close()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("lost", ["nothing", "the head"])
async def test_who_waits_in_a_damaged_mailbox_is_left_alone(
    open_store: Opener, lost: str
) -> None:
    """Nothing happens to it, so there is nothing to look at again and again."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    other = await open_store()
    mailbox = await mailbox_of(other)
    await store.drivers.write.run(mark_damaged(mailbox.directory, "a test"))
    if lost == "the head":
        disk_of(store).unlink(mailbox.log.head_path)
    selected = await selected_in(other)
    await selected.sync(may_expunge=True)
    waiting = selected.changed()
    assert mailbox.log.damaged
    assert not waiting.called
    assert mailbox.log.is_current()
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_mailbox_is_damaged_to_who_has_it_open(open_store: Opener) -> None:
    """Who finds its head torn and the mark beside it knows what it means."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    await deliver(here)
    selected = await selected_in(there)
    mailbox = await mailbox_of(there)
    await here.drivers.write.run(mark_damaged(mailbox.directory, "a test"))
    tear(Path(here.root, mailbox.log.head_path))
    assert not await selected.sync(may_expunge=True)
    assert mailbox.log.damaged
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_head_that_was_moved_is_found_by_who_waits(open_store: Opener) -> None:
    """It has a name still, so that no NOOP can tell; the poll asks for its own."""
    here, there = await open_store(), await open_store()
    await account_of(here)
    selected = await selected_in(there)
    mailbox = await mailbox_of(there)
    head = f"{here.root}/{mailbox.log.head_path}"
    os.rename(head, f"{head}.old")  # noqa: PTH104 - within a coroutine
    await deliver(here)
    assert selected.changed().called
    await selected.sync(may_expunge=True)
    assert selected.exists == 1
    waiting = selected.changed()
    assert not waiting.called
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    selected.close()


def write_no_sense(store: Store, directory: str, what: str) -> None:
    """Write a whole frame that makes no sense, and a head behind it."""
    path = Path(store.root, directory)
    head = Head.decode((path / "head").read_bytes())
    assert head is not None
    at = head.position
    octets = written_by_a_bug(at, head.counts, NO_SENSE[what], PAYLOADS.get(what, b""))
    with (path / "log.1").open("r+b") as file:
        file.seek(at.offset)
        file.write(octets)
        file.flush()
        frame = perform(read_frame(Window(file.fileno(), None), at), disk_of(store))
    after = head._replace(position=frame.end, counts=frame.counts)
    (path / "head").write_bytes(after.encode())


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("what", NO_SENSE)
async def test_half_a_frame_is_shown_to_nobody(open_store: Opener, what: str) -> None:
    """What makes no sense is damage, and ends a session that has taken it in."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    selected = await selected_in(store)
    mailbox = await mailbox_of(store)
    write_no_sense(store, mailbox.directory, what)
    for _ in range(2):
        if "SWITCH" in what:  # by which one finds the next frame: it is not taken in
            assert not await selected.sync(may_expunge=True)
        else:
            with pytest.raises(MailboxGone):
                await selected.sync(may_expunge=True)
    selected.close()
    for each in (store, await open_store()):
        assert await exists_in(each) == 1
        assert (await mailbox_of(each)).log.damaged
        with pytest.raises(MailboxDamaged):
            await deliver(each)


@pytest_twisted.ensureDeferred
async def test_an_account_without_sense_is_damaged_to_all(open_store: Opener) -> None:
    """Who followed it is told the same as who opens it."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    await deliver(here)
    directory = account_directory(BOB)
    write_no_sense(here, directory, "an unknown kind")
    for store in (here, there, here):
        with pytest.raises(MailboxDamaged):
            await deliver(store)
    assert disk_of(here).exists(f"{directory}/damaged")


@pytest_twisted.ensureDeferred
async def test_nothing_is_built_on_half_a_frame(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree that took in a part of a change is made anew from its log."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    account = await there.account(BOB)
    await account.sync()
    await (await here.account(BOB)).create(mailbox_name("new"))
    whole, halves = AccountState.apply, []

    def half(state: AccountState, frame: Frame) -> None:
        if not halves:
            halves.append(state)
            state.subscribed.add(mailbox_name("half"))
            raise DamagedOperations("it ends here", frame.end)
        whole(state, frame)

    monkeypatch.setattr(AccountState, "apply", half)
    await account.sync()
    assert halves
    assert mailbox_name("new") in account.state.names
    assert mailbox_name("half") not in account.state.subscribed


@pytest.fixture
def in_small_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let others have their turn behind each three frames."""
    monkeypatch.setattr(followed_log, "_GLANCE", 0)
    monkeypatch.setattr(followed_log, "_FRAMES", 3)


@pytest_twisted.ensureDeferred
@pytest.mark.usefixtures("in_small_bits")
@pytest.mark.parametrize("stopped_at", [3, 6, 11])
async def test_who_was_away_for_long_holds_up_nobody(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    """Much that happened is learnt bit by bit; who is stopped goes on from there."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    mailbox = await mailbox_of(there)
    await mailbox.sync()
    for _ in range(11):
        await deliver(here)
    turns: list[Deferred[None]] = []

    def turn() -> Deferred[None]:
        turns.append(Deferred())
        return turns[-1]

    with monkeypatch.context() as patched:
        patched.setattr(there.drivers, "turn", turn)
        learning = ensureDeferred(mailbox.sync())
        for known in range(3, stopped_at + 1, 3):
            await until(lambda known=known: len(turns) == known // 3)
            assert mailbox.state.counts.exists == known
            if known == stopped_at:
                learning.cancel()
                with pytest.raises(CancelledError):
                    await learning
            else:
                turns[-1].callback(None)
    await mailbox.sync()
    assert mailbox.state.counts.exists == 11
    assert await exists_in(there) == 11


@pytest_twisted.ensureDeferred
async def test_others_have_their_turn_in_between(open_store: Opener) -> None:
    """A turn is the reactor's next; who holds it up does not wait for one."""
    drivers = (await open_store()).drivers
    turn = drivers.turn()
    assert not turn.called
    await turn
    assert drivers.that_block().turn().called


@pytest_twisted.ensureDeferred
@pytest.mark.usefixtures("in_small_bits")
async def test_who_keeps_all_waiting_does_not_wait_for_them(open_store: Opener) -> None:
    """A caller that wants its answer at once has it, however much is new."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    account = there.blocking_account(BOB)
    assert result_of(ensureDeferred(account.sync())) is None
    changed = await here.account(BOB)
    for number in range(8):
        await changed.create(mailbox_name(f"new{number}"))
    assert result_of(ensureDeferred(account.sync())) is None
    assert mailbox_name("new7") in account.state.names


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("code", [errno.ESTALE, errno.ESHUTDOWN])
@pytest.mark.parametrize("news", ["none", "little", "much"])
async def test_a_disk_that_went_away_is_noticed_at_each_look(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch, code: int, news: str
) -> None:
    """Also by who only asks whether the head has a name: nothing is begun behind it."""
    here, there = await open_store(), await open_store()
    await account_of(here)
    mailbox = await mailbox_of(there)
    await mailbox.sync()
    await (deliver(here) if news == "little" else append_many(here))
    if news == "none":
        await mailbox.sync()

    def gone(_: int) -> bool:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as system:
        system.setattr(disk_of(there), "is_named", gone)
        with pytest.raises(StoreFenced):
            await mailbox.sync()
    assert not there.drivers.fence.is_down
    with pytest.raises(StoreFenced):
        await mailbox.sync()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("stopped", ["pread", "open"])
async def test_who_waits_takes_nothing_from_who_looks(
    open_store: Opener, stopped: str
) -> None:
    """A poll that finds the head gone lets a look in a thread end as it began."""
    here, there = await open_store(), await open_store()
    await account_of(here)
    selected = await selected_in(there)
    await append_many(here)
    mailbox = await mailbox_of(there)
    where = mailbox.log.head_path if stopped == "pread" else f"{mailbox.directory}/log."
    stall = Stall(stopped, where)

    def steer(method: str, path: str) -> None:
        if threading.current_thread() is not threading.main_thread():
            stall(method, path)

    disk_of(there).steer = steer
    looking = ensureDeferred(selected.sync(may_expunge=True))
    await until(lambda: stall.stopped)
    disk_of(here).unlink(mailbox.log.head_path)
    if stopped == "pread":
        await deliver(here)
    assert not mailbox.log.is_current()
    stall.end()
    await looking
    assert selected.exists == (301 if stopped == "pread" else 300)
    selected.close()


class Removes:
    """Removes a head each time before it is opened to be followed."""

    def __init__(self, path: Path, times: int) -> None:
        self.left = times
        self._path = path

    def __call__(self, method: str, path: str) -> None:
        in_reactor = threading.current_thread() is threading.main_thread()
        if in_reactor and self.left and method == "open" and path in str(self._path):
            self.left -= 1
            self._path.unlink()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("which", ["account", "mailbox"])
async def test_a_head_may_go_while_its_log_is_opened(
    open_store: Opener, which: str
) -> None:
    """The account, and the mailbox, are there: nobody is told that they are not."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    directory = account_directory(BOB)
    if which == "mailbox":
        directory = (await mailbox_of(store)).directory
    other = await open_store()
    disk_of(other).steer = steer = Removes(Path(store.root, directory, "head"), 1)
    assert await exists_in(other) == 1
    assert not steer.left


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("times", [1, 2])
async def test_a_head_may_go_again_while_it_is_made_anew(
    open_store: Opener, times: int
) -> None:
    """A session goes on, however often somebody removes the head beneath it."""
    here, there = await open_store(), await open_store()
    await account_of(here)
    selected = await selected_in(there)
    head = Path(here.root, (await mailbox_of(there)).log.head_path)
    disk_of(here).unlink((await mailbox_of(there)).log.head_path)
    await deliver(here)
    disk_of(there).steer = steer = Removes(head, times)
    await selected.sync(may_expunge=True)
    assert selected.exists == 1
    assert not steer.left
    selected.close()
