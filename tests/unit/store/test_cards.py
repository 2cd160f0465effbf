"""Cards: made while a message comes, kept beside it, made anew if need be."""

import threading
from typing import Any, Final

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.logger import LogEvent

from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MEMORY_LIMIT, Content, MemoryContent
from imapbox.index.body import Place
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.values import NewMessage, Piece
from imapbox.mime.card import Card, make_card
from imapbox.mime.structure import Part
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.model.numbers import Uid
from imapbox.store import cards
from imapbox.store.cards import CardMaker
from imapbox.store.deliveries import Deliveries
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Opener,
    account_of,
    deliver,
    disk_of,
    knows_none,
)
from tests.support.messages import scan
from tests.support.written_again import write_again

ONE: Final = Uid(1)
LETTER: Final = (
    b"From: ana@example.org\r\nSubject: hi\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<b>two</b>"
)
SMALL: Final = LETTER + b"\r\n--b--\r\n"
MANY_PARTS: Final = LETTER + b"\r\n--b\r\n\r\nx" * 500
LARGE: Final = LETTER + b"x" * (3 * MEMORY_LIMIT) + b"\r\n--b\r\n\r\nend"


async def spooled(store: Store, message: bytes, piece: int = 10_000) -> Content:
    """Return a message that came in pieces."""
    spool = store.new_spool()
    for at in range(0, len(message), piece):
        await spool.write(message[at : at + piece])
    return await spool.finish()


async def select(store: Store) -> Selected:
    return await (await account_of(store)).select(INBOX, read_only=False)


async def mailbox_of(store: Store) -> OpenMailbox:
    account = await store.account(BOB)
    return store.mailbox(account, account.named(INBOX).mailbox_id)


@pytest.mark.parametrize("message", [b"", SMALL, MANY_PARTS, LARGE], ids=len)
@pytest_twisted.ensureDeferred
async def test_a_message_that_comes_has_its_card(
    open_store: Opener, message: bytes
) -> None:
    """Whatever its size, its card is made of all of it, and of nothing else."""
    store = await open_store()
    content = await spooled(store, message)
    assert content.card == make_card(scan(message))
    content.discard()


@pytest.mark.parametrize("message", [SMALL, LARGE], ids=len)
@pytest_twisted.ensureDeferred
async def test_all_recipients_have_the_same_card(
    open_store: Opener, message: bytes
) -> None:
    """One card serves all who get a message, whatever our own header lines say."""
    store = await open_store()
    await account_of(store)
    deliveries = Deliveries(store, knows_none)
    content = await spooled(store, message)
    recipient = await deliveries.find("bob")
    headers = [b"X: %b\r\n" % (b"x" * n) for n in range(3)]
    deliver_all = [
        ensureDeferred(deliveries.deliver(recipient, header, content))
        for header in headers
    ]
    content.discard()
    uids = [each.uid for each in await gatherResults(deliver_all)]
    selected = await select(store)
    found = await selected.read_cards(sorted(uids))
    assert found == [make_card(scan(message))] * 3
    selected.close()


@pytest_twisted.ensureDeferred
async def test_an_appended_message_has_its_card(open_store: Opener) -> None:
    """APPEND makes a card like a delivery."""
    store = await open_store()
    account = await account_of(store)
    content = await spooled(store, SMALL)
    await account.append(INBOX, [NewMessage(content, frozenset(), None)])
    selected = await select(store)
    (card,) = await selected.read_cards([ONE])
    assert Card(card or b"").envelope == Card(make_card(scan(SMALL))).envelope
    selected.close()


