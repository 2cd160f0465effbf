"""Annotations of mailboxes, kept in the account's log: RFC 5464."""

import pytest
import pytest_twisted

from imapbox.index.account_operations import NO_MAILBOX
from imapbox.mailbox.annotations import MOST_OCTETS, Annotations
from imapbox.model.errors import NoPrivateAnnotations, NoSuchMailbox, TooManyAnnotations
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
async def test_private_is_the_owners(open_store: Opener) -> None:
    """Of a mailbox its owner has private annotations, and all have the shared.

    What others noted before that was refused they can read and remove, not change.
    It takes no room from the owner.
    """
    store = await open_store()
    await account_of(store)
    log = await store.account(BOB)
    bob, ana = Annotations(log, BOB), Annotations(log, ANA)
    inbox = log.named(INBOX).mailbox_id
    await bob.set(inbox, {"/private/a": b"bob", "/shared/b": b"all"}, owner_may)
    with pytest.raises(NoPrivateAnnotations):
        await ana.set(inbox, {"/private/a": b"", "/shared/b": b"no"}, owner_may)
    assert ana.of(inbox) == {"/shared/b": b"all"}
    await log.set_meta(
        {f"metadata /private/{number} ana": b"=ana" for number in range(300)}, inbox
    )
    assert bob.of(inbox) == {"/private/a": b"bob", "/shared/b": b"all"}
    assert ana.of(inbox)["/private/299"] == b"ana"
    with pytest.raises(NoPrivateAnnotations):
        await ana.set(inbox, {"/private/299": b"more"}, owner_may)
    await ana.set(inbox, dict.fromkeys(ana.of(inbox)), owner_may)
    assert ana.of(inbox) == {}
    await bob.set(inbox, {"/shared/b": b"all"}, owner_may)
    await bob.set(NO_MAILBOX, {"/private/c": b""}, owner_may)
    assert (await bob.every())[None] == {"/private/c": b""}
    assert (await bob.every())[inbox] == bob.of(inbox)


@pytest_twisted.ensureDeferred
async def test_what_others_noted_takes_no_room(open_store: Opener) -> None:
    """What guests had noted for themselves doesn't keep the owner from noting."""
    store = await open_store()
    account = await account_of(store)
    log = await store.account(BOB)
    inbox = log.named(INBOX).mailbox_id
    await log.set_meta(
        {f"metadata /private/{number} ana": b"=" for number in range(300)}, inbox
    )
    await account.set_metadata(INBOX, {"/shared/a": b"", "/private/a": b""})


@pytest_twisted.ensureDeferred
async def test_what_a_mailbox_is_for_is_told(open_store: Opener) -> None:
    """``/private/specialuse`` is what the mailbox was made for, whatever was noted."""
    store = await open_store()
    account = await account_of(store)
    both, sent = mailbox_name("both"), mailbox_name("Sent")
    await account.create(both, ("\\Sent", "\\Drafts"))
    log = await store.account(BOB)
    for name in (sent, INBOX):
        noted = {"metadata /private/specialuse bob": b"=\\Bogus"}
        await log.set_meta(noted, log.named(name).mailbox_id)
    assert await account.metadata(both) == {"/private/specialuse": b"\\Sent \\Drafts"}
    assert await account.metadata(sent) == {"/private/specialuse": b"\\Sent"}
    assert await account.metadata(INBOX) == {}


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
