"""Being told of many mailboxes that nobody has open."""

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from imapbox.model.names import INBOX, MailboxName
from imapbox.store import head_watches
from imapbox.store.head_watches import ROUND_SECONDS
from tests.support.mail_store import BOB, Opener, account_of, deliver
from tests.support.waiting import until


@pytest_twisted.ensureDeferred
async def test_what_any_process_writes_is_hinted_at(open_store: Opener) -> None:
    """Who follows a mailbox learns of each delivery, by any process, unopened."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    mailbox_id = (await store.account(BOB)).named(INBOX).mailbox_id
    woken: list[None] = []
    watch = account.watch(lambda: woken.append(None))
    assert watch is not None
    assert watch.follow(mailbox_id)
    assert not watch.has_hints
    for number, process in enumerate((store, other), start=1):
        await deliver(process)
        await until(lambda: watch.has_hints)
        assert mailbox_id in watch.take().mailboxes
        assert len(woken) >= number
        status = await account.quick_status([INBOX])
        assert not status or status[INBOX].messages == number
    await (await account_of(other)).create(MailboxName("new"))
    await until(lambda: watch.take().tree)
    watch.leave(mailbox_id)
    await deliver(store)
    watch.close()
    assert not watch.has_hints


@pytest_twisted.ensureDeferred
async def test_the_poll_goes_round(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no hint comes, each head is looked at once in a round, all by one timer."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    mailbox_id = (await store.account(BOB)).named(INBOX).mailbox_id
    stopped: list[str] = []
    monkeypatch.setattr(
        store.drivers.watch,
        "listen",
        lambda path, _: lambda: stopped.append(path),
    )
    monkeypatch.setattr(store.drivers, "reactor", clock := Clock())
    watches = [account.watch(lambda: None) for _ in range(3)]

    async def go_round() -> None:
        for _ in range(int(ROUND_SECONDS)):
            await until(lambda: not store.drivers.read.runs)
            clock.advance(1.25)
            assert len(clock.getDelayedCalls()) <= 1
        await until(lambda: not store.drivers.read.runs)

    for watch in watches:
        assert watch is not None
        assert watch.follow(mailbox_id)
    await go_round()  # the first time in vain
    assert all(watch and watch.take().mailboxes for watch in watches)
    await go_round()
    assert not any(watch and watch.has_hints for watch in watches)
    await deliver(other)
    await go_round()
    for watch in watches:
        assert watch is not None
        assert watch.take().mailboxes == {mailbox_id}
        watch.close()
    # What nobody listens to is given back when its turn comes, and the timer ends.
    assert stopped == []
    await go_round()
    assert len(stopped) == 2
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_there_is_a_limit(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process listens to so many heads and no more, however many listen to each."""
    store = await open_store()
    account = await account_of(store)
    mailbox_id = (await store.account(BOB)).named(INBOX).mailbox_id
    monkeypatch.setattr(head_watches, "MOST_WATCHED", 1)
    watches = [account.watch(lambda: None) for _ in range(2)]
    for watch in watches:
        assert watch is not None
        assert not watch.follow(mailbox_id)
    monkeypatch.setattr(head_watches, "MOST_WATCHED", 0)
    other = await open_store()
    assert (await account_of(other)).watch(lambda: None) is None
    for watch in watches:
        assert watch is not None
        watch.close()
