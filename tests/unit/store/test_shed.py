"""An account's log gives back what its BASE says again: see `index.shed`."""

import errno
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import pytest_twisted

from imapbox.index import shed
from imapbox.index.segment import segment_numbers
from imapbox.model.errors import MailboxGone, NoSuchMailbox
from imapbox.model.names import INBOX, mailbox_name
from imapbox.store.check import StoreCheck
from imapbox.store.layout import account_directory
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    account_of,
    deliver,
    disk_of,
)

A, B = mailbox_name("a"), mailbox_name("b")
_NUMBERS = count()


@pytest.fixture(autouse=True)
def little() -> Iterator[None]:
    """Segments are full after a few changes."""
    with patch.object(shed, "LEAST", 2000):
        yield


def segments(store: Store) -> list[int]:
    directory = Path(store.root) / account_directory(BOB)
    return sorted(segment_numbers([path.name for path in directory.iterdir()]))


async def change(store: Store, account: Any) -> None:
    """Change an account so often that no segment is left of those that were."""
    there = segments(store)
    while set(segments(store)) & set(there):
        name = mailbox_name(f"some name {next(_NUMBERS)}")
        await account.subscribe(name)
        await account.unsubscribe(name)


@pytest_twisted.ensureDeferred
async def test_an_account_takes_little_room(open_store: Opener) -> None:
    """However often it was changed, two segments are kept, and say all.

    Who read the account before, and not since, reads it anew.
    """
    here, there = await open_store(), await open_store()
    account, other = await account_of(here), await account_of(there)
    await account.create(A)
    await account.subscribe(A)
    assert A in [each.name for each in await other.mailboxes()]
    for _ in range(3):
        await change(here, account)
        assert len(segments(here)) <= shed.KEPT
    await account.create(B)
    for known in (other, await account_of(await open_store())):
        listed = {each.name: each for each in await known.mailboxes()}
        assert {A, B, INBOX} <= set(listed)
        assert listed[A].subscribed
        assert not listed[B].subscribed
    assert list(StoreCheck(here.drivers.filesystem).run()) == []


@pytest_twisted.ensureDeferred
async def test_mail_comes_and_moves_behind_it(open_store: Opener) -> None:
    """Who knows a mailbox from an account's segment that is gone may write to it.

    If it was deleted meanwhile, he is told so.
    """
    here, there = await open_store(), await open_store()
    account, other = await account_of(here), await account_of(there)
    await account.create(A)
    await account.create(B)
    await deliver(there)
    inbox, a, b = [await other.select(name, read_only=False) for name in (INBOX, A, B)]
    await change(here, account)
    await deliver(there)
    await inbox.copy([1], A)
    await inbox.move([1], A)
    assert (await other.select(A, read_only=True)).exists == 2
    await change(here, account)
    await account.delete(A)
    await change(here, account)
    with pytest.raises((MailboxGone, NoSuchMailbox)):
        await inbox.move([2], A)
    with pytest.raises(MailboxGone):
        await a.sync(may_expunge=True)
    await b.sync(may_expunge=True)


@pytest_twisted.ensureDeferred
async def test_what_can_not_be_removed_stays(open_store: Opener) -> None:
    """A disk that removes nothing makes no change fail; the next one may do it."""
    store = await open_store()
    account = await account_of(store)
    fail = Fail("unlink", "account/", errno.EIO)
    disk_of(store).steer = fail
    for number in range(100):
        await account.subscribe(mailbox_name(f"n{number}"))
        await account.unsubscribe(mailbox_name(f"n{number}"))
    assert len(segments(store)) > shed.KEPT
    fail.failing = False
    await change(store, account)
    assert len(segments(store)) == shed.KEPT
