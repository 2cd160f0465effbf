"""Mending a user's mail: what `imapbox repair` does.

The account comes first: it says which mailboxes there are (`AccountRepair`). Then
each of them (`MailboxRepair`).
"""

from imapbox.disk.steps import Steps
from imapbox.index.repair import Job, State
from imapbox.model.errors import NoSuchMailbox
from imapbox.model.names import MailboxName, UserName
from imapbox.store.layout import (
    mailbox_directory,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.repair_account import AccountRepair
from imapbox.store.repair_each import goes_on, named
from imapbox.store.repair_mailbox import MailboxRepair
from imapbox.store.repair_place import Place
from imapbox.store.repair_register import mend_register
from imapbox.store.repair_root import leave_access, leave_access_of_log


def mend_user(
    user: UserName,
    job: Job,
    owner: int,
    *,
    mailbox: MailboxName | None = None,
    deep: bool = False,
) -> Steps[int]:
    """Mend a user's account and mailboxes, or one of them.

    Returns:
        How many mailboxes were looked at.

    Raises:
        NoSuchMailbox: The account is sound, and knows none of this name.
        MailError: The account could not be mended, or a lock was not to be had, or
            nobody can write; the rest was not looked at.
        OSError: Likewise.
    """
    place = Place(user, job, owner)
    account, mailboxes = AccountRepair(place), MailboxRepair(place, deep=deep)
    state = yield from named(place.directory, account.mend())
    is_sound = all(each.state is State.DONE for each in job.mended)
    above = user_directory(user), mailboxes_directory(user)
    yield from leave_access(job, above, owner)
    yield from leave_access_of_log(job, place.directory, owner)
    chosen = [
        each
        for each in sorted(state.mailboxes.values(), key=lambda each: each.name)
        if mailbox is None or each.name == mailbox
    ]
    if mailbox is not None and is_sound and not chosen:
        raise NoSuchMailbox(mailbox)
    for each in chosen:
        directory = mailbox_directory(user, each.mailbox_id)
        if (yield from goes_on(job, directory, mailboxes.mend(each))):
            look = leave_access_of_log(job, directory, owner)
            yield from goes_on(job, directory, look)
    for mailbox_id in state.deleted if mailbox is None else ():
        directory = mailbox_directory(user, mailbox_id)
        yield from goes_on(job, directory, mailboxes.mend_deleted(mailbox_id))
    if mailbox is None:
        yield from mend_register(user, state, job, owner)
    return len(chosen)
