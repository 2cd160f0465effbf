"""Handing over mail: to whom it goes, and that 250 means that it is there."""

import errno
import os

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, ensureDeferred, gatherResults

from imapbox.disk.spool import Content, MemoryContent
from imapbox.disk.steps import Steps
from imapbox.mailbox.values import NewMessage, Piece
from imapbox.model.errors import MailError, NoSuchUser, StoreFailure, StoreFenced
from imapbox.model.names import INBOX, UserName, mailbox_name
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    Stall,
    account_of,
    deliver,
    disk_of,
    knows_bob,
    knows_none,
)
from tests.support.waiting import turn, until

WORK = mailbox_name("Work")
LETTER = b"Subject: hi\r\n\r\nbody\r\n"


async def texts(store: Store, name: str = INBOX, user: UserName = BOB) -> list[bytes]:
    selected = await (await account_of(store, user)).select(name, read_only=True)
    pieces = [
        Piece(message.uid, 0, 10_000_000)
        for message in selected.by_seq([range(1, selected.exists + 1)])
    ]
    found = await selected.read(pieces)
    selected.close()
    return list(found)


@pytest_twisted.ensureDeferred
async def test_an_unknown_name_gets_no_account(open_store: Opener) -> None:
    """Mail for a name that nobody knows makes nothing."""
    store = await open_store()
    for deliveries in (Deliveries(store, knows_bob), Deliveries(store, knows_none)):
        with pytest.raises(NoSuchUser):
            await deliveries.find("eve@example.org")
    assert disk_of(store).list_directory("users") == []


@pytest_twisted.ensureDeferred
async def test_a_known_name_gets_an_account_with_its_mail(open_store: Opener) -> None:
    """Who is known to the site has an account with the first delivery, not before."""
    store = await open_store()
    deliveries = Deliveries(store, knows_bob)
    recipient = await deliveries.find("Bob+Work@example.org")
    assert (recipient.user, recipient.mailbox) == (BOB, INBOX)
    assert not await store.has_account(BOB)
    content = MemoryContent(LETTER)
    assert (await deliveries.deliver(recipient, b"X: 1\r\n", content)).uid == 1
    assert await texts(store) == [b"X: 1\r\n" + LETTER]


@pytest_twisted.ensureDeferred
async def test_an_account_is_enough(open_store: Opener) -> None:
    """Where no directory tells, whoever has an account gets mail."""
    store = await open_store()
    await store.create_account(BOB)
    assert await deliver(store, "bob@anywhere") == 1


@pytest_twisted.ensureDeferred
async def test_detail_names_a_mailbox_that_exists(open_store: Opener) -> None:
    """+detail goes to that mailbox if there is one, else to INBOX."""
    store = await open_store()
    account = await account_of(store)
    await account.create(WORK)
    for address in ("bob+Work", "bob+work", "bob+a*b", "bob+", "bob+inbox"):
        await store.create_account(UserName("bob+"))
        await deliver(store, address, address.encode())
    assert await texts(store, WORK) == [b"bob+Work"]
    assert await texts(store) == [b"bob+work", b"bob+a*b", b"bob+inbox"]


@pytest_twisted.ensureDeferred
async def test_the_most_exact_user_wins(open_store: Opener) -> None:
    """Of all users that an address may mean, the most exact one gets the mail."""
    store = await open_store()
    for name in ("bob", "bob+x", "bob@h", "bob+x@h"):
        recipient = await Deliveries(store, knows_bob).find("bob+x@h")
        assert len(name) >= len(recipient.user)
        await store.create_account(UserName(name))
    assert (await Deliveries(store, knows_bob).find("bob+x@h")).user == "bob+x@h"


class Unread(Content):
    """A message in a file that can't be read any more."""

    def __init__(self, code: int) -> None:
        super().__init__(b"", 1, 0, None)
        self._code = code

    @property
    def in_memory(self) -> bool:
        return False

    def read(self, size: int, offset: int) -> Steps[bytes]:
        del size, offset
        yield from ()
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EIO, StoreFailure), (errno.ESHUTDOWN, StoreFenced)]
)
@pytest_twisted.ensureDeferred
async def test_a_message_that_can_not_be_read_again(
    open_store: Opener, code: int, words: type[MailError]
) -> None:
    """What the disk says of the message's own file is told in words, as all else."""
    store = await open_store()
    account = await account_of(store)
    deliveries = Deliveries(store, knows_bob)
    recipient = await deliveries.find("bob")
    with pytest.raises(words) as raised:
        await deliveries.deliver(recipient, b"", Unread(code))
    assert type(raised.value) is words
    with pytest.raises(words):
        await account.append(INBOX, [NewMessage(Unread(code), frozenset(), None)])


