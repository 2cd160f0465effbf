"""Messages that are removed whatever their flags, and stored for nothing."""

import numpy as np
import pytest

from imapbox.disk.spool import MemoryContent
from imapbox.mailbox.values import NewMessage
from imapbox.model.errors import MailboxReadOnly, NoSuchMailbox
from imapbox.model.names import INBOX, mailbox_name
from tests.support.mail_store import BOB, Opener, account_of, deliver, new_message


def uids(*numbers: int) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    return np.array(numbers, np.uint32)


async def test_only_what_is_named_goes(open_store: Opener) -> None:
    """`remove` removes what is named, `\\Deleted` or not, in all processes."""
    one, two = await open_store(), await open_store()
    await one.create_account(BOB)
    for _ in range(4):
        await deliver(one)
    selected = await (await account_of(one)).select(INBOX, read_only=False)
    await selected.remove(uids(2, 3))
    other = await (await account_of(two)).select(INBOX, read_only=True)
    assert other.uids[0:9].tolist() == [1, 4]
    # Twice, and by another session at the same time, is no harm.
    await selected.remove(uids(2))
    with pytest.raises(MailboxReadOnly):
        await other.remove(uids(1))
    assert len(await selected.sync(may_expunge=True)) == 2
    selected.close()
    other.close()


async def test_what_was_stored_is_taken_back(open_store: Opener) -> None:
    """What was appended is taken back, and nothing else, even if it is gone."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    account = await account_of(store)
    new = [NewMessage(MemoryContent(b"a: b\r\n"), frozenset(), None) for _ in "12"]
    where = await account.append(INBOX, new)
    await deliver(store)
    await where.take_back()
    status = await account.status(INBOX)
    assert (status.messages, status.uidnext) == (2, 5)
    await where.take_back()
    assert (await account.status(INBOX)).messages == 2


async def test_another_may_be_called_so_meanwhile(open_store: Opener) -> None:
    """What was stored is taken back from where it is, whatever that is called now.

    A mailbox that has its name by then keeps what it has; one that is gone is no
    more, and no other is touched.
    """
    store, other = await open_store(), await open_store()
    here, there = await account_of(store), await account_of(other)
    target, important, old = map(mailbox_name, ("Target", "Important", "Old"))
    for name in (target, important):
        await here.create(name)
    await here.append(important, [new_message()])
    where = await here.append(target, [new_message()])
    await there.rename(target, old)
    await there.rename(important, target)
    await where.take_back()
    assert (await there.status(target)).messages == 1
    assert (await there.status(old)).messages == 0
    where = await here.append(old, [new_message()])
    await there.delete(old)
    await there.rename(target, old)
    with pytest.raises(NoSuchMailbox):
        await where.take_back()
    assert (await there.status(old)).messages == 1
