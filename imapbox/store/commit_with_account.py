"""A commit that holds the account's lock, too.

The usual one only reads the account's log, to see whether the mailbox is still
bound. If somebody is halfway through a change of the account, or died there,
that can't be told. Who holds both locks can settle the account and knows.
"""

from collections.abc import Callable, Sequence

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.binding import Binding
from imapbox.index.commit import Log, write
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.index.transaction import Outcome, Transaction
from imapbox.locks.acquire import Identity, locked


def commit_with_account(
    log: Log,
    binding: Binding,
    settings: Settings,
    batch: Callable[[], Sequence[Transaction]],
    *,
    command: str,
) -> Steps[list[Outcome]]:
    """Do as `index.commit.commit` does, and settle the account before.

    Raises:
        MailboxGone: The account does not bind the mailbox any more.
        MailboxBusy: A lock was not to be had.
        MailboxDamaged: The account or the mailbox is damaged.
        AccountUnsettled: The account is not the one that we knew.
    """

    def section() -> Steps[list[Outcome]]:
        account = yield from settle(binding.account, settings)
        tail = yield from settle(log.directory, settings)
        yield from binding.check_settled(account.position)
        return (yield from write(log, settings, tail, batch()))

    identity = Identity(settings.node, settings.pid, command)
    until = (yield from steps.monotonic()) + settings.patience
    paths = [f"{binding.account}/lock", log.lock]
    return (yield from locked(paths, identity, until, section))