@pytest_twisted.ensureDeferred
async def test_a_mailbox_deleted_meanwhile_is_not_delivered_to(
    open_store: Opener,
) -> None:
    """What goes to a mailbox that another process deletes arrives in INBOX."""
    store, other = await open_store(), await open_store()
    await (await account_of(store)).create(WORK)
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find("bob+Work")
    await (await account_of(other)).delete(WORK)
    assert (await deliveries.deliver(recipient, b"", MemoryContent(LETTER))).uid == 1
    assert await texts(other) == [LETTER]


@pytest_twisted.ensureDeferred
async def test_deleted_while_a_delivery_waits_for_the_lock(open_store: Opener) -> None:
    """A delivery that waited behind a DELETE finds INBOX, and is there."""
    stall = Stall("fdatasync", "/account/log.")
    store, other = await open_store(), await open_store(steer=stall)
    stall.end()
    await (await account_of(store)).create(WORK)
    bobs = await account_of(other)
    await bobs.mailboxes()
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find("bob+Work")
    # The DELETE holds both locks now, written but not yet published.
    disk_of(other).steer = stall = Stall("fdatasync", "/account/log.")
    deleted = ensureDeferred(bobs.delete(WORK))
    await until(lambda: stall.stopped)
    delivered = ensureDeferred(
        deliveries.deliver(recipient, b"", MemoryContent(LETTER))
    )
    await turn()
    assert not delivered.called
    stall.end()
    await deleted
    await delivered
    assert await texts(other) == [LETTER]


@pytest_twisted.ensureDeferred
async def test_250_is_really_there_whoever_deletes(open_store: Opener) -> None:
    """Deliveries race DELETE and CREATE: each one acknowledged is in a mailbox."""
    store, other = await open_store(), await open_store()
    bobs = await account_of(other)
    await bobs.create(WORK)
    deliveries = Deliveries(store, knows_none)
    lost, sent = 0, 0
    for _ in range(10):
        recipient = await deliveries.find("bob+Work")
        waiting = [
            ensureDeferred(deliveries.deliver(recipient, b"", MemoryContent(LETTER)))
            for _ in range(3)
        ]
        in_work = ensureDeferred(bobs.delete(WORK))
        sent += len(await gatherResults(waiting))
        await in_work
        await bobs.create(WORK)
        lost = sent - len(await texts(other))
        # Those that came before the DELETE went with the mailbox.
        assert lost >= 0
    assert len(await texts(other)) + lost == sent


@pytest_twisted.ensureDeferred
async def test_an_account_that_changes_all_the_time_harms_no_delivery(
    open_store: Opener,
) -> None:
    """Deliveries succeed while another process changes the account flat out."""
    store, other = await open_store(), await open_store()
    account = await account_of(other)
    going = True

    async def change() -> None:
        while going:
            await account.subscribe(WORK)
            await account.unsubscribe(WORK)

    await store.create_account(BOB)
    changing = ensureDeferred(change())
    uids = [await deliver(store) for _ in range(60)]
    uids += await gatherResults([ensureDeferred(deliver(store)) for _ in range(60)])
    going = False
    await changing
    assert sorted(uids) == list(range(1, 121))


@pytest_twisted.ensureDeferred
async def test_fifty_users_at_once(open_store: Opener) -> None:
    """A message for fifty users is delivered to each of them, all at once."""
    store = await open_store()
    users = [UserName(f"user{number}") for number in range(50)]

    async def known(user: UserName) -> bool | None:
        return user in users

    deliveries = Deliveries(store, known)
    spool = store.new_spool()
    await spool.write(LETTER * 30_000)
    content = await spool.finish()
    recipients = [await deliveries.find(user) for user in users]
    delivered = [
        ensureDeferred(deliveries.deliver(recipient, b"To: x\r\n", content))
        for recipient in recipients
    ]
    content.discard()
    assert [each.uid for each in await gatherResults(delivered)] == [1] * 50
    for user in users[::10]:
        assert await texts(store, user=user) == [b"To: x\r\n" + LETTER * 30_000]


@pytest_twisted.ensureDeferred
async def test_a_cancelled_delivery_is_whole_or_absent(open_store: Opener) -> None:
    """Cancelled in the middle of a commit, a delivery is there whole; before, not."""
    store = await open_store()
    await store.create_account(BOB)
    disk_of(store).steer = stall = Stall("fdatasync", "/log.")
    written = ensureDeferred(deliver(store, body=b"written"))
    await until(lambda: stall.stopped)
    queued = ensureDeferred(deliver(store, body=b"queued"))
    await turn()
    for delivery in (written, queued):
        delivery.cancel()
        with pytest.raises(CancelledError):
            await delivery
    stall.end()
    assert await deliver(store, body=b"next") == 2
    assert await texts(store) == [b"written", b"next"]
