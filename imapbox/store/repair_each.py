"""Mending one mailbox beside others: what fails in it keeps none of them from it."""

from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.failures import in_words, unworded
from imapbox.disk.steps import Steps
from imapbox.index.repair import Job
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    MailError,
    StoreFenced,
    StoreReadOnly,
)

T = TypeVar("T")

# Who meets these with one mailbox would with the next, or wait as long again.
_ENDS: Final = (MailboxBusy, DiskFull, StoreReadOnly, StoreFenced)


def named(path: str, work: Steps[T]) -> Steps[T]:
    """Do something; an error that names no file names ``path``."""
    try:
        return (yield from work)
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def goes_on(job: Job, directory: str, work: Steps[None]) -> Steps[bool]:
    """Do something to a mailbox, and note what failed.

    Returns:
        Whether there is more to do to this one.

    Raises:
        MailError: It would not go on with another one.
        OSError: Likewise.
    """
    try:
        yield from work
    except MailboxDamaged as error:
        job.leave(directory, error.sentence())
    except (MailError, OSError) as error:
        gone = isinstance(error, FileNotFoundError)
        if gone and not (yield from steps.exists(directory)):
            return False  # it was deleted meanwhile, and compaction removed it
        if isinstance(in_words(error), _ENDS) and unworded(error) is None:
            raise
        job.fail(directory, error)
        return False
    return True
