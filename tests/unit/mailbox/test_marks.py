"""UIDs and marks alone: the cheap way to what FLAGS tells."""

import pytest
import pytest_twisted

from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.model.numbers import NoSuchMessage
from tests.support.mail_store import Opener, account_of, new_message


@pytest_twisted.ensureDeferred
async def test_marks_are_what_messages_say(open_store: Opener) -> None:
    """Marks are those of the messages, by position and by UID, in the same order."""
    account = await account_of(await open_store())
    flags = [
        "\\Seen",
        "\\Deleted",
        "\\Flagged",
        *(f"k{number}" for number in range(70)),
    ]
    for number in range(40):
        await account.append(INBOX, [new_message(b"x", flags[number], flags[-number])])
    first = await account.select(INBOX, read_only=False)
    for _ in range(3):
        await account.append(INBOX, [new_message(b"x")])
    await first.expunge()
    mailbox = await account.select(INBOX, read_only=False)
    uids = [message.uid for message in mailbox.by_seq((range(1, mailbox.exists + 1),))]
    await mailbox.set_flags(uids[5:9], FlagChange.ADD, frozenset({"\\Answered", "k69"}))
    for ranges in ([], [range(1, 43)], [range(2, 3), range(7, 30)], [range(42, 43)]):
        messages = list(mailbox.by_seq(ranges))
        assert list(mailbox.marks_by_seq(ranges)) == [
            (message.seq, message.uid, message.marks) for message in messages
        ]
        assert list(mailbox.marks_by_uid(ranges)) == [
            (message.seq, message.uid, message.marks)
            for message in mailbox.by_uid(ranges)
        ]
        found = mailbox.uids_by_seq(ranges)
        assert found.tolist() == [message.uid for message in messages]
        assert list(mailbox.messages_of(found)) == messages
        assert list(mailbox.marks_of(found)) == list(mailbox.marks_by_seq(ranges))
        by_uid = mailbox.uids_by_uid(ranges)
        assert by_uid.tolist() == [each.uid for each in mailbox.by_uid(ranges)]
    assert any(message.recent for message in mailbox.by_seq((range(1, 43),)))
    assert any(message.keywords > 2**64 for message in mailbox.by_seq((range(1, 43),)))
    with pytest.raises(NoSuchMessage):
        mailbox.marks_by_seq((range(1, 44),))
    mailbox.close()
    first.close()


@pytest_twisted.ensureDeferred
async def test_a_view_stays_as_it_was_while_it_is_read(open_store: Opener) -> None:
    """Who reads marks lazily reads the positions that were there at the beginning."""
    account = await account_of(await open_store())
    await account.append(INBOX, [new_message() for _ in range(1500)])
    mailbox = await account.select(INBOX, read_only=False)
    rows = mailbox.marks_by_seq((range(1, 1501),))
    assert next(rows)[:2] == (1, 1)
    await mailbox.set_flags([1], FlagChange.ADD, frozenset({"\\Deleted"}))
    await mailbox.expunge()
    await mailbox.sync(may_expunge=True)
    assert mailbox.exists == 1499
    assert [row[:2] for row in rows] == [(seq, seq) for seq in range(2, 1501)]
    mailbox.close()
