"""A delivery that is tried again, by whatever process and after whatever happened."""

from collections.abc import Sequence

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults

from imapbox.disk.spool import Content, MemoryContent
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.mailbox.values import Piece
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX, MailboxName, mailbox_name
from imapbox.store.deliveries import Delivered, Deliveries
from imapbox.store.delivery_key import Identity, delivery_key
from imapbox.store.delivery_memory import DeliveryMemory
from imapbox.store.incoming import incoming
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    Stall,
    account_of,
    disk_of,
    knows_none,
)
from tests.support.waiting import until

WORK = mailbox_name("Work")
LETTER = b"Subject: hi\r\n\r\nbody\r\n"
NAMED = Identity("eve@example.org", "4NB6rZ2xG2z1")
NAMELESS = Identity("eve@example.org", None)


async def attempt(
    store: Store,
    identity: Identity,
    body: bytes = LETTER,
    address: str = "bob",
    header: bytes = b"",
) -> Delivered:
    """Deliver as LMTP does, spooled."""
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find(address)
    content = await spooled(store, body)
    try:
        return await deliveries.deliver(recipient, header, content, identity)
    finally:
        content.discard()


async def spooled(store: Store, body: bytes) -> Content:
    spool = store.new_spool()
    for at in range(0, len(body), 50_000):
        await spool.write(body[at : at + 50_000])
    return await spool.finish()


async def settle(store: Store, *delivered: Delivered) -> None:
    doubts = [each.doubt for each in delivered if each.doubt is not None]
    await Deliveries(store, knows_none).settle(doubts)


async def texts(store: Store, name: MailboxName = INBOX) -> Sequence[bytes]:
    selected = await (await account_of(store)).select(name, read_only=True)
    pieces = [
        Piece(message.uid, 0, 10_000_000)
        for message in selected.by_seq([range(1, selected.exists + 1)])
    ]
    found = await selected.read(pieces)
    selected.close()
    return list(found)


@pytest.mark.parametrize("body", [LETTER, b"large\r\n" * 100_000])
@pytest.mark.parametrize("identity", [NAMED, NAMELESS])
@pytest_twisted.ensureDeferred
async def test_a_try_again_is_answered_with_what_is_there(
    open_store: Opener, identity: Identity, body: bytes
) -> None:
    """Sent again, to the same process, to another, or behind a start: one message."""
    store, other = await open_store(), await open_store()
    await store.create_account(BOB)
    first = await attempt(store, identity, body, header=b"X: 1\r\n")
    assert (first.uid, first.is_new) == (1, True)
    for again in (store, other, await open_store()):
        found = await attempt(again, identity, body, header=b"X: another try\r\n")
        assert (found.uid, found.is_new) == (1, False)
    assert await texts(store) == [b"X: 1\r\n" + body]


@pytest_twisted.ensureDeferred
async def test_whatever_differs_makes_another_message(open_store: Opener) -> None:
    """Another ident, sender, recipient or octet, and it is stored."""
    store = await open_store()
    await store.create_account(BOB)
    tries = [
        (NAMED, LETTER, "bob"),
        (NAMED._replace(ident="4NB6rZ2xG2z2"), LETTER, "bob"),
        (NAMED._replace(sender="eve@example.com"), LETTER, "bob"),
        (NAMED, LETTER + b"x", "bob"),
        (NAMED, LETTER, "bob+list"),
        (NAMED, LETTER, "bob@example.org"),
        (NAMELESS, LETTER, "bob"),
        (NAMELESS, LETTER, "bob+list"),
    ]
    for _ in range(2):
        found = [(await attempt(store, *each)).uid for each in tries]
        assert found == list(range(1, 9))


