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
"""

from collections.abc import Mapping
from typing import Final

from imapbox.model.errors import MailboxGone, QuotaExceeded
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.store.account import AccountLog
from imapbox.store.store import Store

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
            mailbox = store.mailbox(account, each.mailbox_id)
            try:
                await mailbox.sync()
            except MailboxGone:
                continue  # deleted a moment ago
            counts = mailbox.state.counts
        usage = usage.plus(Usage(counts.live, counts.exists))
    return usage


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


def _limit(value: bytes | None, default: int | None) -> int | None:
    if value is None or not (value == _NO_LIMIT or value.isdigit()):
        return default
    return None if value == _NO_LIMIT else int(value)
