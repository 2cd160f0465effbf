"""A session's sight of a mailbox: what it may see, change, and is told."""

import errno
import threading
import tracemalloc
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.task import Clock

from imapbox.mailbox.selected import Selected
from imapbox.mailbox.updates import Exists, Expunged, FlagsChanged, KeywordsDefined
from imapbox.mailbox.values import Piece
from imapbox.model.errors import MailboxGone, MailboxReadOnly
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.names import INBOX, mailbox_name
from imapbox.model.numbers import NoSuchMessage, Seq, Uid
from imapbox.store.open_mailbox import POLL_SECONDS
from imapbox.store.restored import renew_mailboxes
from imapbox.store.store import Store
from tests.support.forgetful import forgetful
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    account_of,
    deliver,
    disk_of,
    new_message,
)
from tests.support.waiting import reactor, turn, until

SEEN = frozenset({"\\Seen"})


async def select(store: Store, *, read_only: bool = False) -> Selected:
    return await (await account_of(store)).select(INBOX, read_only=read_only)


def uids(selected: Selected) -> list[int]:
    return [each.uid for each in selected.by_seq([range(1, selected.exists + 1)])]


@pytest_twisted.ensureDeferred
async def test_a_noop_after_a_delivery_tells_it(open_store: Opener) -> None:
    """Whatever process delivers, the next sync tells it, every single time."""
    stores = [await open_store() for _ in range(3)]
    sessions = [await select(store) for store in stores]
    for number in range(1, 61):
        await deliver(stores[number % 3])
        for session in sessions:
            updates = await session.sync(may_expunge=bool(number % 2))
            assert [each.count for each in updates if isinstance(each, Exists)] == [
                number
            ]
    for session in sessions:
        assert uids(session) == list(range(1, 61))
        session.close()


@pytest_twisted.ensureDeferred
async def test_examine_changes_nothing(open_store: Opener) -> None:
    """What was opened with EXAMINE can't be changed, and stays recent."""
    store = await open_store()
    account = await account_of(store)
    await deliver(store)
    selected = await account.select(INBOX, read_only=True)
    assert selected.read_only
    with pytest.raises(MailboxReadOnly):
        await selected.set_flags([1], FlagChange.ADD, SEEN)
    with pytest.raises(MailboxReadOnly):
        await selected.expunge()
    assert (selected.recent, selected.exists) == (1, 1)
    again = await account.select(INBOX, read_only=False)
    assert again.recent == 1
    for each in (selected, again):
        each.close()


@pytest_twisted.ensureDeferred
async def test_messages_are_recent_to_one_session(open_store: Opener) -> None:
    """What one session was told as recent is not recent to the next one."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await deliver(store)
    first = await account.select(INBOX, read_only=False)
    await until(lambda: not store.drivers.write.runs)
    second = await select(other)
    await deliver(store)
    await first.sync(may_expunge=True)
    assert (first.recent, second.recent) == (2, 0)
    assert [each.recent for each in first.by_seq([range(1, 3)])] == [True, True]
    assert (await account.status(INBOX)).recent == 1
    for each in (first, second):
        each.close()


@pytest_twisted.ensureDeferred
async def test_what_comes_later_is_recent_to_one_session_too(
    open_store: Opener,
) -> None:
    """What a session was told of while it was there is not recent to the next one."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await deliver(store)
    first, looker = await select(store), await select(store, read_only=True)
    for _ in range(2):
        await deliver(other)
        for each in (first, looker):
            await each.sync(may_expunge=True)
    await deliver(other)
    await until(lambda: not store.drivers.write.runs)
    before = first.highestmodseq
    looker.close()
    assert (await account.status(INBOX)).recent == 3
    first.close()
    await until(lambda: not store.drivers.write.runs)
    second = await select(other)
    assert (second.exists, second.recent) == (4, 1)
    assert second.highestmodseq <= before + 2, "one write, and the last delivery"
    second.close()


@pytest_twisted.ensureDeferred
async def test_who_comes_back_at_once_finds_nothing_recent(open_store: Opener) -> None:
    """Sessions of one process need not wait until it is written what is recent."""
    store = await open_store()
    account = await account_of(store)
    await deliver(store)
    first = await account.select(INBOX, read_only=False)
    again = await account.select(INBOX, read_only=False)
    assert (first.recent, again.recent) == (1, 0)
    again.close()
    await deliver(store)
    await first.sync(may_expunge=True)
    first.close()
    again = await account.select(INBOX, read_only=False)
    assert (again.exists, again.recent) == (2, 0)
    assert (await account.status(INBOX)).recent == 0
    again.close()


