"""Quotas: what an account may hold, whoever delivers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import DeferredList, ensureDeferred

from imapbox.disk.spool import MemoryContent
from imapbox.model.errors import MailboxDamaged, QuotaExceeded
from imapbox.model.names import INBOX, mailbox_name
from imapbox.model.quota import NO_QUOTA, Quota, Usage
from imapbox.store.deliveries import Deliveries
from imapbox.store.delivery_key import Identity
from imapbox.store.layout import mailbox_directory
from imapbox.store.quotas import NOTHING_SET, quota_facts, usage_of
from tests.support.mail_store import (
    BOB,
    Opener,
    account_of,
    deliver,
    disk_of,
    knows_bob,
    new_message,
)

BODY = b"Subject: hi\r\n\r\nbody\r\n"
SENT = mailbox_name("Sent")


async def limit(store: Any, quota: Quota) -> None:
    await (await store.account(BOB)).set_meta(quota_facts(quota))


@pytest_twisted.ensureDeferred
async def test_a_quota_holds_in_every_process(open_store: Opener) -> None:
    """What one process sets holds for the next delivery of any other.

    All mailboxes count, and what is expunged makes room at once.
    """
    here, there = await open_store(), await open_store()
    account = await account_of(here)
    await deliver(there)
    await account.append(SENT, [new_message(BODY)])
    await limit(here, Quota(messages=2))
    for attempt in (
        deliver(there),
        account.append(INBOX, [new_message()]),
        (await account.select(INBOX, read_only=False)).copy([1], SENT),
    ):
        with pytest.raises(QuotaExceeded):
            await attempt
    mailbox = await account.select(INBOX, read_only=False)
    await mailbox.move([1], SENT)
    assert await account.quota() == (Quota(messages=2), Usage(2 * len(BODY), 2))
    sent = await account.select(SENT, read_only=False)
    await sent.remove([1])
    await deliver(there)
    with pytest.raises(QuotaExceeded):
        await deliver(there)


@pytest_twisted.ensureDeferred
async def test_a_default_holds_where_nothing_is_set(open_store: Opener) -> None:
    """A default is each process's own; what is set for an account goes before it."""
    store = await open_store()
    account = await account_of(store)
    store.quota = Quota(octets=len(BODY))
    await deliver(store, body=BODY)
    with pytest.raises(QuotaExceeded):
        await deliver(store, body=BODY)
    await limit(store, NO_QUOTA)
    assert (await account.quota())[0] == NO_QUOTA
    await deliver(store, body=BODY)
    await (await store.account(BOB)).set_meta(NOTHING_SET)
    assert (await account.quota())[0] == store.quota


@pytest_twisted.ensureDeferred
async def test_what_was_stored_is_known_beyond_the_quota(open_store: Opener) -> None:
    """A delivery whose reply was lost is known again where there is no room by now."""
    store = await open_store()
    await account_of(store)
    deliveries = Deliveries(store, knows_bob)
    recipient = await deliveries.find("bob")
    first = await deliveries.deliver(
        recipient, b"", MemoryContent(BODY), Identity("", "q1")
    )
    await limit(store, Quota(messages=1))
    again = await deliveries.deliver(
        recipient, b"", MemoryContent(BODY), Identity("", "q1")
    )
    assert (again.uid, again.is_new) == (first.uid, False)
    with pytest.raises(QuotaExceeded):
        await deliveries.deliver(
            recipient, b"", MemoryContent(BODY), Identity("", "q2")
        )


@pytest_twisted.ensureDeferred
async def test_a_damaged_mailbox_keeps_no_mail_out(open_store: Opener) -> None:
    """What can't be opened counts with what its head says, or for nothing.

    Mail to the other mailboxes goes on.
    """
    store = await open_store()
    account = await account_of(store)
    await account.append(SENT, [new_message(BODY)] * 2)
    await limit(store, Quota(messages=4))
    log = await store.account(BOB)
    sent = Path(store.root, mailbox_directory(BOB, log.named(SENT).mailbox_id))
    with (sent / "log.1").open("r+b") as file:
        file.write(b"\xff" * 300)
    started_anew = await open_store()
    boot = started_anew.settings.boot + 1
    started_anew.settings = replace(started_anew.settings, boot=boot)
    account = await account_of(started_anew)
    with pytest.raises(MailboxDamaged):
        await account.status(SENT)
    assert (await account.quota())[1] == Usage(2 * len(BODY), 2)
    await deliver(started_anew)
    await account.append(INBOX, [new_message()])
    with pytest.raises(QuotaExceeded):
        await deliver(started_anew)
    with (sent / "head").open("r+b") as file:
        file.write(bytes(64))
    assert (await account.quota())[1].messages == 2
    await deliver(started_anew)


@pytest_twisted.ensureDeferred
async def test_what_is_used_is_read_from_the_heads(open_store: Opener) -> None:
    """To add up an account costs one look at each head, whatever is open."""
    store = await open_store()
    account = await account_of(store)
    names = [mailbox_name(f"box{number}") for number in range(70)]
    for name in names:
        await account.create(name)
    # More than are kept open for who comes next.
    selected = [await account.select(name, read_only=True) for name in names]
    del selected[10:]
    opened: list[str] = []

    def note(method: str, path: str) -> None:
        if method == "open" and "/mailboxes/" in path:
            opened.append(path.rsplit("/", 1)[1])

    log = await store.account(BOB)
    await store.compactor.idle()  # it looks at what was selected
    disk_of(store).steer = note
    await usage_of(store, log)
    disk_of(store).steer = None
    assert opened == ["head"] * len(log.state.mailboxes)


@pytest_twisted.ensureDeferred
async def test_many_at_once_are_beyond_by_what_is_in_flight(open_store: Opener) -> None:
    """Deliveries at the same moment may all be taken; those behind them are not."""
    stores = [await open_store() for _ in range(2)]
    await account_of(stores[0])
    await limit(stores[0], Quota(messages=5))
    flights, at_once = 6, 4
    taken = 0
    for _ in range(flights):
        sent = [ensureDeferred(deliver(stores[n % 2])) for n in range(at_once)]
        taken += sum(ok for ok, _ in await DeferredList(sent, consumeErrors=True))
    usage = await usage_of(stores[0], await stores[0].account(BOB))
    assert usage.messages == taken
    assert 5 <= taken < 5 + at_once
