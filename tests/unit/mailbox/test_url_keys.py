"""Keys with which URLs are authorised: RFC 4467 §5."""

import pytest
from twisted.internet.defer import ensureDeferred, gatherResults

from imapbox.model.errors import NoSuchMailbox
from imapbox.model.names import INBOX, MailboxName, UserName, mailbox_name
from imapbox.store.restored import renew_mailboxes
from tests.support.mail_store import BOB, Opener, account_of, deliver

WORK = mailbox_name("Work")


async def test_a_key_is_the_mailboxs(open_store: Opener) -> None:
    """Each mailbox has a key of its own, the same for all, until it gets another."""
    ones = await account_of(await open_store())
    others = await account_of(await open_store())
    one, other = ones.url_keys, others.url_keys
    await ones.create(WORK)
    assert (await one.find(INBOX), await other.find(WORK)) == (None, None)
    making = [ensureDeferred(each.need(INBOX)) for each in (one, other, one)]
    inbox, *same = await gatherResults(making)
    assert (len(inbox), same) == (32, [inbox, inbox])
    work = await other.need(WORK)
    assert await one.find(WORK) == work != inbox
    # It goes with its mailbox, whatever that is called.
    await ones.rename(WORK, mailbox_name("Done"))
    assert await other.find(mailbox_name("Done")) == work
    with pytest.raises(NoSuchMailbox):
        await other.find(WORK)
    await other.renew(mailbox_name("Done"))
    done = await one.find(mailbox_name("Done"))
    assert done not in {None, work, inbox}
    assert await other.find(INBOX) == inbox
    # A mailbox that is made anew has none, and none is left of what is gone.
    await ones.delete(mailbox_name("Done"))
    await ones.create(mailbox_name("Done"))
    assert await other.find(mailbox_name("Done")) is None
    await one.remove_all()
    assert await other.find(INBOX) is None
    await other.remove_all()
    assert await other.need(INBOX) != inbox
    for keys in (one, other):
        for missing in (keys.find, keys.need, keys.renew):
            with pytest.raises(NoSuchMailbox):
                await missing(WORK)


async def test_of_two_that_make_one_the_first_wins(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds no key and comes too late with one takes that of who was first."""
    keys = (await account_of(await open_store())).url_keys
    late = (await account_of(await open_store())).url_keys
    found = await keys.need(INBOX)
    find = late.find
    answers: list[bytes | None] = [None]

    async def find_late(name: MailboxName) -> bytes | None:
        return answers.pop() if answers else await find(name)

    monkeypatch.setattr(late, "find", find_late)
    assert await late.need(INBOX) == found
    assert await keys.find(INBOX) == found


async def test_other_uids_other_key(open_store: Opener) -> None:
    """A mailbox whose UIDs mean something else has another key: no URL misleads."""
    store = await open_store()
    account = await account_of(store)
    before = await account.url_keys.need(INBOX)
    await store.drivers.write.run(renew_mailboxes(BOB, b"r" * 16, store.settings))
    assert await account.url_keys.find(INBOX) not in {None, before}


async def test_anothers_mail(open_store: Opener) -> None:
    """Another user's mail can be looked into; nobody's account is made by that."""
    store = await open_store()
    account = await account_of(store)
    await deliver(store)
    zoe = await account_of(store, UserName("zoe"))
    bob = await zoe.other(BOB)
    assert bob is not None
    assert (await bob.status(INBOX)).messages == 1
    assert await bob.url_keys.need(INBOX) == await account.url_keys.find(INBOX)
    assert await account.other(UserName("nobody")) is None
    assert not await store.has_account(UserName("nobody"))