@pytest_twisted.ensureDeferred
async def test_what_is_recent_never_comes_back(open_store: Opener) -> None:
    """A session that leaves late makes nothing recent that others were told of."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    first = await select(store)
    await deliver(store)
    await first.sync(may_expunge=True)
    await deliver(store)
    second = await select(other)
    await until(lambda: not other.drivers.write.runs)
    assert second.recent == 2
    first.close()
    await until(lambda: not store.drivers.write.runs)
    assert (await account.status(INBOX)).recent == 0
    second.close()


@pytest_twisted.ensureDeferred
async def test_ranges_of_positions_and_uids(open_store: Opener) -> None:
    """Positions must exist; UIDs that don't are passed over."""
    store = await open_store()
    account = await account_of(store)
    await account.append(INBOX, [new_message(bytes([65 + n])) for n in range(6)])
    selected = await account.select(INBOX, read_only=False)
    await selected.set_flags([2, 5], FlagChange.ADD, frozenset({"\\Deleted"}))
    await selected.expunge()
    await selected.sync(may_expunge=True)
    assert uids(selected) == [1, 3, 4, 6]
    by_seq = selected.by_seq([range(2, 4), range(1, 2), range(3, 3)])
    assert [(each.seq, each.uid) for each in by_seq] == [(2, 3), (3, 4), (1, 1)]
    by_uid = selected.by_uid([range(2, 2**32), range(1, 2), range(5, 6), range(0)])
    assert [(each.seq, each.uid) for each in by_uid] == [(2, 3), (3, 4), (4, 6), (1, 1)]
    for wrong in (range(1, 6), range(5), range(9, 10)):
        with pytest.raises(NoSuchMessage):
            selected.by_seq([range(1, 2), wrong])
    assert await selected.read([Piece(4, 0, 9), Piece(1, 1, 9)]) == [b"D", b""]
    selected.close()


@pytest_twisted.ensureDeferred
async def test_the_first_unseen(open_store: Opener) -> None:
    r"""The first message without \Seen has this position, if there is one."""
    store = await open_store()
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=False)
    assert selected.first_unseen() is None
    await account.append(
        INBOX, [new_message(b"1", "\\Seen"), new_message(b"2"), new_message(b"3")]
    )
    await selected.sync(may_expunge=True)
    assert selected.first_unseen() == 2
    await selected.set_flags([2, 3], FlagChange.ADD, SEEN)
    assert selected.first_unseen() is None
    assert (await account.status(INBOX)).unseen == 0
    selected.close()


@pytest_twisted.ensureDeferred
async def test_flags_are_told_to_others_only(open_store: Opener) -> None:
    """Who changes flags knows; other sessions, near and far, are told."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    await deliver(store)
    mine, near, far = await select(store), await select(store), await select(other)
    await mine.set_flags([1], FlagChange.ADD, frozenset({"\\Flagged", "$Work"}))
    (row,) = mine.by_uid([range(1, 2)])
    assert row.flags == Flag.FLAGGED
    assert list(mine.keywords()) == ["$Work"]
    assert [type(each) for each in await mine.sync(may_expunge=True)] == [
        KeywordsDefined
    ]
    for session in (near, far):
        updates = list(await session.sync(may_expunge=False))
        assert [type(each) for each in updates] == [KeywordsDefined, FlagsChanged]
        assert updates[-1].message.flags == Flag.FLAGGED
        assert updates[-1].message.keywords == 1
    await far.set_flags([1], FlagChange.REPLACE, SEEN)
    assert not await far.sync(may_expunge=True)
    for session in (mine, near):
        (update,) = await session.sync(may_expunge=True)
        assert (update.message.flags, update.message.keywords) == (Flag.SEEN, 0)
    for session in (mine, near, far):
        session.close()


@pytest_twisted.ensureDeferred
async def test_flags_of_what_is_gone(open_store: Opener) -> None:
    """Changing the flags of a message that another session expunged does nothing."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    await deliver(store)
    await deliver(store)
    one, two = await select(store), await select(other)
    await two.set_flags([1], FlagChange.ADD, frozenset({"\\Deleted"}))
    await two.expunge()
    await one.set_flags([1, 2], FlagChange.ADD, SEEN)
    assert [each.flags for each in one.by_seq([range(1, 3)])][1] == Flag.SEEN
    assert not await one.sync(may_expunge=False)
    assert one.exists == 2, "positions may not move now"
    assert list(await one.sync(may_expunge=True)) == [Expunged(1)]
    (update,) = [
        each
        for each in await two.sync(may_expunge=True)
        if isinstance(each, FlagsChanged)
    ]
    assert update.message.uid == 2
    for each in (one, two):
        each.close()


