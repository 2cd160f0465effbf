"""What a copy has of its original, and what is its own."""

from imapbox.model.names import INBOX, MailboxName
from imapbox.wire.imap.object_ids import emailid, mailboxid
from tests.support.mail_store import BOB, Opener, account_of, deliver

A, B = MailboxName("a"), MailboxName("b")


async def test_ids_outlive_numbers(open_store: Opener) -> None:
    """A copy keeps its EMAILID, and a renamed mailbox its MAILBOXID."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    account = await account_of(store)
    made = await account.create(A)
    selected = await account.select(INBOX, read_only=False)
    await selected.copy([1], A)
    await account.rename(A, B)
    other = await account.select(B, read_only=True)
    status = await account.status(B)
    assert (
        mailboxid(made) == mailboxid(status.mailbox_id) == mailboxid(other.mailbox_id)
    )
    assert selected.mailbox_id != made
    ids = [
        emailid(message.emailid)
        for each in (selected, other)
        for message in each.by_seq([range(1, 2)])
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 33
    selected.close()
    other.close()


async def test_a_copy_is_saved_when_it_is_made(open_store: Opener) -> None:
    """SAVEDATE is of delivery and of COPY, INTERNALDATE goes along."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    account = await account_of(store)
    await account.create(A)
    selected = await account.select(INBOX, read_only=False)
    await selected.copy([1], A)
    other = await account.select(A, read_only=True)
    (original,) = selected.by_seq([range(1, 2)])
    (copied,) = other.by_seq([range(1, 2)])
    now = store.drivers.filesystem.now()
    assert now - 600 < original.savedate <= copied.savedate <= now
    assert original.date == copied.date
    selected.close()
    other.close()
