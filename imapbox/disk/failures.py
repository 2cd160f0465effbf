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
    """Return the `MailError` for an error of the disk; what is one stays."""
    if isinstance(error, MailError):
        return error
    return _WORDS.get(error.errno or 0, StoreFailure)(error)


def of_spool(error: OSError) -> MailError:
    """Return the `MailError` for an error of a message's own file, on its way in."""
    if isinstance(error, FileNotFoundError):
        return StoreFailure(error)  # there is no mailbox to be gone
    return in_words(error)


def in_full(error: MailError) -> str:
    """Return its sentence, and what the operating system said, for a log."""
    cause = error.__cause__
    return error.sentence() if cause is None else f"{error.sentence()} ({cause})"
