"""What the operating system says, in the words of mail."""

import errno
from typing import Final

from imapbox.disk.fence import CUT_OFF
from imapbox.model.errors import (
    DiskFull,
    MailboxGone,
    MailError,
    StoreFailure,
    StoreFenced,
    StoreReadOnly,
)

_WORDS: Final[dict[int, type[MailError]]] = {
    errno.ENOENT: MailboxGone,
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EFBIG: DiskFull,
    errno.EROFS: StoreReadOnly,
    errno.EACCES: StoreReadOnly,
    errno.EPERM: StoreReadOnly,
    **dict.fromkeys(CUT_OFF, StoreFenced),
}


def in_words(error: OSError | MailError) -> MailError:
    """Return the `MailError` for an error of the disk; what is one stays.

    Its cause is that error, for who is to know what the system said.
    """
    if isinstance(error, MailError):
        return error
    words = _WORDS.get(error.errno or 0, StoreFailure)(error)
    words.__cause__ = error
    return words


def of_spool(error: OSError) -> MailError:
    """Return the `MailError` for an error of a message's own file, on its way in."""
    if isinstance(error, FileNotFoundError):
        return StoreFailure(error)  # there is no mailbox to be gone
    return in_words(error)


def unworded(error: OSError | MailError) -> OSError | None:
    """Return what the system said, where that says more than our words for it.

    They are for a server's clients. Who runs the store wants to know which file
    can not be used and why, unless all of the store is read-only, full or gone.
    """
    words = in_words(error)
    cause = words.__cause__
    if not isinstance(cause, OSError):
        return None
    denied = isinstance(cause, PermissionError) and isinstance(words, StoreReadOnly)
    return cause if denied or type(words) is StoreFailure else None


def in_full(error: MailError) -> str:
    """Return its sentence, and what the operating system said, for a log."""
    cause = error.__cause__
    return error.sentence() if cause is None else f"{error.sentence()} ({cause})"