@pytest_twisted.ensureDeferred
async def test_messages_of_one_spool_are_stored_each_by_itself(
    open_store: Opener,
) -> None:
    """What came one behind the other, in memory or in a file, is what is read."""
    store = await open_store()
    account = await account_of(store)
    spool = store.new_spool()
    messages = [SMALL, LARGE, MANY_PARTS, LARGE + b"!", SMALL + b"x" * MEMORY_LIMIT]
    new = []
    for message in messages:
        for at in range(0, len(message), 10_000):
            await spool.write(message[at : at + 10_000])
        new.append(NewMessage(await spool.finish(), frozenset(), None))
    await account.append(INBOX, new)
    for each in new:
        each.content.discard()
    selected = await select(store)
    uids = [Uid(number) for number in range(1, 6)]
    pieces = [
        Piece(*each) for each in zip(uids, [0] * 5, map(len, messages), strict=True)
    ]
    assert await selected.read(pieces) == messages
    assert await selected.read_cards(uids) == [make_card(scan(m)) for m in messages]
    selected.close()


def test_what_takes_its_time_is_known_before() -> None:
    """Long headers and many parts are not looked at in the reactor's thread."""
    maker = CardMaker()
    assert maker.is_quick(SMALL)
    assert maker.is_quick(b"")
    assert maker.is_quick(b"Subject: x\r\n\r\n" + b"x" * MEMORY_LIMIT)
    assert not maker.is_quick(MANY_PARTS)
    assert not maker.is_quick(b"To: " + b"a@b, " * 20_000)