@pytest_twisted.ensureDeferred
async def test_gone_or_moved_it_is_not_wanted_again(open_store: Opener) -> None:
    """A message that was expunged or moved meanwhile is not stored again."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.create(WORK)
    for number, body in enumerate((b"expunged", b"moved"), start=1):
        assert (await attempt(store, NAMED, body)).uid == number
    selected = await account.select(INBOX, read_only=False)
    await selected.move([2], WORK)
    await selected.set_flags([1], FlagChange.ADD, frozenset({"\\Deleted"}))
    await selected.expunge()
    selected.close()
    for number, body in enumerate((b"expunged", b"moved"), start=1):
        found = await attempt(other, NAMED, body)
        assert (found.uid, found.is_new) == (number, False)
    assert await texts(store) == []
    assert await texts(store, WORK) == [b"moved"]


@pytest_twisted.ensureDeferred
async def test_two_that_are_tried_at_once(open_store: Opener) -> None:
    """Several processes that are sent the same at the same moment store it once."""
    stores = [await open_store() for _ in range(3)]
    await stores[0].create_account(BOB)
    for number in range(1, 21):
        identity = (NAMED, NAMELESS)[number % 2]
        tries = [
            ensureDeferred(attempt(store, identity, b"%d" % number))
            for store in (*stores, *stores)
        ]
        found = await gatherResults(tries)
        assert {each.uid for each in found} == {number}
        assert sum(each.is_new for each in found) == 1
    assert await texts(stores[1]) == [b"%d" % number for number in range(1, 21)]


@pytest_twisted.ensureDeferred
async def test_one_that_ends_late_is_no_second_one(open_store: Opener) -> None:
    """Sent again while it waits, and read: what waited is known when it goes on."""
    store, other = await open_store(), await open_store()
    await store.create_account(BOB)
    stall = disk_of(store).steer = Stall("try_lock", "mailboxes/")
    late = ensureDeferred(attempt(store, NAMELESS))
    await until(lambda: stall.stopped > 0)
    again = await attempt(other, NAMELESS)
    await settle(other, again)
    stall.end()
    found = await late
    assert (found.uid, found.is_new) == (again.uid, False)
    assert len(await texts(other)) == 1


@pytest_twisted.ensureDeferred
async def test_a_second_one_on_purpose(open_store: Opener) -> None:
    """Without an ident, the same message behind a reply that was read is another."""
    store, other = await open_store(), await open_store()
    await store.create_account(BOB)
    first = await attempt(store, NAMELESS)
    again = await attempt(other, NAMELESS)
    assert not again.is_new
    await settle(other, again)
    second = await attempt(store, NAMELESS)
    assert (second.uid, second.is_new) == (2, True)
    await settle(other, first)  # its client says at last that it has read
    third = await attempt(await open_store(), NAMELESS)
    assert (third.uid, third.is_new) == (3, True)


@pytest_twisted.ensureDeferred
async def test_with_an_ident_nothing_has_to_be_settled(open_store: Opener) -> None:
    """A delivery with an ident is in no doubt: its key counts for a week."""
    store = await open_store()
    await store.create_account(BOB)
    assert (await attempt(store, NAMED)).doubt is None


@pytest_twisted.ensureDeferred
async def test_of_two_recipients_in_one_mailbox_each_has_one(
    open_store: Opener,
) -> None:
    """Two addresses of a mailbox are two messages, each with its own try again."""
    store = await open_store()
    await store.create_account(BOB)
    addresses = ("bob", "bob+a", "bob")
    for new in ([True, True, False], [False, False, False]):
        found = [await attempt(store, NAMED, address=each) for each in addresses]
        assert [each.uid for each in found] == [1, 2, 1]
        assert [each.is_new for each in found] == new


def test_no_two_ways_to_say_the_same() -> None:
    """Where one word of a key ends and the next begins is part of it."""
    digest = MemoryContent(LETTER).digest
    keys = {
        delivery_key(Identity(sender, ident), address, digest)
        for sender in ("", "a", "ab")
        for ident in (None, "", "b", "bc")
        for address in ("", "c", "bc", "abc")
    }
    assert len(keys) == 3 * 4 * 4


def test_memory_is_bounded() -> None:
    """Of many mailboxes those used last are remembered, by their octets."""
    memory = DeliveryMemory(10_000)
    first = memory.of("1")
    assert memory.of("1") is first
    for number in range(2, 5):
        memory.of(str(number))
    assert memory.of("1") is first
    memory.of("5")
    assert len(memory) == 4
    for number in range(400):
        first.add(b"%016d" % number, number)
    first.published((1, 1, 1, 1), 1)
    assert memory.of("1") is first
    assert len(memory) == 1
    assert memory.of("2") is not first
    assert isinstance(memory.of("3"), DeliveryKeys)


def test_what_is_held_is_known_still() -> None:
    """A mailbox's keys that are not remembered any more, but are in use, stay one."""
    memory = DeliveryMemory(1)
    first = memory.of("1")
    memory.of("2")
    assert len(memory) == 1
    assert memory.of("1") is first


@pytest_twisted.ensureDeferred
async def test_twice_in_one_batch_with_no_room_to_remember(open_store: Opener) -> None:
    """The same delivery twice at once is stored once, however little is remembered."""
    store = await open_store()
    store.deliveries = DeliveryMemory(1)
    await store.create_account(BOB)
    account = await store.account(BOB)
    mailbox = store.mailbox(account, account.named(INBOX).mailbox_id)
    message = await incoming(store.drivers.read, b"", MemoryContent(LETTER))
    message = message._replace(key=b"%016d" % 2)
    disk_of(store).steer = stall = Stall("fdatasync", "/log.")
    other = await incoming(store.drivers.read, b"", MemoryContent(b"another"))
    writing = mailbox.submit(AppendMessages([other]), command="test")
    await until(lambda: stall.stopped)
    wishes = []
    for _ in range(2):
        wishes.append(DeliverOnce(message, store.deliveries.of(mailbox.directory)))
        store.deliveries.of("another")
    written = [mailbox.submit(wish, command="test") for wish in wishes]
    stall.end()
    await gatherResults([writing, *written])
    assert [(wish.uid, wish.is_new) for wish in wishes] == [(2, True), (2, False)]
