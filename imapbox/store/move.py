"""MOVE: messages leave one mailbox for another. RFC 6851 §3.3.

Both mailboxes are locked from the moment at which it is certain what the
messages are. The target has them, durably, before the source loses them: a
crash in between leaves both, never neither.
"""

from typing import NamedTuple

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.index.commit import Log, write_one
from imapbox.index.copying import CopyMessages
from imapbox.index.known import Known
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import ExpungeMessages
from imapbox.index.read import LogBroken, follow
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, settle
from imapbox.index.transaction import Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import MailboxBusy, MailboxDamaged


class Bound(NamedTuple):
    """A mailbox of an account: the directory of its log, and what binds it."""

    directory: str
    binding: Binding


def move_messages(
    source: Bound, known: Known, target: Bound, copy: CopyMessages, settings: Settings
) -> Steps[None]:
    """Move messages from one mailbox into another, or the same.

    The other one may be of another account.

    Args:
        source: Where they are.
        known: Their rows.
        target: Where to.
        copy: Of these messages, for the target.
        settings: How to write.

    Raises:
        MessageGone: One of them was expunged; nothing was moved.
        MailboxGone: One of the mailboxes was deleted; nothing was moved.
        MailboxBusy: A lock was not to be had; nothing was moved.
        MailError: Nothing was moved, or the messages are in both.
    """
    accounts = sorted({source.binding.account, target.binding.account})
    here, there = source.directory, target.directory

    def section() -> Steps[None]:
        ends = {}
        for account in accounts:
            ends[account] = (yield from settle(account, settings)).position
        here_tail = there_tail = yield from settle(here, settings)
        if there != here:
            there_tail = yield from settle(there, settings)
        for mailbox in (source, target):
            binding = mailbox.binding
            yield from binding.check_settled(ends[binding.account])
        try:
            yield from follow(here, known.since, here_tail.position, known.follow)
        except LogBroken as broken:
            # Compaction removed where we were: who syncs first may try again.
            raise MailboxBusy("compact") from broken
        known.since = here_tail.position
        copy.originals.update(known)
        yield from _write(there, there_tail, copy, settings)
        if there == here:
            here_tail = yield from settle(here, settings)
        gone = ExpungeMessages(known, only_deleted=False)
        yield from _write(here, here_tail, gone, settings)

    identity = Identity(settings.node, settings.pid, "move")
    until = (yield from steps.monotonic()) + settings.patience
    # With the accounts', nobody can be halfway through a change of them.
    paths = [f"{each}/lock" for each in (*accounts, *sorted({here, there}))]
    try:
        yield from locked(paths, identity, until, section)
    except AccountUnsettled as error:
        # It was settled a moment ago, and is not the one that we knew.
        raise MailboxDamaged(" ".join(accounts)) from error


def _write(
    directory: str, tail: Tail, transaction: Transaction, settings: Settings
) -> Steps[None]:
    log = Log(directory, MailboxFacts)
    yield from write_one(log, settings, tail, transaction)