@pytest_twisted.ensureDeferred
async def test_a_slow_one_is_made_in_a_thread(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reactor doesn't wait while a message with many parts is taken apart."""
    where: list[threading.Thread] = []

    def make(root: Any) -> bytes:
        where.append(threading.current_thread())
        return make_card(root)

    monkeypatch.setattr(cards, "make_card", make)
    store = await open_store()
    for message, in_main in ((SMALL, True), (MANY_PARTS, False), (LARGE, False)):
        content = await spooled(store, message)
        content.discard()
        assert (where.pop() is threading.main_thread()) is in_main
    assert not where


@pytest_twisted.ensureDeferred
async def test_a_bug_costs_the_card_and_not_the_message(
    open_store: Opener,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[LogEvent],
) -> None:
    """A message that can't be taken apart is stored, and is one opaque part."""

    def fail(root: Part) -> bytes:
        if not root.opaque:
            raise ZeroDivisionError
        return make_card(root)

    monkeypatch.setattr(cards, "make_card", fail)
    store = await open_store()
    await account_of(store)
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find("bob")
    for uid, message in ((ONE, SMALL), (Uid(2), LARGE)):
        content = await spooled(store, message)
        assert (await deliveries.deliver(recipient, b"", content)).uid == uid
        content.discard()
    selected = await select(store)
    assert await selected.read_cards([ONE, Uid(2)]) == [None, None]
    card = Card(await selected.make_card(ONE) or b"")
    assert card.body.startswith(b'("application" "octet-stream" ')
    assert card.envelope == b"(%b)" % b" ".join([b"NIL"] * 10)
    assert len(logged_errors) == 3, "each time it is told to the log"
    logged_errors.clear()
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_card_is_made_anew(open_store: Opener) -> None:
    """A message that was stored without a card has the one it would have had."""
    store = await open_store()
    await account_of(store)
    for message in (SMALL, LARGE):
        await deliver(store, body=message)
    selected = await select(store)
    assert await selected.read_cards([ONE, Uid(2)]) == [None, None]
    for uid, message in ((ONE, SMALL), (Uid(2), LARGE)):
        assert await selected.make_card(uid) == make_card(scan(message))
    selected.close()


async def flip(store: Store, uid: Uid, at: int) -> None:
    """Change one octet of a stored message; before its first, of its card."""
    mailbox = await mailbox_of(store)
    columns = mailbox.state.columns
    place = columns.place(columns.row_of(uid))
    flip_at(store, mailbox, place, at)


def flip_at(store: Store, mailbox: OpenMailbox, place: Place, at: int) -> None:
    files = disk_of(store)
    fd = files.open(f"{mailbox.directory}/log.{place.segment}", Mode.WRITE)
    octet = files.pread(fd, 1, place.offset + at)
    files.pwrite(fd, bytes([octet[0] ^ 1]), place.offset + at)
    files.close(fd)


@pytest_twisted.ensureDeferred
async def test_no_card_is_made_of_what_was_not_stored(open_store: Opener) -> None:
    """Of octets that are not what was stored no card is made; a broken one is."""
    store = await open_store()
    account = await account_of(store)
    for message in (SMALL, LARGE):
        content = await spooled(store, message)
        await account.append(INBOX, [NewMessage(content, frozenset(), None)])
        content.discard()
    selected = await select(store)
    await flip(store, ONE, -1)
    assert await selected.read_cards([ONE]) == [None]
    assert await selected.make_card(ONE) == make_card(scan(SMALL))
    for uid, message in ((ONE, SMALL), (Uid(2), LARGE)):
        await flip(store, uid, len(message) - 1)
        assert await selected.make_card(uid) is None
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_large_message_is_checked_once(open_store: Opener) -> None:
    """Before a large message is told in pieces all of it is compared with its CRCs."""
    store = await open_store()
    await account_of(store)
    for _ in range(2):
        await deliver(store, body=LARGE)
    await deliver(store, body=SMALL)
    selected = await select(store)
    await flip(store, Uid(2), len(LARGE) - 1)
    reads: list[str] = []
    disk_of(store).steer = lambda method, _: reads.append(method)
    assert [await selected.is_intact(uid) for uid in (ONE, Uid(2))] == [True, False]
    assert "pread" in reads
    reads.clear()
    assert await selected.is_intact(ONE)
    assert await selected.is_intact(Uid(3)), "it is checked whenever it is read"
    assert reads == ["pread"], "of the head: it may have moved, or gone"
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_large_message_that_is_gone_is_checked_again(
    open_store: Opener,
) -> None:
    """What was intact and is punched out is told to nobody as zeros."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    for _ in range(2):
        await deliver(store, body=LARGE)
    told = await select(store)
    assert [await told.is_intact(uid) for uid in (ONE, Uid(2))] == [True, True]
    expunger = await select(other)
    await expunger.set_flags([ONE], FlagChange.ADD, frozenset({"\\Deleted"}))
    await expunger.expunge()
    assert await told.is_intact(ONE), "it is there for a grace time"
    mailbox = await mailbox_of(other)
    (grave,) = mailbox.state.graves.each()
    files = disk_of(other)
    fd = files.open(f"{mailbox.directory}/log.{grave.segment}", Mode.WRITE)
    files.pwrite(fd, bytes(grave.size), grave.offset)
    files.close(fd)
    assert [await told.is_intact(uid) for uid in (ONE, Uid(2))] == [False, True]
    for session in (told, expunger):
        session.close()


@pytest_twisted.ensureDeferred
async def test_a_message_that_moved_is_found(open_store: Opener) -> None:
    """Who reads at a place that another process gave back looks for the new one."""
    store, other = await open_store(), await open_store()
    account = await account_of(other)
    for body in (SMALL, LARGE, SMALL):
        content = await spooled(other, body)
        await account.append(INBOX, [NewMessage(content, frozenset(), None)])
        content.discard()
    selected = await select(store)
    mailbox = await mailbox_of(other)
    await mailbox.sync()
    columns = mailbox.state.columns
    rows = [columns.row_of(uid) for uid in (1, 2)]
    old = [columns.place(row) for row in rows]
    await other.drivers.write.run(
        write_again(mailbox.directory, mailbox.state, other.settings, rows)
    )
    for place in (*old, columns.place(columns.row_of(3))):
        for at in (-1, place.size - 1):
            flip_at(store, mailbox, place, at)
    assert await selected.is_intact(Uid(2))
    pieces = [Piece(Uid(uid), 5, 9) for uid in (1, 2, 3)]
    assert await selected.read(pieces) == [SMALL[5:14], LARGE[5:14], None]
    uids = [Uid(1), Uid(2), Uid(3)]
    assert await selected.read_cards(uids) == [
        make_card(scan(SMALL)),
        make_card(scan(LARGE)),
        None,
    ]
    assert await selected.read_through(pieces[0], len) == 9
    selected.close()


def test_a_content_in_memory_may_have_its_card() -> None:
    """What is in memory already may come with its card."""
    assert MemoryContent(b"abc", b"card").card == b"card"
