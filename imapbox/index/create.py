"""Making a log, with its lock and its head, in a directory of its own.

Everything is synced before `create_log` returns; the caller then binds the
directory somewhere, and only that makes it count. A crash before leaves a
directory that nobody knows.
"""

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import Encoded
from imapbox.index.head import Counts, Head
from imapbox.index.head_file import HEAD
from imapbox.index.rotate import new_segment
from imapbox.index.segment import SegmentHeader, segment_name
from imapbox.index.settings import Settings
from imapbox.locks.lock_file import new_lock_file


def create_log(
    directory: str, base: Encoded, counts: Counts, settings: Settings
) -> Steps[None]:
    """Make the directory and a log in it that holds only ``base``.

    Raises:
        OSError: It exists, or could not be made.
    """
    yield from steps.make_directory(directory)
    yield from write_file(f"{directory}/lock", new_lock_file())
    yield from fill_log(directory, base, counts, settings)
    parent, _, _ = directory.rpartition("/")
    yield from steps.sync_directory(parent)


def fill_log(
    directory: str, base: Encoded, counts: Counts, settings: Settings
) -> Steps[None]:
    """Write the first segment and the head of a log, durably."""
    salt = int.from_bytes((yield from steps.random(4)), "little")
    time = int((yield from steps.now()) * 1_000_000)
    octets, end = new_segment(SegmentHeader(1, salt), base, counts, time)
    yield from write_file(f"{directory}/{segment_name(1)}", octets)
    yield from steps.sync_directory(directory)  # before a head says so
    head = Head(settings.boot, end, counts)
    yield from write_file(f"{directory}/{HEAD}", head.encode())
    yield from steps.sync_directory(directory)


def write_file(path: str, octets: bytes) -> Steps[None]:
    """Write and sync a new file; the directory is the caller's to sync."""

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, octets, 0)
        yield from steps.fdatasync(fd)

    yield from steps.opened(path, Mode.CREATE, write)
