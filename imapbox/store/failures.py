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
    errno.EROFS: StoreReadOnly,
    errno.EACCES: StoreReadOnly,
    errno.EPERM: StoreReadOnly,
    **dict.fromkeys(CUT_OFF, StoreFenced),
}


def in_words(error: OSError) -> MailError:
    """Return the `MailError` for an error of the disk."""
    return _WORDS.get(error.errno or 0, StoreFailure)(error)
