"""A disk whose syncs take for ever holds up nobody but who waits for them."""

import statistics
from collections.abc import Awaitable
from typing import Any

import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults

from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.values import Piece
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX, UserName
from imapbox.store.create import SPECIAL_USE
from tests.support.mail_store import BOB, Opener, Stall, account_of, deliver, disk_of
from tests.support.waiting import reactor, turn, until

# What a NOOP may take: 50 ms; the machine that runs the tests may be busy.
USUAL = 0.05
LONGEST = 0.5


class Times:
    """How long things took."""

    def __init__(self) -> None:
        self.all: list[float] = []

    async def take(self, work: Awaitable[Any]) -> Any:
        """Take the time of ``work``."""
        begun = reactor.seconds()
        result = await ensureDeferred(work).addTimeout(10, reactor)
        self.all.append(reactor.seconds() - begun)
        return result

    def check(self) -> None:
        """Fail if anything was held up."""
        assert statistics.median(self.all) < USUAL
        assert max(self.all) < LONGEST


@pytest_twisted.ensureDeferred
async def test_nobody_waits_for_anothers_sync(open_store: Opener) -> None:
    """While every sync hangs, NOOPs, reads, SELECT and STATUS are answered."""
    store = await open_store()
    account = await account_of(store)
    mails = await account_of(store, UserName("ana"))
    await deliver(store, body=b"first")
    await deliver(store, "ana", b"hers")
    same = [await account.select(INBOX, read_only=False) for _ in range(3)]
    other = await mails.select(INBOX, read_only=False)
    await until(lambda: not store.drivers.write.runs)
    disk_of(store).steer = stall = Stall("fdatasync")
    hanging = [ensureDeferred(deliver(store))]
    await until(lambda: stall.stopped)
    hanging.append(ensureDeferred(deliver(store, "ana")))
    storing = ensureDeferred(
        same[0].set_flags([1], FlagChange.ADD, frozenset({"\\Flagged"}))
    )
    times = Times()
    for _ in range(10):
        for selected in (*same, other):
            assert not await times.take(selected.sync(may_expunge=True))
        assert await times.take(same[1].read([Piece(1, 0, 99)])) == [b"first"]
        assert (await times.take(account.status(INBOX))).messages == 1
        late = await times.take(account.select(INBOX, read_only=True))
        late.close()
        listed = await times.take(mails.mailboxes())
        assert len(list(listed)) == 1 + len(SPECIAL_USE)
    times.check()
    assert not any(each.called for each in hanging)
    stall.end()
    assert await gatherResults(hanging) == [2, 2]
    await storing
    assert len(await same[1].sync(may_expunge=True)) == 2
    for selected in (*same, other):
        selected.close()


@pytest_twisted.ensureDeferred
async def test_more_that_hang_than_there_are_threads(open_store: Opener) -> None:
    """Where all writing threads hang, a mailbox can still be opened and read."""
    store, before = await open_store(), await open_store()
    users = [UserName(f"user{number}") for number in range(40)]
    for user in users:
        await before.create_account(user)
    await deliver(before, users[-1])
    disk_of(store).steer = stall = Stall("fdatasync")
    hanging = [ensureDeferred(deliver(store, user)) for user in users[:-1]]
    await until(lambda: stall.stopped >= 16)
    times = Times()
    account = UserAccount(store, await times.take(store.account(users[-1])))
    for _ in range(5):
        selected = await times.take(account.select(INBOX, read_only=True))
        assert not await times.take(selected.sync(may_expunge=True))
        selected.close()
    times.check()
    stall.end()
    assert await gatherResults(hanging) == [1] * 39


@pytest_twisted.ensureDeferred
async def test_the_other_process_is_read_while_it_hangs(open_store: Opener) -> None:
    """A process whose sync hangs holds the lock; others read on, and see no lie."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=False)
    disk_of(other).steer = stall = Stall("fdatasync", "/log.")
    hanging = ensureDeferred(deliver(other))
    await until(lambda: stall.stopped)
    times = Times()
    for _ in range(10):
        assert not await times.take(selected.sync(may_expunge=True))
    waiting = ensureDeferred(deliver(store))
    await turn()
    times.check()
    assert selected.exists == 0, "what is not durable was told"
    stall.end()
    assert sorted(await gatherResults([hanging, waiting])) == [1, 2]
    await selected.sync(may_expunge=True)
    assert selected.exists == 2
    selected.close()
    assert (await (await account_of(other, BOB)).status(INBOX)).messages == 2
