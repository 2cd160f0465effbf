"""The mark on a mailbox whose disk failed.

The file ``damaged`` lies beside the head and says why. While it is there
nothing is adopted, cut, zeroed or published; only `imapbox repair` removes it.
Made when a sync of what the log says fails, whatever the error, since the kernel
then forgets which bytes are not on the disk and a later sync that succeeds proves
nothing; and when a frame that was published can't be read.
"""

import errno
from typing import Final, NoReturn

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.model.errors import DiskFull, MailboxDamaged

# The last: what a process, or a file system, lets one file hold.
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Read-only now, or this machine was cut off: nobody can make a mark there.
_ALL_OF_IT: Final = CUT_OFF | {errno.EROFS}
DAMAGED: Final = "damaged"


def is_damaged(directory: str) -> Steps[bool]:
    """Say whether the mark is there."""
    return (yield from steps.exists(f"{directory}/{DAMAGED}"))


def check_damaged(directory: str) -> Steps[None]:
    """Raise `MailboxDamaged` if the mark is there."""
    if (yield from is_damaged(directory)):
        raise MailboxDamaged(directory)


def mark_damaged(directory: str, reason: str) -> Steps[None]:
    """Make the mark, as durable as the disk still allows."""

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, reason.encode() + b"\n", 0)
        yield from steps.fdatasync(fd)

    try:
        yield from steps.opened(f"{directory}/{DAMAGED}", Mode.CREATE, write)
        yield from steps.sync_directory(directory)
    except OSError:
        return  # it is there already, or this disk takes no mark any more


def damage(directory: str, reason: str) -> Steps[MailboxDamaged]:
    """Make the mark, and return what is then to be raised."""
    yield from mark_damaged(directory, reason)
    return MailboxDamaged(directory)


def sync(directory: str, fd: int) -> Steps[None]:
    """Sync a segment.

    Raises:
        MailboxDamaged: It failed; the mark is made.
    """
    try:
        yield from steps.fdatasync(fd)
    except OSError as error:
        if error.errno in _ALL_OF_IT:
            raise
        reason = f"a sync of the log failed: {error}"
        raise (yield from damage(directory, reason)) from error


def take_back(directory: str, fd: int, offset: int, size: int) -> Steps[None]:
    """Make a segment what it was before a write that the disk had no room for.

    Args:
        directory: The log's.
        fd: The segment.
        offset: Where the write began.
        size: The length of the file before it.

    Where blocks are copied on every write there may be no room for zeros either:
    the segment is cut then, and does without its reserve.

    Raises:
        MailboxDamaged: It can't be undone; the mark is made.
    """
    try:
        yield from steps.truncate(fd, size)
        if size > offset:
            yield from _zero(fd, offset, size)
    except OSError as error:
        yield from fail_write(directory, error)
    # Else a power loss could bring back whole what was refused.
    yield from sync(directory, fd)


def _zero(fd: int, offset: int, size: int) -> Steps[None]:
    try:
        yield from steps.pwrite(fd, bytes(size - offset), offset)
    except OSError as error:
        if error.errno not in FULL:
            raise
        yield from steps.truncate(fd, offset)


def fail_write(directory: str, error: OSError) -> Steps[NoReturn]:
    """Make the mark after a write that failed, and raise.

    Raises:
        MailboxDamaged: The mark is made.
        OSError: The whole file system takes no writes: there is nothing to mark.
    """
    raise (yield from _failure(directory, error))


def _failure(directory: str, error: OSError) -> Steps[Exception]:
    if error.errno in _ALL_OF_IT:
        return error
    damaged = yield from damage(directory, f"a write failed: {error}")
    damaged.__cause__ = error
    return damaged


def refuse_write(directory: str, error: OSError) -> Steps[NoReturn]:
    """Say in our words why a write failed that needs no undoing.

    Raises:
        DiskFull: There was no room.
        MailboxDamaged: Any other error; see `fail_write`.
    """
    if error.errno in FULL:
        raise DiskFull(directory) from error
    raise (yield from _failure(directory, error))


def write_over(directory: str, fd: int, octets: bytes, offset: int) -> Steps[None]:
    """Write over what is there, so that a file need not grow.

    Raises:
        DiskFull: There was no room, as there may be none where blocks are copied
            on every write.
        MailboxDamaged: Any other error; the mark is made.
    """
    try:
        yield from steps.pwrite(fd, octets, offset)
    except OSError as error:
        yield from refuse_write(directory, error)


def write_undoable(
    directory: str, fd: int, octets: bytes, offset: int, size: int
) -> Steps[None]:
    """Write, or leave the segment as it was.

    Raises:
        DiskFull: There was no room, and nothing is changed.
        MailboxDamaged: Any other error; the mark is made.
    """
    try:
        yield from steps.pwrite(fd, octets, offset)
    except OSError as error:
        if error.errno not in FULL:
            yield from fail_write(directory, error)
        yield from take_back(directory, fd, offset, size)
        raise DiskFull(directory) from error
