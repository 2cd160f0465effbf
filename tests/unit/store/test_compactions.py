"""Compaction beside sessions, and by itself."""

from typing import Any, Final

import pytest_twisted

from imapbox.index.commit import Log
from imapbox.index.compact import Compacted, compact
from imapbox.index.compact_plan import Policy
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.mailbox.updates import Exists, Expunged, FlagsChanged
from imapbox.mailbox.values import Piece
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, account_of, deliver

SMALL: Final = b"Subject: x\r\n\r\n" + b"x" * 2_500
BODY: Final = b"Subject: x\r\n\r\n" + b"x" * 50_000


async def inbox_of(store: Store) -> str:
    """Return INBOX's directory."""
    account = await account_of(store)
    await account.status(INBOX)
    mailbox_id = (await store.account(account.user)).named(INBOX).mailbox_id
    found: str = store.mailbox(await store.account(account.user), mailbox_id).directory
    return found


async def compacted(store: Store) -> Compacted:
    """Give back all that can be, at once."""
    log = Log(await inbox_of(store), MailboxFacts)
    work = compact(log, store.settings, Policy(grace=0.0, least=0))
    done: Compacted = await store.drivers.write.run(work)
    return done


@pytest_twisted.ensureDeferred
async def test_a_session_outlives_its_place_in_the_log(open_store: Opener) -> None:
    """One who was away while segments went is told the same as all others."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    for _ in range(20):
        await deliver(here, body=SMALL)
    selected: Any = await (await account_of(here)).select(INBOX, read_only=False)
    other: Any = await (await account_of(there)).select(INBOX, read_only=False)
    gone = [2, *range(4, 21)]
    await other.set_flags(gone, FlagChange.ADD, frozenset({"\\Deleted"}))
    await other.expunge()
    await other.set_flags([3], FlagChange.ADD, frozenset({"\\Flagged", "new"}))
    assert (await compacted(there)).relocated == 2
    await compacted(there)
    names = there.drivers.filesystem.list_directory(await inbox_of(there))
    assert "log.1" not in names
    await deliver(there, body=b"a: b\r\n\r\nlast")
    updates = await selected.sync(may_expunge=True)
    expunged = [each.seq for each in updates if isinstance(each, Expunged)]
    exists = [each.count for each in updates if isinstance(each, Exists)]
    flagged = [each.message.uid for each in updates if isinstance(each, FlagsChanged)]
    assert (expunged, exists, flagged) == (gone[::-1], [3], [3])
    assert "new" in selected.keywords()
    (body,) = await selected.read([Piece(3, 0, len(SMALL))])
    assert body == SMALL
    await selected.set_flags([1, 21], FlagChange.ADD, frozenset({"\\Seen"}))
    selected.close()
    other.close()


@pytest_twisted.ensureDeferred
async def test_much_that_is_dead_goes_by_itself(open_store: Opener) -> None:
    """A session's sync is enough, and deliveries go on meanwhile."""
    store = await open_store()
    await store.create_account(BOB)
    store.compactor.least = 100_000
    for _ in range(6):
        await deliver(store, body=BODY)
    selected: Any = await (await account_of(store)).select(INBOX, read_only=False)
    await selected.set_flags([1, 2, 3, 4], FlagChange.ADD, frozenset({"\\Deleted"}))
    await selected.expunge()
    await store.compactor.idle()
    directory = await inbox_of(store)
    assert "log.2" not in store.drivers.filesystem.list_directory(directory)
    # A day later, in the eyes of whoever looks next.
    later = await open_store()
    later.compactor.least = 100_000
    real_now = later.drivers.filesystem.now
    later.drivers.filesystem.now = lambda: real_now() + 25 * 3600
    other: Any = await (await account_of(later)).select(INBOX, read_only=False)
    await deliver(store, body=BODY)
    await other.sync(may_expunge=True)
    await later.compactor.idle()
    assert "log.2" in store.drivers.filesystem.list_directory(directory)
    await selected.sync(may_expunge=True)
    assert [message.uid for message in selected.by_uid([range(1, 99)])] == [5, 6, 7]
    for session in (selected, other):
        session.close()
