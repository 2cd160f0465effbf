"""Annotations of mailboxes, kept in the account's log: RFC 5464."""

import pytest
import pytest_twisted

from imapbox.index.account_operations import NO_MAILBOX
from imapbox.mailbox.annotations import MOST_OCTETS, Annotations
from imapbox.model.errors import NoSuchMailbox, TooManyAnnotations
from imapbox.model.names import INBOX, UserName, mailbox_name
from imapbox.store.tree_changes import owner_may
from tests.support.mail_store import BOB, Opener, account_of

ANA = UserName("ana")


@pytest_twisted.ensureDeferred
async def test_annotations_are_kept(open_store: Opener) -> None:
    """What is noted is so in every process, until the mailbox goes; "" is a value."""
    here, there = [await account_of(await open_store()) for _ in range(2)]
    work = mailbox_name("Work")
    await here.create(work)
    await here.set_metadata(work, {"/private/a": b"", "/shared/b": b"\0="})
    await here.set_metadata(None, {"/private/a": b"1"})
    assert await there.metadata(work) == {"/private/a": b"", "/shared/b": b"\0="}
    assert await there.metadata(None) == {"/private/a": b"1"}
    await there.set_metadata(work, {"/private/a": None, "/shared/c": None})
    assert await here.metadata(work) == {"/shared/b": b"\0="}
    await here.delete(work)
    await here.create(work)
    assert await there.metadata(work) == {}
    with pytest.raises(NoSuchMailbox):
        await there.metadata(mailbox_name("nowhere"))


@pytest_twisted.ensureDeferred
async def test_private_is_each_users_own(open_store: Opener) -> None:
    """Of one mailbox each user has private annotations, and all have the shared."""
    store = await open_store()
    await account_of(store)
    log = await store.account(BOB)
    bob, ana = Annotations(log, BOB), Annotations(log, ANA)
    inbox = log.named(INBOX).mailbox_id
    await bob.set(inbox, {"/private/a": b"bob", "/shared/b": b"all"}, owner_may)
    await ana.set(inbox, {"/private/a": b"ana"}, owner_may)
    assert bob.of(inbox) == {"/private/a": b"bob", "/shared/b": b"all"}
    assert ana.of(inbox) == {"/private/a": b"ana", "/shared/b": b"all"}
    await ana.set(NO_MAILBOX, {"/private/c": b""}, owner_may)
    assert (await ana.every())[None] == {"/private/c": b""}
    assert (await ana.every())[inbox] == ana.of(inbox)


@pytest_twisted.ensureDeferred
async def test_an_account_holds_no_more(open_store: Opener) -> None:
    """Annotations of an account are 1 MiB at most, over all its mailboxes."""
    account = await account_of(await open_store())
    half = b"x" * (MOST_OCTETS // 2 - 1)
    await account.set_metadata(INBOX, {"/private/a": half})
    await account.set_metadata(None, {"/private/a": half})
    with pytest.raises(TooManyAnnotations):
        await account.set_metadata(mailbox_name("Sent"), {"/private/a": b"x"})
    await account.set_metadata(None, {"/private/a": None})
    await account.set_metadata(mailbox_name("Sent"), {"/private/a": b"x"})
