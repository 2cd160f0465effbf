"""Who is told to be gone to a client that was away: RFC 7162 §3.2.5."""

import numpy as np
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mailbox.vanished import vanished
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from tests.support.mail_store import Opener, account_of, deliver

LAST = 2**32 - 1
ranges = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 6)).map(
        lambda each: range(each[0], each[0] + each[1] + 1)
    ),
    max_size=6,
)


def named(bounds) -> list[int]:
    ends = zip(bounds.first.tolist(), bounds.last.tolist(), strict=True)
    return [uid for low, high in ends for uid in range(low, high + 1)]


@given(st.sets(st.integers(1, 40)), st.none() | ranges, ranges)
def test_it_is_what_sets_say(
    there: set[int], history: list[range] | None, within: list[range]
) -> None:
    """Told is what was given, is not there, vanished, and is asked for; once."""
    uids = np.array(sorted(there), np.uint32)
    found = vanished(uids, 41, history, within)
    wanted = {uid for each in within for uid in each}
    gone = set(range(1, 41)) - there
    if history is not None:
        gone &= {uid for each in history for uid in each}
    assert named(found) == sorted(gone & wanted)
    assert (found.first[1:] > found.last[:-1] + 1).all(), "as few ranges as will do"


def test_of_the_largest_uids() -> None:
    """The largest numbers that there are do not wrap."""
    uids = np.array([1, LAST - 1], np.uint32)
    found = vanished(uids, LAST, None, [range(1, LAST + 1)])
    assert (found.first.tolist(), found.last.tolist()) == ([2], [LAST - 2])
    nothing = np.zeros(0, np.uint32)
    assert not len(vanished(nothing, 1, None, [range(1, LAST + 1)]).first)


@pytest_twisted.ensureDeferred
async def test_after_a_day_away(open_store: Opener) -> None:
    """What was expunged meanwhile, in whatever process, is told; no more, no less."""
    stores = [await open_store() for _ in range(2)]
    accounts = [await account_of(store) for store in stores]
    for _ in range(9):
        await deliver(stores[0])
    mine = await accounts[0].select(INBOX, read_only=False)
    far = await accounts[1].select(INBOX, read_only=False)
    moments = []
    for uid in (3, 5, 4, 9):
        await mine.sync(may_expunge=True)
        moments.append((mine.highestmodseq, uid))
        await far.set_flags([uid], FlagChange.ADD, frozenset({"\\Deleted"}))
        await far.expunge()
    await mine.sync(may_expunge=True)
    again = await (await account_of(await open_store())).select(INBOX, read_only=True)
    for number, (modseq, _) in enumerate(moments):
        gone = sorted(uid for _, uid in moments[number:])
        for session in (mine, again):
            assert named(session.vanished_since(modseq, [range(1, 100)])) == gone
    assert not named(mine.vanished_since(mine.highestmodseq, [range(1, 100)]))
    for session in (mine, far, again):
        session.close()
