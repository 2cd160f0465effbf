"""Names and rights that change while a command of somebody else's is under way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from imapbox.mailbox.access import Visitor
from imapbox.mailbox.sharing_account import SharingAccount, open_sharing_account
from imapbox.model.errors import MailError, NoSuchMailbox, NotPermitted
from imapbox.model.names import MailboxName, UserName, mailbox_name
from imapbox.model.rights import RightsChange, Sign, named_rights
from imapbox.store.account import AccountLog
from imapbox.store.shares import Shares, owners_for
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, Stall, disk_of, new_message
from tests.support.waiting import until

ANA, EVE = UserName("ana"), UserName("eve")
WORK, SECRET, OLD = map(mailbox_name, ("Work", "Secret", "Old"))
THEIRS, TOP = map(mailbox_name, ("Other Users/bob/Work", "Other Users/bob/Top"))
NOTE = "/shared/comment"

Work: TypeAlias = Callable[[SharingAccount], Awaitable[object]]


def give(letters: str) -> RightsChange:
    return RightsChange(Sign.REPLACE, named_rights(letters))


async def both(open_store: Opener) -> tuple[SharingAccount, SharingAccount, Store]:
    """Return Bob's mail and, in another process, Ana's; and what that process has."""
    bob = await open_sharing_account(await open_store(), Visitor(BOB))
    elsewhere = await open_store()
    return bob, await open_sharing_account(elsewhere, Visitor(ANA)), elsewhere


async def outcome(work: Awaitable[object]) -> object:
    try:
        return await work
    except MailError as error:
        return type(error)


@asynccontextmanager
async def at_the_lock(store: Store) -> AsyncIterator[Stall]:
    """Let nobody of a process have the lock of Bob's account, until it ends."""
    disk_of(store).steer = stall = Stall("try_lock", "/bob/account/lock")
    try:
        yield stall
    finally:
        stall.end()
        disk_of(store).steer = None


async def called_work(account: SharingAccount) -> set[MailboxName]:
    """Return the names that have "Work" in them."""
    listed = await account.mailboxes()
    return {each.name for each in listed if each.exists and "Work" in each.name}


@pytest.mark.parametrize(
    ("needs", "work"),
    [
        ("la", lambda ana: ana.change_rights(THEIRS, EVE, give("lra"))),
        ("lrk", lambda ana: ana.create(mailbox_name(THEIRS + "/new"))),
        ("lx", lambda ana: ana.rename(THEIRS, mailbox_name(TOP + "/Work"))),
        ("lx", lambda ana: ana.delete(THEIRS)),
        ("lrw", lambda ana: ana.set_metadata(THEIRS, {NOTE: b"by ana"})),
    ],
    ids=["SETACL", "CREATE", "RENAME", "DELETE", "SETMETADATA"],
)
@pytest_twisted.ensureDeferred
async def test_rights_that_are_taken_meanwhile(
    open_store: Opener, needs: str, work: Work
) -> None:
    """Who waits for a lock with a right that is taken meanwhile changes nothing.

    What was taken away does not come back by what was said before; and who still
    sees the mailbox is told that he may not, who does not, that there is none.
    """
    bob, ana, elsewhere = await both(open_store)
    await bob.create(WORK)
    await bob.create(mailbox_name("Top"))
    await bob.change_rights(mailbox_name("Top"), ANA, give("k"))
    for left, told in ("lr", NotPermitted), ("", NoSuchMailbox):
        await bob.change_rights(WORK, ANA, give(needs))
        async with at_the_lock(elsewhere) as stall:
            running = ensureDeferred(outcome(work(ana)))
            await until(lambda stall=stall: stall.stopped)
            await bob.change_rights(WORK, ANA, give(left))
        assert await running in {told, NotPermitted}
        assert await called_work(bob) == {WORK}
        given = await bob.access_list(WORK)
        assert given == {BOB: given[BOB]} | ({ANA: named_rights(left)} if left else {})
        assert await bob.metadata(WORK) == {}
    shared = await Shares(elsewhere).account()
    assert shared is not None
    assert owners_for(shared, EVE) == frozenset()


@pytest_twisted.ensureDeferred
async def test_a_note_is_of_the_mailbox_that_was_meant(open_store: Opener) -> None:
    """A note goes to the mailbox that had its name, whatever has it by then."""
    bob, ana, elsewhere = await both(open_store)
    for name in (WORK, SECRET):
        await bob.create(name)
    await bob.change_rights(WORK, ANA, give("lrw"))
    async with at_the_lock(elsewhere) as stall:
        running = ensureDeferred(outcome(ana.set_metadata(THEIRS, {NOTE: b"ana's"})))
        await until(lambda: stall.stopped)
        await bob.rename(WORK, OLD)
        await bob.rename(SECRET, WORK)
    assert await running is None
    assert await bob.metadata(OLD) == {NOTE: b"ana's"}
    assert await bob.metadata(WORK) == {}


@pytest.mark.parametrize(
    "work",
    [
        lambda ana: ana.metadata(THEIRS),
        lambda ana: ana.set_metadata(THEIRS, {NOTE: b"ana's"}),
        lambda ana: ana.status(THEIRS),
        lambda ana: ana.status(THEIRS, deleted=False, recent=False),
        lambda ana: ana.append(THEIRS, [new_message()]),
        lambda ana: ana.access_list(THEIRS),
        lambda ana: ana.change_rights(THEIRS, EVE, give("lr")),
        lambda ana: ana.delete(THEIRS),
    ],
    ids=[
        *("GETMETADATA", "SETMETADATA", "STATUS", "LIST-STATUS"),
        *("APPEND", "GETACL", "SETACL", "DELETE"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_names_that_change_meanwhile(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    """Rights to one mailbox open no other, whenever that is given its name."""
    bob, ana, elsewhere = await both(open_store)
    theirs = await elsewhere.account(BOB)
    sync = AccountLog.sync
    for moment in count():
        left = moment
        for name in (WORK, SECRET):
            await bob.create(name)
        await bob.change_rights(WORK, ANA, give("lrwixa"))
        await bob.set_metadata(SECRET, {NOTE: b"secret"})
        await bob.append(SECRET, [new_message()] * 3)

        async def sync_then(self: AccountLog) -> None:
            nonlocal left
            if self is theirs:
                if left == 0:
                    await bob.rename(WORK, OLD)
                    await bob.rename(SECRET, WORK)
                left -= 1
            await sync(self)

        with monkeypatch.context() as patch:
            patch.setattr(AccountLog, "sync", sync_then)
            said = await outcome(work(ana))
        if left >= 0:
            break
        assert "secret" not in str(said)
        assert "messages=3" not in str(said)
        assert await bob.metadata(WORK) == {NOTE: b"secret"}
        assert (await bob.status(WORK)).messages == 3
        assert EVE not in await bob.access_list(WORK)
        for name in (WORK, OLD):
            await outcome(bob.delete(name))
    assert moment > 1
