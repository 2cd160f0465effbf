"""What a session's search sees of a mailbox: what its client was told."""

import numpy as np
import pytest_twisted

from imapbox.model.flags import Flag, FlagChange
from imapbox.model.names import INBOX
from imapbox.query.columns import Bounds
from tests.support.mail_store import Opener, account_of, deliver, new_message

FLAGS = ("\\Seen", "$Junk")


@pytest_twisted.ensureDeferred
async def test_facts_are_what_messages_say(open_store: Opener) -> None:
    """Columns and messages say the same, slice by slice, of those that were told."""
    store = await open_store()
    account = await account_of(store)
    for number in range(7):
        flags = FLAGS[number % 2 : number % 3]
        await account.append(INBOX, [new_message(b"a: b\r\n\r\n" * number, *flags)])
    selected = await account.select(INBOX, read_only=False)
    other = await account.select(INBOX, read_only=False)
    await other.set_flags([3, 5], FlagChange.ADD, frozenset({"\\Deleted"}))
    await other.expunge()
    await deliver(store)
    await selected.sync(may_expunge=False)

    assert selected.bounds() == Bounds(7, 7, ["$Junk"])
    for start, stop in ((0, 9), (0, 3), (2, 5), (6, 7), (7, 9)):
        facts = selected.facts(slice(start, stop))
        told = list(selected.by_seq([range(start + 1, min(stop, 7) + 1)]))
        assert len(facts) == len(told)
        assert facts.uids.tolist() == [each.uid for each in told]
        assert facts.seqs().tolist() == [each.seq for each in told]
        assert (facts.uids > facts.recent_after).tolist() == [
            each.recent for each in told
        ]
        for name, field in (
            ("flags", "flags"),
            ("date", "date"),
            ("zone", "zone"),
            ("size", "size"),
        ):
            values = [getattr(each, field) for each in told]
            assert facts.column(name).tolist() == values
        for number in (0, 1, 255):
            assert facts.keyword(number).tolist() == [
                bool(each.keywords >> number & 1) for each in told
            ]
    seen = selected.facts(slice(0, 7)).column("flags") & np.uint32(Flag.SEEN)
    assert seen.any()
    assert not seen.all()

    await selected.sync(may_expunge=True)
    assert selected.bounds() == Bounds(6, 8, ["$Junk"])
    assert selected.facts(slice(0, 9)).uids.tolist() == [1, 2, 4, 6, 7, 8]
    for each in (selected, other):
        each.close()


@pytest_twisted.ensureDeferred
async def test_an_empty_mailbox_has_no_facts(open_store: Opener) -> None:
    """Of no messages nothing is said."""
    store = await open_store()
    selected = await (await account_of(store)).select(INBOX, read_only=True)
    assert selected.bounds() == Bounds(0, 0, [])
    assert len(selected.facts(slice(0, 10))) == 0
    selected.close()
