"""What a log's head alone says of it, for who wants no more than numbers."""

from collections.abc import Sequence

from imapbox.disk.steps import Steps
from imapbox.index.head import DELETED, Counts, Head
from imapbox.index.head_file import head_of
from imapbox.model.numbers import UidValidity


def glimpses(
    boot: int | None, mailboxes: Sequence[tuple[str, UidValidity]]
) -> Steps[list[Counts | None]]:
    """Return what the heads of mailboxes' logs say; None where one must be opened.

    What was acknowledged before this call is in it: who commits writes the head
    first. It says nothing after a restart of the machine (it may be an older one,
    since it is hardly ever synced), when it is torn, and when it isn't this
    mailbox's: all of that is found out by who opens the log.

    Args:
        boot: Of this machine, as in `Settings`; None: what was written before a
            restart is wanted, too, though it may be older than what is so.
        mailboxes: The directory of each one's log, and the UIDVALIDITY that the
            account gave to it.
    """
    found: list[Counts | None] = []
    for directory, uidvalidity in mailboxes:
        try:
            head = yield from head_of(directory)
        except OSError:
            head = None  # who opens it says what is wrong
        found.append(_counts(head, boot, uidvalidity))
    return found


def _counts(
    head: Head | None, boot: int | None, uidvalidity: UidValidity
) -> Counts | None:
    if head is None or boot not in {None, head.boot} or head.flags & DELETED:
        return None
    return head.counts if head.counts.uidvalidity == uidvalidity else None
