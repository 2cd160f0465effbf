"""What clients may add in a day, whatever they expunge and delete again."""

from unittest.mock import patch

import pytest
import pytest_twisted

from imapbox.model.errors import TooMuchInADay
from imapbox.model.names import INBOX, UserName, mailbox_name
from imapbox.model.quota import NO_QUOTA, Quota
from imapbox.store import day_limits
from imapbox.store.day_limits import (
    DAY,
    LEAST_OCTETS,
    OCTETS_OF_A_MESSAGE,
    TIMES_THE_QUOTA,
    DayLimits,
)
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, account_of, deliver, new_message

EVE = UserName("eve")
WORK = mailbox_name("Work")
BODY = b"Subject: hi\r\n\r\n" + b"x" * 985


@pytest.mark.parametrize(
    ("quota", "most"),
    [
        (Quota(octets=10), LEAST_OCTETS),
        (Quota(octets=10 * LEAST_OCTETS), TIMES_THE_QUOTA * 10 * LEAST_OCTETS),
        (Quota(messages=10), LEAST_OCTETS),
        (Quota(messages=10_000), TIMES_THE_QUOTA * 10_000 * OCTETS_OF_A_MESSAGE),
        (Quota(octets=10, messages=10_000), LEAST_OCTETS),
        (Quota(octets=0, messages=10_000), LEAST_OCTETS),
    ],
)
def test_a_day_has_an_end(quota: Quota, most: int) -> None:
    """So much of the quota may be added in a day, and again in the next.

    Of octets or, where only messages are limited, of what they may have.
    """
    limits = DayLimits()
    for began in (5.0, 5.0 + DAY):
        limits.count_octets(BOB, most - 1, quota, began)
        limits.count_octets(BOB, 1, quota, began + 1)
        with pytest.raises(TooMuchInADay):
            limits.count_octets(BOB, 1, quota, began + DAY - 1)
        limits.count_octets(EVE, 1, quota, began)


def test_who_has_no_quota_is_not_counted() -> None:
    """Who may fill the disk with what stays may fill it with what goes."""
    limits = DayLimits()
    for _ in range(3):
        limits.count_octets(BOB, 2 * LEAST_OCTETS, NO_QUOTA, 0.0)


def test_of_many_the_oldest_days_are_forgotten() -> None:
    """Nobody makes a process remember more accounts than it has room for."""
    limits = DayLimits()
    with patch.object(day_limits, "_REMEMBERED", 2):
        for name in ("a", "b", "c"):
            limits.count_octets(UserName(name), LEAST_OCTETS, Quota(1), 0.0)
        limits.count_octets(UserName("a"), 1, Quota(1), 0.0)
        with pytest.raises(TooMuchInADay):
            limits.count_octets(UserName("c"), 1, Quota(1), 0.0)


async def limited(opener: Opener) -> Store:
    """Return a store in which a user may hold, and add in a day, 4,000 octets."""
    store = await opener()
    store.quota = Quota(octets=1000)
    return store


@pytest_twisted.ensureDeferred
async def test_what_is_expunged_counts(open_store: Opener) -> None:
    """APPEND, COPY and MOVE count, though all is expunged again; deliveries don't.

    Else a client that adds and expunges fills the disk for the grace time.
    """
    store = await limited(open_store)
    account = await account_of(store)
    await account.create(WORK)
    await deliver(store, body=BODY)
    inbox = await account.select(INBOX, read_only=False)
    work = await account.select(WORK, read_only=False)
    with patch.object(day_limits, "LEAST_OCTETS", 0):
        await inbox.move([1], WORK)
        await work.sync(may_expunge=True)
        await work.remove([1])
        for uid in (2, 3):
            await account.append(WORK, [new_message(BODY)])
            await work.sync(may_expunge=True)
            await work.remove([uid])
        await deliver(store, body=BODY)
        await inbox.sync(may_expunge=True)
        store.quota = Quota(octets=2000)
        await inbox.copy([2], WORK)
        store.quota = Quota(octets=1000)
        await work.sync(may_expunge=True)
        await work.remove([4])
        await inbox.remove([2])
        for refused in (
            account.append(WORK, [new_message(BODY)]),
            account.append(INBOX, [new_message(BODY)]),
        ):
            with pytest.raises(TooMuchInADay):
                await refused
        await deliver(store, body=BODY)
        await inbox.sync(may_expunge=True)
        with pytest.raises(TooMuchInADay):
            await inbox.move([3], WORK)
    inbox.close()
    work.close()


@pytest_twisted.ensureDeferred
async def test_a_quota_of_messages_bounds_a_day(open_store: Opener) -> None:
    """Who may hold so many messages does not fill the disk with what he expunges."""
    store = await open_store()
    store.quota = Quota(messages=1)
    account = await account_of(store)
    inbox = await account.select(INBOX, read_only=False)
    with (
        patch.object(day_limits, "LEAST_OCTETS", 0),
        patch.object(day_limits, "OCTETS_OF_A_MESSAGE", len(BODY)),
    ):
        for uid in range(1, TIMES_THE_QUOTA + 1):
            await account.append(INBOX, [new_message(BODY)])
            await inbox.sync(may_expunge=True)
            await inbox.remove([uid])
        with pytest.raises(TooMuchInADay):
            await account.append(INBOX, [new_message(BODY)])
    inbox.close()


@pytest_twisted.ensureDeferred
async def test_mailboxes_that_were_made_count(open_store: Opener) -> None:
    """So many mailboxes may be made in a day, though they are deleted again."""
    store = await open_store()
    account = await account_of(store)
    with patch.object(day_limits, "MOST_MAILBOXES_MADE", 2):
        for _ in range(2):
            await account.create(WORK)
            await account.delete(WORK)
        with pytest.raises(TooMuchInADay):
            await account.create(WORK)
        with pytest.raises(TooMuchInADay):
            await account.rename(INBOX, WORK)
