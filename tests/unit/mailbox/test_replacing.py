"""Messages that are removed whatever their flags, and stored for nothing."""

import numpy as np
import pytest

from imapbox.disk.spool import MemoryContent
from imapbox.mailbox.interfaces import NewMessage
from imapbox.model.errors import MailboxReadOnly
from imapbox.model.names import INBOX
from tests.support.mail_store import BOB, Opener, account_of, deliver


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
    """`take_back` removes what was appended, and nothing else, even if it is gone."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    account = await account_of(store)
    new = [NewMessage(MemoryContent(b"a: b\r\n"), frozenset(), None) for _ in "12"]
    where = await account.append(INBOX, new)
    await deliver(store)
    await account.take_back(INBOX, where)
    status = await account.status(INBOX)
    assert (status.messages, status.uidnext) == (2, 5)
    await account.take_back(INBOX, where)
    assert (await account.status(INBOX)).messages == 2
