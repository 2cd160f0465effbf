"""`imapbox repair` beside a server that has the mailbox open."""

import os
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from imapbox.index.damage import mark_damaged
from imapbox.index.repair import Job
from imapbox.mailbox.updates import Exists
from imapbox.model.errors import MailboxDamaged, MailboxGone, MailError
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.store.quotas import usage_of
from imapbox.store.repair import mend_user
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, account_of, deliver, new_message
from tests.unit.store.test_compactions import inbox_of

SEEN = frozenset({"\\Seen"})
BODY = b"Subject: one\r\n\r\nHello.\r\n"


async def selected_in(store: Store) -> Any:
    """Select INBOX."""
    return await (await account_of(store)).select(INBOX, read_only=False)


async def mend(store: Store) -> list[str]:
    """Do as the command does."""
    job = Job(store.settings, apply=True)
    await store.drivers.write.run(mend_user(BOB, job, os.getuid()))
    assert not any(each.left for each in job.mended)
    return [each.sentence for each in job.mended]


async def mark(store: Store) -> None:
    """Mark INBOX as damaged."""
    await store.drivers.write.run(mark_damaged(await inbox_of(store), "a sync failed"))


def flip(path: Path, what: bytes, place: int, *, before: int = 0) -> None:
    """Flip a bit of what is found last in a file, or so many times before."""
    octets = bytearray(path.read_bytes())
    at = octets.rindex(what)
    for _ in range(before):
        at = octets.rindex(what, 0, at)
    octets[at + place] ^= 1
    path.write_bytes(octets)


def lose_all(directory: Path) -> None:
    """Leave nothing of a mailbox but its directory."""
    for path in directory.iterdir():
        path.unlink()


@pytest_twisted.ensureDeferred
async def test_the_mark_goes(open_store: Opener) -> None:
    """Changes are refused while there is a mark, and taken when it is gone."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    await deliver(here, body=BODY)
    selected = await selected_in(here)
    await mark(there)
    with pytest.raises(MailboxDamaged):
        await selected.set_flags([1], FlagChange.ADD, SEEN)
    with pytest.raises(MailError):
        await deliver(here, body=BODY)
    assert await mend(there) == ["the log is sound; the mark is removed"]
    await deliver(here, body=BODY)
    updates = await selected.sync(may_expunge=True)
    assert [each.count for each in updates if isinstance(each, Exists)] == [2]
    await selected.set_flags([1], FlagChange.ADD, SEEN)
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_session_goes_on(open_store: Opener) -> None:
    """Of a log that is written anew a session is told what changed."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    for _ in range(3):
        await deliver(here, body=BODY)
    selected = await selected_in(here)
    log = Path(there.root, await inbox_of(there), "log.1")
    flip(log, b"IBF0", 96 + 20)  # the last one's operations
    said = await mend(there)
    assert "is written anew" in said[0]
    await deliver(here, body=BODY)
    await selected.sync(may_expunge=True)
    assert (await (await account_of(here)).status(INBOX)).messages == 4
    await selected.set_flags([1], FlagChange.ADD, SEEN)
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_session_ends_with_its_uidvalidity(open_store: Opener) -> None:
    """Where UIDs may be lost, a session whose UIDVALIDITY is gone ends."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    for _ in range(3):
        await deliver(here, body=BODY)
    selected = await selected_in(here)
    directory = Path(there.root, await inbox_of(there))
    flip(directory / "log.1", b"IBF0", 96 + 20, before=2)
    for octet in (5, 50):
        flip(directory / "log.1", b"IBF0", octet)  # the last one's header
    flip(directory / "head", b"IBH0", 9)
    (said,) = await mend(there)
    assert "a greater UIDVALIDITY" in said
    with pytest.raises(MailboxGone):
        await selected.sync(may_expunge=True)
    selected.close()
    again = await selected_in(here)
    await again.set_flags([1], FlagChange.ADD, SEEN)
    again.close()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("first", ["status", "select", "append", "usage"])
async def test_nobody_is_told_that_it_is_not_there(
    open_store: Opener, first: str
) -> None:
    """Whoever asks for the mailbox then, finds the new one at the first try."""
    here, there = await open_store(), await open_store()
    await here.create_account(BOB)
    await deliver(here, body=BODY)
    (await selected_in(here)).close()
    directory = Path(there.root, await inbox_of(there))
    # What its session was told of is written now, and read.
    assert (await (await account_of(here)).status(INBOX)).messages == 1
    lose_all(directory)
    said = await mend(there)
    assert "a greater UIDVALIDITY" in said[-1]
    account = await account_of(here)
    match first:
        case "status":
            assert (await account.status(INBOX)).messages == 0
        case "select":
            (await account.select(INBOX, read_only=False)).close()
        case "append":
            message = new_message(BODY, "one")
            assert list((await account.append(INBOX, [message])).uids) == [1]
        case "usage":
            await deliver(here, body=BODY)
            assert (await usage_of(here, await here.account(BOB))).messages == 1
    assert await account.has(INBOX)
