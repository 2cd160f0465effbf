"""What an account may hold: facts of its log, set by the administrator.

======================  ====================================================
``quota storage``       octets of messages, in decimal, or ``-``: no limit
``quota message``       how many messages, likewise
======================  ====================================================

Where a fact is missing the default of the process holds. What is used is in the
heads of the mailboxes, of which each commit publishes one; nothing is counted
twice, and nothing has to be mended. Whoever wants to add messages looks before the
commit, without a lock: what others add at the same moment isn't seen, and that
much, but no more, may an account hold beyond its quota.

A mailbox that can't be opened keeps no mail out of the others: it counts with what
its head says, or said before the machine was started anew; if that can't be read
either, it counts for nothing.
"""

from collections.abc import Mapping
from typing import Final

from twisted.logger import Logger

from imapbox.index.account_operations import Create
from imapbox.index.head import Counts
from imapbox.model.errors import MailboxGone, MailError, QuotaExceeded, StoreFenced
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.store.account import AccountLog
from imapbox.store.store import Store

_log = Logger()

STORAGE: Final = "quota storage"
MESSAGE: Final = "quota message"
_NO_LIMIT: Final = b"-"


def quota_of(meta: Mapping[str, bytes], default: Quota) -> Quota:
    """Return what an account may hold.

    Args:
        meta: Its own facts.
        default: What holds for whom nothing was set.
    """
    return Quota(
        _limit(meta.get(STORAGE), default.octets),
        _limit(meta.get(MESSAGE), default.messages),
    )


def quota_facts(quota: Quota) -> dict[str, bytes]:
    """Return the facts that say so, whatever the default is."""
    limits = {STORAGE: quota.octets, MESSAGE: quota.messages}
    return {
        name: _NO_LIMIT if limit is None else b"%d" % limit
        for name, limit in limits.items()
    }


# As if nothing had ever been set.
NOTHING_SET: Final[Mapping[str, bytes]] = {STORAGE: b"", MESSAGE: b""}


async def usage_of(store: Store, account: AccountLog) -> Usage:
    """Return what an account holds, as of this call."""
    await account.sync()
    mailboxes = list(account.state.mailboxes.values())
    seen = await store.glimpses(account, mailboxes)
    usage = NOTHING_USED
    for each in mailboxes:
        counts = seen.get(each.mailbox_id)
        if counts is None:
            counts = await _counts_of(store, account, each)
        if counts is not None:
            usage = usage.plus(Usage(counts.live, counts.exists))
    return usage


async def _counts_of(
    store: Store, account: AccountLog, mailbox: Create
) -> Counts | None:
    """Return the counts of a mailbox by opening it; None where there are none."""
    try:
        opened = await store.current_mailbox(account, mailbox.mailbox_id)
    except MailboxGone:
        return None  # deleted a moment ago
    except StoreFenced:
        raise
    except MailError as error:
        _log.info(
            "can not count what {user} has: {error!r}", user=account.user, error=error
        )
        return await store.old_glimpse(account, mailbox)
    return opened.state.counts


async def check_room(store: Store, account: AccountLog, more: Usage) -> None:
    """See that an account, as of its last sync, may hold that much more.

    Who has no quota is not looked at, and pays nothing for it.

    Raises:
        QuotaExceeded: It may not.
    """
    quota = quota_of(account.meta(), store.quota)
    if not quota.is_limit or (more.octets <= 0 and more.messages <= 0):
        return
    if not quota.allows((await usage_of(store, account)).plus(more)):
        raise QuotaExceeded(account.user)


def check_day(store: Store, account: AccountLog, octets: int) -> None:
    """See that a client may add that much to an account today, and count it.

    Raises:
        TooMuchInADay: It may not.
    """
    quota = quota_of(account.meta(), store.quota)
    now = store.drivers.filesystem.monotonic()
    store.day_limits.count_octets(account.user, octets, quota, now)


def _limit(value: bytes | None, default: int | None) -> int | None:
    if value is None or not (value == _NO_LIMIT or value.isdigit()):
        return default
    return None if value == _NO_LIMIT else int(value)
