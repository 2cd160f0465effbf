"""Snapshots in a store: who makes them, and what happens when they are bad."""

import errno
import operator
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import LogEvent

from imapbox.index.commit import Log
from imapbox.index.compact import compact
from imapbox.index.compact_plan import Policy
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.snapshot import snapshot_names
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.updates import Exists, FlagsChanged
from imapbox.model.errors import MailboxGone, MailError, StoreFailure
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.names import INBOX
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.snapshots import SnapshotMaker
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    account_of,
    deliver,
    disk_of,
    new_message,
)
from tests.support.waiting import until

ALL = [range(1, 1 << 31)]


async def inbox_of(store: Store) -> OpenMailbox:
    account = await store.account(BOB)
    return store.mailbox(account, account.named(INBOX).mailbox_id)


async def select(store: Store, *, read_only: bool = True) -> Selected:
    return await (await account_of(store)).select(INBOX, read_only=read_only)


async def saved(store: Store, messages: int = 12) -> Path:
    """Fill bob's INBOX, and let a snapshot be made; return its path."""
    account = await account_of(store)
    flags = ("\\Seen", "Work")
    await account.append(
        INBOX, [new_message(b"%d" % n, *flags) for n in range(messages)]
    )
    store.snapshots.fewest = messages
    (await select(store)).close()
    await store.snapshots.idle()
    (path,) = snapshots_of(store, await inbox_of(store))
    return path


def snapshots_of(store: Store, mailbox: OpenMailbox) -> list[Path]:
    directory = Path(store.root, mailbox.directory)
    names = [path.name for path in directory.iterdir()]
    return [directory / each.name for each in snapshot_names(names)]


def rows_of(selected: Selected) -> list[Any]:
    return [
        (each.uid, each.flags, each.keywords, each.modseq, each.size)
        for each in selected.by_uid(ALL)
    ]


def is_checked(mailbox: OpenMailbox) -> bool:
    return not any(chunk.unchecked for chunk in mailbox.state.columns.chunks)


async def test_who_follows_a_mailbox_saves_it(open_store: Opener) -> None:
    """Once enough happened a snapshot is made, and the next process opens it."""
    one = await open_store()
    path = await saved(one)
    two = await open_store()
    selected = await select(two)
    mailbox = await inbox_of(two)
    assert mailbox.state.source is not None
    assert mailbox.state.source.name == path.name
    assert rows_of(selected) == rows_of(await select(one))
    assert selected.first_unseen() is None
    await until(lambda: is_checked(mailbox))


async def test_a_small_mailbox_is_not_saved(open_store: Opener) -> None:
    """What is read from the log at once needs no snapshot."""
    store = await open_store()
    await (await account_of(store)).append(INBOX, [new_message()] * 20)
    (await select(store)).close()
    await store.snapshots.idle()
    assert not snapshots_of(store, await inbox_of(store))


async def test_two_processes_make_one(open_store: Opener) -> None:
    """Who finds that another process has just made a snapshot makes none."""
    one, two = await open_store(), await open_store()
    await account_of(one)
    selected = await select(two)
    mailbox = await inbox_of(two)
    first = await saved(one)
    two.snapshots.fewest = 1
    found = []
    for _ in range(2):
        await selected.sync(may_expunge=True)
        await two.snapshots.idle()
        found.append(set(snapshots_of(two, mailbox)) - {first})
        await deliver(one)
    assert not found[0]
    assert found[1], "it makes its own when it is due again"


