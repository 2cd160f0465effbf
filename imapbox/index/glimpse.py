"""What a log's head alone says of it, for who wants no more than numbers."""

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.head import DELETED, Counts, Head
from imapbox.index.read import read_head
from imapbox.index.settle import HEAD
from imapbox.model.numbers import UidValidity


def glimpse(
    directory: str, boot: int, uidvalidity: UidValidity
) -> Steps[Counts | None]:
    """Return what the head of a mailbox's log says; None where it must be opened.

    What was acknowledged before this call is in it: who commits writes the head
    first. It says nothing after a restart of the machine (it may be an older one,
    since it is hardly ever synced), when it is torn, and when it isn't this
    mailbox's: all of that is found out by who opens the log.

    Args:
        directory: The log's.
        boot: Of this machine, as in `Settings`.
        uidvalidity: That the account gave to the mailbox.

    Raises:
        OSError: It is not there, or can't be read.
    """
    path = f"{directory}/{HEAD}"
    head = Head.decode((yield from steps.opened(path, Mode.READ, read_head)))
    if head is None or head.boot != boot or head.flags & DELETED:
        return None
    return head.counts if head.counts.uidvalidity == uidvalidity else None
