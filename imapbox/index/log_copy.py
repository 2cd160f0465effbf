"""Copying a log up to a position, while others write behind it.

What lies before a head never changes, so it is copied without a lock. Only its
beginning can go, by compaction: then the copy begins anew, with a newer head.
What is copied once need not be copied again for a newer head; a log grows at
its end. Nobody takes the copy for a log before it has a head, which is written
last, when all the rest is durable.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.create import write_file
from imapbox.index.damage import DAMAGED
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head, Position
from imapbox.index.head_file import HEAD, head_octets, head_of
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import follow_all
from imapbox.index.read import LogBroken
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.locks.lock_file import LOCK, new_lock_file
from imapbox.model.errors import MailboxDamaged

# So much is copied with one call.
PIECE: Final = 16 * 1024 * 1024


class BeginningGone(Exception):
    """A segment was removed before it was copied: look at the head again."""


class SegmentLost(Exception):
    """A segment is not there that nobody had reason to remove."""


class Extent(NamedTuple):
    """A log from its beginning to its end, as they were at a moment.

    Attributes:
        first: The number of its first segment.
        head: What its head said.
    """

    first: int
    head: Head


def extent_of(
    directory: str, boot: int, settled: Position | None = None
) -> Steps[Extent | None]:
    """Return where a mailbox's log begins and ends now; None: only its lock can tell.

    What lies below a gap is litter, if nothing is missing to the log without it.

    Args:
        directory: The log's.
        boot: Of this start of the machine: an older head may not tell all.
        settled: Where the log ended when somebody settled it a moment ago. Whose
            head is not older than that tells all that was acknowledged before,
            whatever machine wrote it.

    Raises:
        SegmentLost: It can't be settled either: some of it is not there.
        UnknownFormat: A segment above a gap is of a format that can't be read.
        FileNotFoundError: There is no log.
    """
    suspect = None
    while True:
        # The beginning first: if it goes meanwhile, what lived in it is behind it,
        # but perhaps not before the end that is found.
        numbers = segment_numbers((yield from steps.list_directory(directory)))
        head = yield from head_of(directory)
        if head is None:
            return None
        if head.boot != boot and (settled is None or head.position < settled):
            return None
        first = last = head.position.segment
        while first - 1 in numbers:
            first -= 1
        if last in numbers and first == numbers[0]:
            return Extent(first, head)
        # One was begun, or some were removed, between two of our looks. But what
        # is so again was so before the first of these heads was read.
        if suspect == (last, numbers):
            if last in numbers and (yield from _is_all_there(directory, head)):
                return Extent(first, head)
            names = yield from steps.list_directory(directory)
            if segment_numbers(names) == numbers:
                raise SegmentLost(directory)
        suspect = last, numbers


def _is_all_there(directory: str, head: Head) -> Steps[bool]:
    """Say whether a log tells of all its messages, from its last gap on."""
    state = MailboxState()
    try:
        yield from follow_all(directory, head.position, state.apply)
    except (LogBroken, DamagedOperations, MailboxDamaged):
        return False
    return not state.missing


@dataclass(slots=True)
class LogCopy:
    """A copy of a log in the making.

    Attributes:
        source: The log's directory.
        target: The copy's, made already, and empty.
        octets: How much was copied.
        is_short: Whether there was less than there should be.
    """

    source: str
    target: str
    octets: int = 0
    is_short: bool = False

    def extend(self, extent: Extent) -> Steps[None]:
        """Copy all of it, durably.

        Raises:
            BeginningGone: It can't be done any more.
        """
        end = extent.head.position
        numbers = range(extent.first, end.segment + 1)
        there = segment_numbers((yield from steps.list_directory(self.target)))
        if self.is_short or not {*there} <= {*numbers}:
            # Of what compaction removed meanwhile a part may be here.
            yield from self.clear()
        try:
            for number in numbers:
                limit = end.offset if number == end.segment else None
                yield from self._copy(segment_name(number), limit)
        except FileNotFoundError as error:
            yield from self.clear()
            raise BeginningGone from error

    def finish(self, head: Head) -> Steps[None]:
        """Make a log of what was copied, durably."""
        yield from write_file(f"{self.target}/{LOCK}", new_lock_file())
        yield from steps.sync_directory(self.target)  # before a head says so
        yield from write_file(f"{self.target}/{HEAD}", head.encode())
        yield from steps.sync_directory(self.target)

    def take_all(self) -> Steps[None]:
        """Copy the segments, the head and the mark of a damaged log as they are.

        Raises:
            BeginningGone: One was removed meanwhile.
        """
        # Mail may come nevertheless, if nobody knows of the damage yet.
        head = yield from head_octets(self.source)
        try:
            names = yield from steps.list_directory(self.source)
            segments = [segment_name(number) for number in segment_numbers(names)]
            for name in (*segments, *({DAMAGED} & {*names})):
                yield from self._copy(name, None)
        except FileNotFoundError as error:
            yield from self.clear()
            raise BeginningGone from error
        if head:
            yield from write_file(f"{self.target}/{HEAD}", head)
        yield from write_file(f"{self.target}/{LOCK}", new_lock_file())
        yield from steps.sync_directory(self.target)

    def clear(self) -> Steps[None]:
        """Remove what was copied."""
        for name in (yield from steps.list_directory(self.target)):
            yield from steps.unlink(f"{self.target}/{name}")
        self.octets = 0
        self.is_short = False

    def _copy(self, name: str, limit: int | None) -> Steps[None]:
        def copy(source: int) -> Steps[None]:
            end = limit if limit is not None else (yield from steps.size(source))
            yield from steps.opened(
                f"{self.target}/{name}",
                Mode.ENSURE,
                partial(self._copy_open, source, end=end),
            )

        yield from steps.opened(f"{self.source}/{name}", Mode.READ, copy)

    def _copy_open(self, source: int, fd: int, *, end: int) -> Steps[None]:
        at = start = yield from steps.size(fd)
        while at < end:
            copied = yield from steps.copy_range(source, fd, at, min(PIECE, end - at))
            if not copied:
                self.is_short = True  # of a damaged log a part may be missing
                break
            at += copied
        self.octets += at - start
        if at > start:
            yield from steps.fdatasync(fd)