async def test_what_is_being_made_is_given_up_at_the_end(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends leaves no half snapshot."""
    monkeypatch.setattr("imapbox.store.snapshots._SHORTEST_REST", 1000.0)
    store = await open_store()
    await (await account_of(store)).append(INBOX, [new_message()] * 5)
    store.snapshots.fewest = 1
    (await select(store)).close()
    mailbox = await inbox_of(store)
    await until(lambda: bool(snapshots_of(store, mailbox)))
    await store.stop()
    assert not snapshots_of(store, mailbox)
    store.snapshots.consider(mailbox)
    await store.snapshots.idle()
    assert not snapshots_of(store, mailbox)


@pytest.mark.parametrize("method", ["open", "pwrite"])
async def test_no_room_is_no_snapshot_and_no_harm(
    open_store: Opener, method: str
) -> None:
    """If a snapshot can't be written it is not there, and mail goes on."""
    store = await open_store(steer=Fail(method, "snap.", errno.ENOSPC))
    await (await account_of(store)).append(INBOX, [new_message()] * 5)
    store.snapshots.fewest = 5
    selected = await select(store)
    await store.snapshots.idle()
    assert not snapshots_of(store, await inbox_of(store))
    await deliver(store)
    assert Exists(6, 6) in await selected.sync(may_expunge=True)


def rot(path: Path, column: bytes) -> None:
    """Change a byte of a column in which these bytes lie, behind all CRCs."""
    data = bytearray(path.read_bytes())
    place = data.index(column)
    # In the file, as a bad block does: others have it mapped.
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([data[place] ^ 0xFF]))


async def column_of(store: Store, name: str = "modseq") -> bytes:
    mailbox = await inbox_of(store)
    column: bytes = mailbox.state.columns[name].all().tobytes()
    return column


async def test_a_rotten_snapshot_is_made_good(open_store: Opener) -> None:
    """What is found bad behind SELECT is read from the log; no session notices."""
    one = await open_store()
    path = await saved(one)
    rot(path, await column_of(one))
    two = await open_store()
    selected = await select(two)
    mailbox = await inbox_of(two)
    first = mailbox.state.source
    assert first is not None
    await until(lambda: first.broken)
    await deliver(one)
    updates = await selected.sync(may_expunge=True)
    assert [type(update) for update in updates] == [Exists]
    assert mailbox.state.source is None
    assert rows_of(selected) == rows_of(await select(one))


