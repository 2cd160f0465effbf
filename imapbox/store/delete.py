"""DELETE: both locks, the account's log, then a mark on the mailbox's head.

The account's frame is what counts. The mark is a hint to those who have the
mailbox selected; a crash before it is made, or a disk that fails then, leaves
sessions to find out from the account.
"""

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import Delete
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.commit import write_one
from imapbox.index.settings import Settings
from imapbox.index.settle import say_deleted, settle
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import NoSuchMailbox
from imapbox.model.names import MailboxName, UserName
from imapbox.store.layout import account_directory, mailbox_directory
from imapbox.store.tree_changes import Check, owner_may


def delete_mailbox(
    user: UserName,
    known: AccountState,
    name: MailboxName,
    settings: Settings,
    check: Check = owner_may,
) -> Steps[None]:
    """Delete the mailbox that has this name under the lock.

    Args:
        user: Whose.
        known: What is known of his account.
        name: The mailbox's, by that.
        settings: How to write.
        check: Raises unless that may be done.

    Raises:
        NoSuchMailbox: There is none, or it is another one by now.
        MailboxBusy: A lock was not to be had.
    """
    if name not in known.names:
        raise NoSuchMailbox(name)
    mailbox_id = known.names[name].mailbox_id
    account = account_log(account_directory(user))
    mailbox = mailbox_directory(user, mailbox_id)

    def decide(state: AccountState) -> list[Delete]:
        check(state)
        if name not in state.names or state.names[name].mailbox_id != mailbox_id:
            raise NoSuchMailbox(name)
        return [Delete(mailbox_id)]

    def section() -> Steps[None]:
        account_tail = yield from settle(account.directory, settings)
        tail = yield from settle(mailbox, settings)
        change = ChangeAccount(known, decide)
        yield from write_one(account, settings, account_tail, change)
        yield from say_deleted(mailbox, tail, settings)

    identity = Identity(settings.node, settings.pid, "delete")
    until = (yield from steps.monotonic()) + settings.patience
    paths = [account.lock, f"{mailbox}/lock"]
    yield from locked(paths, identity, until, section)