@pytest_twisted.ensureDeferred
async def test_flags_are_told_while_an_expunge_waits(open_store: Opener) -> None:
    """What others flag is told even where an EXPUNGE must not be, and only once."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.append(INBOX, [new_message(bytes([65 + n])) for n in range(3)])
    one, two = await select(store), await select(other)
    await two.set_flags([1], FlagChange.ADD, frozenset({"\\Deleted"}))
    await two.expunge()
    await two.set_flags([3], FlagChange.ADD, frozenset({"$Work"}))
    await deliver(store)
    keywords, flags = await one.sync(may_expunge=False)
    assert isinstance(keywords, KeywordsDefined)
    assert isinstance(flags, FlagsChanged)
    assert (flags.message.seq, flags.message.uid) == (3, 3)
    assert not await one.sync(may_expunge=False)
    await two.set_flags([2], FlagChange.ADD, SEEN)
    (flags,) = await one.sync(may_expunge=False)
    assert (flags.message.seq, flags.message.flags) == (2, Flag.SEEN)
    assert list(await one.sync(may_expunge=True)) == [Expunged(1), Exists(3, 3)]
    for each in (one, two):
        each.close()


@pytest_twisted.ensureDeferred
async def test_changes_are_told_bit_by_bit(open_store: Opener) -> None:
    """Of many changes each is made when it is told, with what is true then."""
    store = await open_store()
    account = await account_of(store)
    count = 2500
    await account.append(INBOX, [new_message(b"x")] * count)
    one, two = await select(store), await select(store)
    everyone = range(1, count + 1)
    await two.set_flags(list(everyone), FlagChange.ADD, SEEN)
    updates = await one.sync(may_expunge=True)
    assert len(updates) == count
    telling = iter(updates)
    assert next(telling).message.flags == Flag.SEEN
    await two.set_flags([count], FlagChange.ADD, frozenset({"\\Deleted"}))
    await two.expunge()
    await two.sync(may_expunge=True)
    rest = [each.message for each in telling]
    assert [each.uid for each in rest] == list(everyone)[1:]
    assert [each.seq for each in rest] == list(everyone)[1:]
    assert rest[-1].flags == Flag.SEEN | Flag.DELETED
    assert list(await one.sync(may_expunge=True)) == [Expunged(count)]
    for each in (one, two):
        each.close()


@pytest_twisted.ensureDeferred
async def test_only_what_is_named_is_expunged(open_store: Opener) -> None:
    r"""Of what is \Deleted only the named messages go, wherever they are."""
    store = await open_store()
    account = await account_of(store)
    await account.append(INBOX, [new_message(bytes([65 + n])) for n in range(6)])
    selected = await account.select(INBOX, read_only=False)
    await selected.set_flags([1, 2, 4, 6], FlagChange.ADD, frozenset({"\\Deleted"}))
    await selected.expunge([])
    await selected.expunge([range(3, 4), range(7, 2**32)])
    assert not await selected.sync(may_expunge=True)
    await selected.expunge([range(2, 4), range(6, 2**32)])
    assert list(await selected.sync(may_expunge=True)) == [Expunged(6), Expunged(2)]
    assert uids(selected) == [1, 3, 4, 5]
    assert (await account.status(INBOX)).deleted == 2
    selected.close()


@pytest_twisted.ensureDeferred
async def test_only_what_was_told_is_expunged(open_store: Opener) -> None:
    """EXPUNGE does not remove messages that the client was not told of."""
    store = await open_store()
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=False)
    await account.append(INBOX, [new_message(b"x", "\\Deleted")])
    await selected.expunge()
    await selected.sync(may_expunge=True)
    assert uids(selected) == [1]
    await selected.expunge()
    await selected.sync(may_expunge=True)
    assert uids(selected) == []
    selected.close()


@pytest_twisted.ensureDeferred
async def test_nothing_asked_for_is_nothing_done(open_store: Opener) -> None:
    """Flags of no message, and an EXPUNGE of nothing, write nothing."""
    store = await open_store()
    await account_of(store)
    await deliver(store)
    selected = await select(store)
    await until(lambda: not store.drivers.write.runs)
    disk_of(store).syncs.clear()
    await selected.set_flags([], FlagChange.ADD, SEEN)
    await selected.set_flags([1], FlagChange.REMOVE, SEEN)
    await selected.expunge()
    assert disk_of(store).syncs == []
    selected.close()


@pytest_twisted.ensureDeferred
async def test_waiting_for_news(open_store: Opener) -> None:
    """Who waits for news is woken by any process's delivery, each time."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    waiting, second = await select(store), await select(store)
    for number in range(1, 6):
        changed = [waiting.changed(), second.changed()]
        await turn()
        assert not any(each.called for each in changed)
        await deliver((store, other)[number % 2])
        for each in changed:
            await each.addTimeout(2, reactor)
        await waiting.sync(may_expunge=True)
        await second.sync(may_expunge=True)
        assert waiting.exists == second.exists == number
    for each in (waiting, second):
        each.close()