async def test_a_change_that_meets_rotten_rows_is_told(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag change that can't be applied to bad rows is told all the same."""
    one = await open_store()
    path = await saved(one)
    monkeypatch.setattr(SnapshotMaker, "check", lambda *_: None)
    rot(path, await column_of(one))
    two = await open_store()
    selected = await select(two)
    mailbox = await inbox_of(two)
    with pytest.raises(StoreFailure):
        rows_of(selected)
    flagged = frozenset({"\\Flagged"})
    writer = await select(one, read_only=False)
    await writer.set_flags([3], FlagChange.ADD, flagged)
    await deliver(one)
    updates = await selected.sync(may_expunge=True)
    told = [
        update.message.uid for update in updates if isinstance(update, FlagsChanged)
    ]
    assert told == [3]
    assert mailbox.state.source is None
    assert rows_of(selected) == rows_of(await select(one))
    (row,) = selected.by_uid([range(3, 4)])
    assert row.flags & Flag.FLAGGED


async def compact_now(store: Store) -> None:
    """Write all that lives again at the end, and remove all else."""
    log = Log((await inbox_of(store)).directory, MailboxFacts)
    work = compact(log, store.settings, Policy(grace=0.0, least=0))
    assert (await store.drivers.write.run(work)).removed


async def test_a_rotten_snapshot_of_what_was_compacted_is_made_good(
    open_store: Opener,
) -> None:
    """Though the log begins behind it by now, no session notices anything."""
    one = await open_store()
    path = await saved(one)
    rot(path, await column_of(one, "date"))
    writer = await select(one, read_only=False)
    await writer.set_flags(range(2, 12), FlagChange.ADD, frozenset({"\\Deleted"}))
    await writer.expunge()
    two = await open_store()
    selected = await select(two)
    first = (await inbox_of(two)).state.source
    assert first is not None
    await until(lambda: first.broken)
    await compact_now(one)
    await deliver(one)
    updates = await selected.sync(may_expunge=True)
    assert list(updates) == [Exists(3, 1)]
    assert rows_of(selected) == rows_of(await select(one))


async def test_who_can_not_go_on_ends_and_selects_again(
    open_store: Opener, logged_errors: list[LogEvent]
) -> None:
    """Where nobody can tell whether it is the same mailbox, sessions begin anew."""
    one = await open_store()
    path = await saved(one)
    rot(path, await column_of(one, "emailid"))
    two = await open_store()
    selected = await select(two)
    first = (await inbox_of(two)).state.source
    assert first is not None
    await until(lambda: first.broken)
    writer = await select(one, read_only=False)
    await writer.set_flags(range(2, 12), FlagChange.ADD, frozenset({"\\Deleted"}))
    await writer.expunge()
    await compact_now(one)
    for _ in range(2):
        with pytest.raises(MailboxGone):
            await selected.sync(may_expunge=True)
    assert rows_of(await select(two)) == rows_of(await select(one))
    logged_errors.clear()


async def test_a_snapshot_that_goes_while_it_is_used_is_no_matter(
    open_store: Opener,
) -> None:
    """Its file may be removed at any time: who has it open reads on."""
    one = await open_store()
    path = await saved(one)
    two = await open_store()
    selected = await select(two)
    path.unlink()
    assert rows_of(selected) == rows_of(await select(one))
    three = await open_store()
    assert rows_of(await select(three)) == rows_of(selected)
    assert (await inbox_of(three)).state.source is None


async def test_status_opens_like_select(open_store: Opener) -> None:
    """STATUS of a mailbox that was never opened uses its snapshot, too."""
    one = await open_store()
    await saved(one)
    two = await open_store()
    status = await (await account_of(two)).status(INBOX)
    assert (status.messages, status.unseen, status.recent) == (12, 0, 12)
    assert (await inbox_of(two)).state.source is not None


class Counted:
    """Counts calls by method and kind of file."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def __call__(self, method: str, path: str) -> None:
        self.calls[method, path.rpartition("/")[2].partition(".")[0]] += 1


async def costs(store: Store, work: Callable[[], Any]) -> Counter[tuple[str, str]]:
    """Return the calls that some work makes."""
    counted = Counted()
    disk_of(store).steer = counted
    try:
        await work()
    finally:
        disk_of(store).steer = None
    return counted.calls


@pytest.mark.slow
async def test_a_large_mailbox_costs_what_a_small_one_does(open_store: Opener) -> None:
    """NOOP, delivery and STORE of one make the same calls at any size.

    20,000 messages are more than one chunk; how long it takes is for
    ``benchmarks.million`` to say.
    """
    small, large = [await costs_in_a_mailbox(open_store, n) for n in (100, 20_000)]
    assert small == large


async def costs_in_a_mailbox(open_store: Opener, size: int) -> list[Any]:
    """Return what NOOP, delivery, NOOP with news and STORE call."""
    store = await open_store(name=f"store-{size}")
    account = await account_of(store)
    store.snapshots.fewest = size
    for start in range(0, size, 1000):
        count = min(1000, size - start)
        await account.append(INBOX, [new_message(b"x")] * count)
    (await select(store)).close()
    await store.snapshots.idle()
    again = await open_store(name=f"store-{size}")
    session = await select(again, read_only=False)
    mailbox = await inbox_of(again)
    assert mailbox.state.source is not None
    await until(lambda: is_checked(mailbox))
    await again.snapshots.idle()
    await again.compactor.idle()
    seen = frozenset({"\\Seen"})

    async def noop() -> None:
        await session.sync(may_expunge=True)

    async def change(uid: int) -> None:
        await session.set_flags([uid], FlagChange.ADD, seen)

    await change(8)  # with what SELECT had left to write
    await noop()
    nothing = await costs(again, noop)
    delivery = await costs(store, lambda: deliver(store))
    news = await costs(again, noop)
    before = [chunk.arrays["flags"] for chunk in mailbox.state.columns.chunks]
    stored = await costs(again, lambda: change(7))
    after = [chunk.arrays["flags"] for chunk in mailbox.state.columns.chunks]
    assert all(map(operator.is_, before, after)), "rows were copied"
    return [nothing, delivery, news, stored]


async def test_a_damaged_mailbox_is_not_saved(open_store: Opener) -> None:
    """Of a log that is broken no snapshot is made."""
    one = await open_store()
    await (await account_of(one)).append(INBOX, [new_message()] * 8)
    log = Path(one.root, (await inbox_of(one)).directory, "log.1")
    rot(log, b"IBF0")  # the first frame
    two = await open_store()
    two.snapshots.fewest = 1
    with suppress(MailError):
        await select(two)
    await two.snapshots.idle()
    assert not snapshots_of(two, await inbox_of(two))
