"""Removing mailboxes that were deleted a grace time ago.

Only a directory whose DELETE is published in the account's log is removed, and
only if neither that nor the mailbox's newest frame is younger than the grace.
Both locks are held. Directories that no account names are left alone, whatever
they are: `imapbox check` tells of them.

The oldest segments go first and the lock last, so that a crash leaves a log
without its beginning, or no log: the next one goes on with it. Without its lock
a mailbox is nobody's any more; what lies there still was made by who had it
open, such as half a snapshot.
"""

from typing import Final

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_state import AccountState
from imapbox.index.head_file import HEAD
from imapbox.index.opening import follow_all
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.locks.acquire import Identity, locked
from imapbox.model.names import UserName
from imapbox.store.full_text import remove_mailbox_cache
from imapbox.store.layout import (
    account_directory,
    mailbox_directory,
    mailboxes_directory,
)

_LAST: Final = (HEAD, "lock")


def remove_deleted(
    user: UserName, mailbox_id: bytes, grace: float, settings: Settings
) -> Steps[bool]:
    """Remove a mailbox's directory if its time is over; return whether it was.

    Args:
        user: Whose it was.
        mailbox_id: Which one.
        grace: For how many seconds it stays.
        settings: How to take locks.

    Raises:
        MailboxDamaged: The mailbox or the account is; it stays.
        MailboxBusy: A lock was not to be had.
        OSError: Something else is in it, or it can't be removed.
    """
    account = account_directory(user)
    directory = mailbox_directory(user, mailbox_id)
    if not (yield from steps.exists(directory)):
        return False
    locks = [f"{account}/lock"]
    if (yield from steps.exists(f"{directory}/lock")):
        locks.append(f"{directory}/lock")

    def section() -> Steps[bool]:
        tail = yield from settle(account, settings)
        state = AccountState()
        yield from follow_all(account, tail.position, state.apply)
        if mailbox_id in state.mailboxes or mailbox_id not in state.deleted:
            return False
        newest = state.deleted[mailbox_id]
        names = yield from steps.list_directory(directory)
        if segment_numbers(names):  # else somebody began to remove it
            newest = max(newest, (yield from settle(directory, settings)).time)
        now = yield from steps.now()
        if newest > (now - grace) * 1_000_000:
            return False
        yield from _remove_files(directory)
        return True

    identity = Identity(settings.node, settings.pid, "compact")
    until = (yield from steps.monotonic()) + settings.patience
    try:
        if not (yield from locked(locks, identity, until, section)):
            return False
        yield from _remove_files(directory)  # what was made until the lock went
        yield from remove_mailbox_cache(user, mailbox_id)
        yield from steps.remove_directory(directory)
    except FileNotFoundError:
        return False  # another one did it
    yield from steps.sync_directory(mailboxes_directory(user))
    return True


def _remove_files(directory: str) -> Steps[None]:
    names = yield from steps.list_directory(directory)
    segments = [segment_name(number) for number in segment_numbers(names)]
    others = [name for name in names if name not in {*segments, *_LAST}]
    for name in (*segments, *others, *_LAST):
        if name in names:
            yield from steps.unlink(f"{directory}/{name}")
            yield from steps.sync_directory(directory)  # in this order