@pytest_twisted.ensureDeferred
async def test_what_came_before_the_wait_is_news(open_store: Opener) -> None:
    """What came between a sync and the wait for news ends the wait at once."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    waiting, second = await select(store), await select(store)
    await deliver(other)
    await waiting.changed().addTimeout(2, reactor)
    await waiting.sync(may_expunge=True)
    # The process knows it by now; the second session was not told.
    await second.changed().addTimeout(2, reactor)
    assert len(await second.sync(may_expunge=True)) == 1
    for each in (waiting, second):
        each.close()


@pytest_twisted.ensureDeferred
async def test_without_inotify_the_poll_finds_it(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no hint comes, news is found by the next poll, on a jittered clock."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    waiting = await select(store)
    monkeypatch.setattr(store.drivers.watch, "listen", lambda *_: lambda: None)
    monkeypatch.setattr(store.drivers, "reactor", clock := Clock())
    for number in range(1, 6):
        changed = waiting.changed()
        clock.advance(POLL_SECONDS * 1.3)
        assert not changed.called
        assert len(clock.getDelayedCalls()) == 1
        await deliver(other)
        clock.advance(POLL_SECONDS * 1.3)
        assert changed.called
        # Who waits again at once has one poll, not two.
        assert len(await waiting.sync(may_expunge=True)) == 1
        assert clock.getDelayedCalls() == []
        assert waiting.exists == number
    waiting.close()


@pytest_twisted.ensureDeferred
async def test_waiting_again_at_once_makes_one_poll(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that waits again as soon as it is woken has one timer."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    waiting = await select(store)
    monkeypatch.setattr(store.drivers.watch, "listen", lambda *_: lambda: None)
    monkeypatch.setattr(store.drivers, "reactor", clock := Clock())

    async def idle() -> None:
        while True:
            changed = waiting.changed()
            await waiting.sync(may_expunge=True)
            await changed

    idling = ensureDeferred(idle())
    for _ in range(5):
        await deliver(other)
        clock.advance(POLL_SECONDS * 1.3)
        assert len(clock.getDelayedCalls()) == 1
    assert waiting.exists == 5
    idling.cancel()
    with pytest.raises(CancelledError):
        await idling
    assert clock.getDelayedCalls() == []
    waiting.close()


@pytest_twisted.ensureDeferred
async def test_a_wait_that_is_cancelled_leaves_nothing(open_store: Opener) -> None:
    """Who stops waiting leaves no timer and no watch."""
    store = await open_store()
    await account_of(store)
    selected = await select(store)
    await until(lambda: not store.drivers.write.runs)
    path = selected._mailbox.log.head_path
    before = set(reactor.getDelayedCalls())
    changed = [selected.changed() for _ in range(3)]
    assert store.drivers.watch.listens_to(path)
    for each in changed:
        each.cancel()
        with pytest.raises(CancelledError):
            await each
    assert not store.drivers.watch.listens_to(path)
    assert set(reactor.getDelayedCalls()) == before
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_mailbox_made_again_is_not_the_one_selected(
    open_store: Opener,
) -> None:
    """A session of a deleted mailbox ends, though its name is there again."""
    store, other = await open_store(), await open_store()
    name = mailbox_name("a")
    account, another = await account_of(store), await account_of(other)
    await account.create(name)
    selected = await account.select(name, read_only=False)
    near = await another.select(name, read_only=True)
    await another.delete(name)
    await another.create(name)
    for session in (selected, near):
        with pytest.raises(MailboxGone):
            await session.sync(may_expunge=True)
        session.close()


@pytest_twisted.ensureDeferred
async def test_a_renamed_mailbox_stays_selected(open_store: Opener) -> None:
    """A rename ends no session: it sees new mail under the new name."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.create(mailbox_name("a"))
    selected = await account.select(mailbox_name("a"), read_only=False)
    await (await account_of(other)).rename(mailbox_name("a"), mailbox_name("b"))
    await deliver(other, "bob+b")
    assert len(await selected.sync(may_expunge=True)) == 1
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_new_uidvalidity_ends_a_session(open_store: Opener) -> None:
    """Who knows a mailbox under another UIDVALIDITY must select it again."""
    store, other = await open_store(), await open_store()
    selected = await select(store)
    await deliver(store)
    before = selected.uidvalidity
    renewal = renew_mailboxes(BOB, bytes(16), other.settings)
    assert not (await other.drivers.write.run(renewal)).failed
    with pytest.raises(MailboxGone):
        await selected.sync(may_expunge=True)
    again = await select(store)
    assert again.uidvalidity > before
    assert again.exists == 1


