"""Facts of an account and of its mailboxes: quota, rights, annotations, keys."""

from pathlib import Path

import pytest
import pytest_twisted

from imapbox.index.segment import SegmentHeader, segment_numbers
from imapbox.model.errors import NoSuchMailbox
from imapbox.model.names import INBOX, mailbox_name
from imapbox.store.account import AccountLog
from imapbox.store.layout import account_directory
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener

WORK = mailbox_name("Work")


async def log_of(store: Store) -> AccountLog:
    await store.create_account(BOB)
    log = await store.account(BOB)
    await log.sync()
    return log


def headers(root: Path) -> list[int]:
    """Return the features of the account's segments, oldest first."""
    directory = root / "store" / account_directory(BOB)
    found: list[int] = []
    for number in segment_numbers([path.name for path in directory.iterdir()]):
        header = SegmentHeader.decode((directory / f"log.{number}").read_bytes())
        assert header is not None
        found.append(header.features)
    return found


@pytest_twisted.ensureDeferred
async def test_facts_are_kept(open_store: Opener, tmp_path: Path) -> None:
    """A fact of a mailbox or of the account is known to all, until it is removed.

    The first one begins a segment that an older imapbox refuses to read; until
    then it reads the account.
    """
    one, other = await log_of(await open_store()), await log_of(await open_store())
    inbox = one.named(INBOX).mailbox_id
    await one.create(WORK)
    assert headers(tmp_path) == [0]
    await one.set_meta({"quota": b"1", "none": b""})
    await other.set_meta({"acl": b"bob lr"}, inbox)
    assert headers(tmp_path) == [0, 1]
    for log in (one, other, await log_of(await open_store())):
        await log.sync()
        assert (log.meta(), log.meta(inbox)) == ({"quota": b"1"}, {"acl": b"bob lr"})
    await one.set_meta({"quota": b""})
    await other.sync()
    assert other.meta() == {}


@pytest_twisted.ensureDeferred
async def test_facts_go_with_their_mailbox(open_store: Opener) -> None:
    """Facts stay with a mailbox that is renamed, and go when it is deleted."""
    log = await log_of(await open_store())
    work = await log.create(WORK)
    await log.set_meta({"acl": b"ana lr"}, work)
    await log.rename(WORK, mailbox_name("Play"))
    assert log.meta(work) == {"acl": b"ana lr"}
    await log.delete(mailbox_name("Play"))
    assert log.meta(work) == {}
    with pytest.raises(NoSuchMailbox):
        await log.set_meta({"acl": b"ana lr"}, work)
