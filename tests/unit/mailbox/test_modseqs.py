"""Modseqs as a session is told them: RFC 7162 §3.1."""

import numpy as np
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.model.numbers import ModSeq
from tests.support.mail_store import Opener, Stall, account_of, deliver, disk_of
from tests.support.waiting import until

SEEN = frozenset({"\\Seen"})
DELETED = frozenset({"\\Deleted"})


async def two(open_store: Opener):
    """Return sessions of two processes, on a mailbox of three messages."""
    stores = [await open_store() for _ in range(2)]
    accounts = [await account_of(store) for store in stores]
    for _ in range(3):
        await deliver(stores[0])
    sessions = [await each.select(INBOX, read_only=False) for each in accounts]
    for session in sessions:
        await session.sync(may_expunge=True)
    return stores[0], *sessions


@pytest_twisted.ensureDeferred
async def test_what_others_changed_is_left_alone(open_store: Opener) -> None:
    """A STORE UNCHANGEDSINCE changes what nobody changed, though it comes later."""
    store, mine, far = await two(open_store)
    # What SELECT notes of what is recent holds no lock any more behind this.
    await mine.set_flags([3], FlagChange.ADD, SEEN)
    known = mine.highestmodseq
    disk_of(store).steer = stall = Stall("try_lock", "/mailboxes/")
    storing = ensureDeferred(
        mine.set_flags([1, 2], FlagChange.ADD, DELETED, unchanged_since=known)
    )
    await until(lambda: stall.stopped)
    await far.set_flags([2], FlagChange.ADD, SEEN)
    stall.end()
    assert await storing == [2]
    marks = [flags for _, _, (flags, _, _) in mine.marks_by_uid([range(1, 4)])]
    await far.sync(may_expunge=True)
    assert marks == [each[2][0] for each in far.marks_by_uid([range(1, 4)])]
    assert [bool(flags & 4) for flags in marks] == [True, False, False]
    mine.close()
    far.close()


@pytest_twisted.ensureDeferred
async def test_what_waits_holds_highestmodseq_back(open_store: Opener) -> None:
    """While an expunge waits to be told HIGHESTMODSEQ stays, whatever comes behind."""
    _, mine, far = await two(open_store)
    await far.set_flags([1], FlagChange.ADD, DELETED)
    await mine.sync(may_expunge=True)
    before = mine.highestmodseq
    await far.expunge()
    await far.set_flags([2], FlagChange.ADD, SEEN)
    assert len(await mine.sync(may_expunge=False)) == 1
    assert mine.highestmodseq == before
    (row,) = mine.messages_of(np.array([2], np.uint32))
    assert row.modseq > before
    await mine.sync(may_expunge=True)
    await far.sync(may_expunge=True)
    assert mine.highestmodseq == far.highestmodseq >= row.modseq
    mine.close()
    far.close()


@pytest_twisted.ensureDeferred
async def test_modseqs_of_many_at_once(open_store: Opener) -> None:
    """What changed since a modseq, and the greatest of some, is what rows say."""
    _, mine, far = await two(open_store)
    await mine.set_flags([2], FlagChange.ADD, SEEN)
    rows = list(mine.by_uid([range(1, 4)]))
    uids = np.array([row.uid for row in rows], np.uint32)
    assert mine.greatest_modseq(uids) == rows[1].modseq
    for modseq in range(max(row.modseq for row in rows) + 1):
        newer = [row.uid for row in rows if row.modseq > modseq]
        assert mine.changed_since(uids, ModSeq(modseq)).tolist() == newer
    mine.close()
    far.close()