@pytest_twisted.ensureDeferred
async def test_closing_twice_is_closing(open_store: Opener) -> None:
    """A session may be closed twice, and changes are then forgotten."""
    store = await open_store()
    account = await account_of(store)
    selected, slow = await select(store), await select(store)
    for _ in range(5):
        await deliver(store)
        await selected.sync(may_expunge=True)
    state = selected._mailbox.state
    assert len(state.changes) == 5, "the slow one was not told"
    slow.close()
    slow.close()
    assert not state.changes
    assert (await account.status(INBOX)).messages == 5
    selected.close()
    await deliver(store)
    assert (await account.status(INBOX)).messages == 6
    assert state.counts.exists == 6
    assert not state.changes, "nobody wants to be told"


@pytest_twisted.ensureDeferred
async def test_who_wants_to_know_nothing_costs_little(open_store: Opener) -> None:
    """A session that is told nothing for long makes nobody hold all that happens.

    Rows of what came and went go, too. Once it looks, it is told the rest.
    """
    with forgetful(10):
        store = await open_store()
        silent, busy = await select(store), await select(store)
        for _ in range(3):
            await deliver(store)
        await silent.sync(may_expunge=True)
        state = silent._mailbox.state
        for number in range(4, 34):
            await silent.set_flags([2], list(FlagChange)[number % 2], SEEN)
            await deliver(store)
            await busy.sync(may_expunge=True)
            gone = [1, number] if number == 4 else [number]
            await busy.set_flags(gone, FlagChange.ADD, frozenset({"\\Deleted"}))
            await busy.expunge()
            assert len(state.changes) <= 10
            assert len(silent._told) <= 10
            assert state.columns.dead < 15
        assert uids(silent) == [1, 2, 3], "what it shows is as it was"
        await deliver(store)
        expunged, exists, flags = await silent.sync(may_expunge=True)
        assert expunged == Expunged(Seq(1))
        assert exists == Exists(3, 3)
        assert isinstance(flags, FlagsChanged)
        assert uids(silent) == [2, 3, 34]
        await busy.sync(may_expunge=True)
        assert not state.changes
        assert not silent._told
        silent.close()
        busy.close()


@pytest_twisted.ensureDeferred
async def test_a_second_session_costs_little(open_store: Opener) -> None:
    """Further sessions on a mailbox of 20,000 messages cost a few KiB each."""
    store = await open_store()
    account = await account_of(store)
    message = new_message(b"x")
    for _ in range(4):
        await account.append(INBOX, [message] * 5000)
    sessions = [await account.select(INBOX, read_only=True)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            sessions.append(await account.select(INBOX, read_only=True))
            await sessions[-1].sync(may_expunge=True)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 50 < 4096
    assert all(session.exists == 20_000 for session in sessions)
    first: Any = next(sessions[-1].by_seq([range(20_000, 20_001)]))
    assert first.uid == 20_000
    for session in sessions:
        session.close()


@pytest_twisted.ensureDeferred
async def test_work_is_done_where_octets_are_read(open_store: Opener) -> None:
    """What takes long is done on octets in a thread, and on no others."""
    store = await open_store()
    await account_of(store)
    await deliver(store, body=b"Subject: hi\r\n\r\nbody\r\n")
    selected = await select(store)

    def work(octets: bytes) -> tuple[bytes, bool]:
        main = threading.main_thread()
        return octets, threading.current_thread() is main

    piece = Piece(Uid(1), 9, 2)
    assert await selected.read_through(piece, work) == (b"hi", False)
    disk_of(store).steer = Fail("open", "/log.", errno.ENOENT)
    assert await selected.read_through(piece, work) is None
    selected.close()
