"""Counts of a mailbox that nobody has open, from its head alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from imapbox.index.head import Head
from imapbox.mailbox.values import Status
from imapbox.model.names import INBOX, MailboxName
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, account_of, deliver, disk_of


async def asked(store: Store) -> tuple[Status, bool]:
    """The counts of INBOX, and whether its log was opened for them."""
    opened: list[str] = []
    disk_of(store).steer = lambda what, path: (
        opened.append(path) if what == "open" else None
    )
    account = await account_of(store)
    status = await account.status(INBOX, deleted=False, recent=False)
    disk_of(store).steer = None
    return status, any("mailboxes" in path and "log." in path for path in opened)


async def head_of(store: Store) -> Path:
    inbox = (await store.account(BOB)).named(INBOX)
    return Path(store.root) / mailbox_directory(BOB, inbox.mailbox_id) / "head"


async def test_counts_need_no_open_mailbox(open_store: Opener) -> None:
    """What was delivered anywhere is counted by who has not opened the mailbox."""
    one, two = await open_store(), await open_store()
    await one.create_account(BOB)
    for number in range(1, 4):
        await deliver(one)
        counts, opened = await asked(two)
        assert (counts.messages, opened) == (number, False)
    whole = await (await account_of(one)).status(INBOX)
    assert (whole.recent, whole.deleted) == (3, 0)
    assert (counts.recent, counts.deleted) == (None, None)
    for name in ("uidnext", "uidvalidity", "unseen", "size", "highestmodseq"):
        assert getattr(counts, name) == getattr(whole, name)


async def test_who_has_it_open_asks_nobody(open_store: Opener) -> None:
    """A mailbox that is open is asked itself, which costs no thread."""
    store = await open_store()
    store.compactor.stop()  # it looks into logs by itself
    await store.create_account(BOB)
    account = await account_of(store)
    selected = await account.select(INBOX, read_only=True)
    whole = await account.status(INBOX, deleted=False)
    opened: list[str] = []
    disk_of(store).steer = lambda what, path: (
        opened.append(path) if what == "open" else None
    )
    assert await account.status(INBOX, deleted=False, recent=False) == whole
    disk_of(store).steer = None
    assert opened == []
    selected.close()


@pytest.mark.parametrize("what", ["boot", "uidvalidity", "torn", "lost", "deleted"])
async def test_a_head_that_may_be_wrong_is_not_believed(
    open_store: Opener, what: str
) -> None:
    """Of another boot, another mailbox, torn or lost: then the log itself is read."""
    one, two = await open_store(), await open_store()
    await one.create_account(BOB)
    await deliver(one)
    path = await head_of(one)
    data = path.read_bytes()
    head = Head.decode(data)
    assert head is not None
    other = head.counts._replace(uidvalidity=head.counts.uidvalidity + 1, exists=9)
    wrong = {
        "boot": head._replace(boot=head.boot + 1, counts=other).encode(),
        "uidvalidity": head._replace(counts=other).encode(),
        "torn": data[:-1] + bytes([data[-1] ^ 1]),
        "deleted": head._replace(flags=1).encode(),
    }
    if what == "lost":
        path.unlink()
    else:
        path.write_bytes(wrong[what])
    account, inbox = await two.account(BOB), (await two.account(BOB)).named(INBOX)
    assert await two.glimpses(account, [inbox]) == {}
    if what in {"boot", "torn", "lost"}:
        counts, opened = await asked(two)
        assert (counts.messages, opened) == (1, True)


async def test_many_are_counted_at_once(open_store: Opener) -> None:
    """Of many mailboxes all are counted at once, whoever has them open."""
    store = await open_store()
    await store.create_account(BOB)
    await deliver(store)
    account = await account_of(store)
    names = [MailboxName(f"box/{number}") for number in range(5)]
    for name in names:
        await account.create(name)
    selected = await account.select(names[0], read_only=True)
    nowhere = MailboxName("nowhere")
    counts = await account.quick_status([INBOX, *names, nowhere])
    assert counts.keys() == {INBOX, *names}
    for name, status in counts.items():
        asked_alone = await account.status(name, deleted=False, recent=False)
        assert status == replace(asked_alone, recent=None)
    selected.close()
