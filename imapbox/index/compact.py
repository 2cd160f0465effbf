"""Compaction: giving back what nobody needs any more.

Every part of it is done under the log's lock, on what is true then, and the
lock is given back between two parts, so that nobody waits long for it:

1. If little of the last segment is needed, the log goes on in a new one.
2. What is out of grace is punched out where it lies, in older segments; so
   nothing moves. Only whole blocks can be given back.
3. Where the oldest segments hold little that lives, that is written again at
   the end (RELOCATE), and synced.
4. The oldest segments are removed, one by one, in which nothing lives, nothing
   is in grace, and nothing was written for a grace time.

Readers that know old places look again and find the new ones. Whoever finds
his place in the log gone reads it anew.

A body may be needed as long as a frame may have to be adopted, and frames are
adopted behind a head: after a power loss an older one, or, if it is lost, in
the last segment. So nothing in the last segment is punched, nor before there
is a head on the disk, synced, that names it.

A crash leaves holes that are not noted, which are then made again; or messages
at two places, of which the newer counts; or segments that nobody needs, which
the next compaction removes.
"""

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Pause, Steps
from imapbox.index.commit import Log, write_one
from imapbox.index.compact_plan import (
    CARD,
    OVERHEAD,
    Hole,
    Policy,
    Use,
    holes,
    is_worth_a_new_segment,
    rows_in,
    uses,
    worth_leaving,
)
from imapbox.index.damage import FULL, damage, fail_write, is_damaged, sync
from imapbox.index.head import Counts, Position
from imapbox.index.head_file import HEAD, head_of
from imapbox.index.lost_head import find_first_segment, first_frame
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import caught_up, open_log
from imapbox.index.operations import Meta
from imapbox.index.punched import PUNCHED, Punched
from imapbox.index.relocate import RelocateMessages, read_moving
from imapbox.index.rotate import rotate
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, publish, settle
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.index.transaction import Change, NeedsNoFacts, Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import DiskFull, MailboxDamaged

T = TypeVar("T")

COMMAND: Final = "compact"
_HOLES_AT_ONCE: Final = 500
# This file system makes no holes, or finds no room to note one.
_CAN_NOT: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS}) | FULL


@dataclass(slots=True)
class Compacted:
    """What came of a compaction.

    Attributes:
        before: What the segments took on the disk, in octets.
        after: What they take now.
        in_grace: What of that goes later, when it is out of grace.
        punched: Octets that were punched out.
        relocated: Messages that were written again.
        removed: Segments that were removed.
        broken: UIDs of messages that are not what was stored; they stay.
        is_full: There was no room to write messages again.
    """

    before: int = 0
    after: int = 0
    in_grace: int = 0
    punched: int = 0
    relocated: int = 0
    removed: int = 0
    broken: list[int] = field(default_factory=list)
    is_full: bool = False


def compact(log: Log, settings: Settings, policy: Policy) -> Steps[Compacted]:
    """Give back what nobody needs of a mailbox's log.

    Raises:
        MailboxDamaged: It is; nothing was done.
        MailboxBusy: The lock was not to be had; what was done until then stays.
        DiskFull: There is no room even to mend what somebody left.
        FileNotFoundError: There is no log.
    """
    run = _Run(log, settings, policy)
    yield from run.read()
    yield from run.work()
    return run.done


def look_for_work(log: Log, settings: Settings, policy: Policy) -> Steps[list[Use]]:
    """Say what the segments are used for, and change nothing.

    Raises:
        MailboxDamaged: The mailbox is.
    """
    run = _Run(log, settings, policy)
    yield from run.read()
    return (yield from run.look())


def has_much_dead(directory: str, least: int) -> Steps[bool]:
    """Say whether a log has ``least`` octets that are dead, and more than live.

    A glance: each card counts as a usual one, what is in grace as dead, and a
    mailbox that is damaged, or whose head can't be read, as one in which nothing is.
    """
    head = yield from head_of(directory)
    if head is None or (yield from is_damaged(directory)):
        return False
    taken = 0
    for number in segment_numbers((yield from steps.list_directory(directory))):
        with suppress(FileNotFoundError):
            taken += yield from steps.opened(
                f"{directory}/{segment_name(number)}", Mode.READ, steps.allocated
            )
    needed = head.counts.live + head.counts.exists * (OVERHEAD + CARD)
    return taken - needed > max(least, needed)


class _Run:
    """One compaction."""

    def __init__(self, log: Log, settings: Settings, policy: Policy) -> None:
        self.done = Compacted()
        self._log = log
        self._settings = settings
        self._policy = policy
        self._state = MailboxState()
        self._holes: list[Hole] = []
        self._made: set[Hole] = set()
        self._first = 0
        self._punched = Punched(0, 0)
        self._head_is_synced = False
        self._leaving: list[int] = []

    def read(self) -> Steps[None]:
        """Learn what is in the log, without its lock."""
        directory = self._log.directory
        # What is decided on it can't be undone: all of a snapshot is checked.
        saved = MailboxSnapshots(checked=True)
        opened = yield from open_log(directory, self._settings, MailboxState, saved)
        if opened.damaged:
            raise MailboxDamaged(directory)
        self._state = opened.state

    def look(self) -> Steps[list[Use]]:
        """Return what the segments are used for. No lock is held."""
        return (yield from self._unlocked(self._uses))

    def _uses(self) -> Steps[list[Use]]:
        directory, end = self._log.directory, self._state.position.segment
        first = yield from find_first_segment(directory, end)
        taken = {}
        for number in range(first.segment, end + 1):
            path = f"{directory}/{segment_name(number)}"
            # Another one may be removing the oldest ones.
            with suppress(FileNotFoundError):
                taken[number] = yield from steps.opened(
                    path, Mode.READ, steps.allocated
                )
        base = yield from first_frame(directory, end)
        if base is not None:
            taken[end] -= base.end.offset  # a new segment would have it, too
        return uses(self._state, taken, (yield from self._limit()))

    def work(self) -> Steps[None]:
        """Do all that is worth it."""
        found = yield from self.look()
        self.done.before = sum(use.taken for use in found)
        if is_worth_a_new_segment(found[-1], self._policy):
            yield from self._under_lock(self._begin_segment)
        yield from self._unlocked(self._find_holes)
        while self._holes:
            yield from self._under_lock(self._punch)
        *old, _ = yield from self.look()
        self._leaving = worth_leaving(old)
        try:
            while self._rows():
                yield from self._under_lock(self._relocate)
        except DiskFull:
            self.done.is_full = True
        if (yield from self._unlocked(self._removable)):
            yield from self._under_lock(self._remove)
        found = yield from self.look()
        self.done.after = sum(use.taken for use in found)
        self.done.in_grace = sum(use.grace for use in found)

    def _limit(self) -> Steps[int]:
        """Return until when what died is out of grace now."""
        now = yield from steps.now()
        return self._policy.limit(int(now * 1_000_000))

    def _unlocked(self, look: Callable[[], Steps[T]]) -> Steps[T]:
        """Look at the log without its lock.

        Another compaction, with little grace, may just have removed where the log
        ended when it was read. That is looked up under the lock, and is no damage.
        """
        try:
            return (yield from look())
        except (FileNotFoundError, MailboxDamaged):
            return (yield from self._under_lock(lambda _tail: look()))

    def _under_lock(self, part: Callable[[Tail], Steps[T]]) -> Steps[T]:
        """Do a part; between two of them the process may do, or end, other work."""
        moment = yield from steps.monotonic()
        yield Pause(self._log.lock, moment)

        def section() -> Steps[T]:
            tail = yield from settle(self._log.directory, self._settings)
            yield from self._catch_up(tail.position)
            return (yield from part(tail))

        identity = Identity(self._settings.node, self._settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + self._settings.patience
        return (yield from locked([self._log.lock], identity, until, section))

    def _catch_up(self, end: Position) -> Steps[None]:
        """Learn what was committed since. The lock is held."""
        directory = self._log.directory
        self._state = yield from caught_up(directory, self._state, end, MailboxState)
        if self._state.missing:
            raise (yield from damage(directory, "messages are missing"))

    def _begin_segment(self, tail: Tail) -> Steps[None]:
        (*_, last) = yield from self._uses()
        if is_worth_a_new_segment(last, self._policy):
            facts = self._log.facts()
            tail = yield from rotate(self._log.directory, facts, tail, self._settings)
            yield from self._catch_up(tail.position)

    def _find_holes(self) -> Steps[None]:
        limit = yield from self._limit()
        end = self._state.position.segment
        first = yield from find_first_segment(self._log.directory, end)
        self._first = first.segment
        self._punched = Punched(max(0, limit), end)
        self._holes = self._due()

    def _due(self) -> list[Hole]:
        """Return the holes that are to be made and were not yet."""
        where = range(self._first, self._punched.segment)
        due = holes(self._state, self._punched.time, where)
        return [hole for hole in due if hole not in self._made]

    def _punch(self, tail: Tail) -> Steps[None]:
        if not self._head_is_synced:
            # Now no head will be found behind which these bodies lie.
            yield from publish(self._log.directory, tail, self._settings)
            path = f"{self._log.directory}/{HEAD}"
            yield from steps.opened(path, Mode.WRITE, steps.fdatasync)
            self._head_is_synced = True
        now, self._holes = self._holes[:_HOLES_AT_ONCE], self._holes[_HOLES_AT_ONCE:]
        self._made.update(now)
        for segment, group in groupby(now, key=lambda hole: hole.segment):
            path = f"{self._log.directory}/{segment_name(segment)}"
            punch = partial(self._punch_segment, here=list(group))
            try:
                can = yield from steps.opened(path, Mode.WRITE, punch)
            except FileNotFoundError:
                continue  # another one removed it
            if not can:
                self._holes = []
                return
        if not self._holes:
            # With little grace, more may have died before that moment since.
            self._holes = self._due()
        if not self._holes:
            note = _Note(Meta(PUNCHED, self._punched.encode()))
            # Without it the holes are made again. What then goes makes room.
            with suppress(DiskFull):
                yield from self._write(tail, note)

    def _punch_segment(self, fd: int, *, here: list[Hole]) -> Steps[bool]:
        """Make holes in a segment; return whether this file system can do that."""
        try:
            for hole in here:
                yield from steps.punch(fd, hole.offset, hole.size)
                self.done.punched += hole.size
        except OSError as error:
            if error.errno not in _CAN_NOT:
                yield from fail_write(self._log.directory, error)
            return False
        yield from sync(self._log.directory, fd)  # before it is noted
        return True

    def _rows(self) -> list[int]:
        """Return the rows of messages that are to be written again next."""
        return rows_in(self._state, self._leaving, self.done.broken, self._policy.batch)

    def _relocate(self, tail: Tail) -> Steps[None]:
        rows = self._rows()
        moving = yield from read_moving(self._log.directory, self._state, rows)
        moved = {each.operation.message.uid for each in moving}
        uids = (int(self._state.columns["uid"][row]) for row in rows)
        self.done.broken += [uid for uid in uids if uid not in moved]
        if moving:
            yield from self._write(tail, RelocateMessages(moving))
            self.done.relocated += len(moving)

    def _write(self, tail: Tail, transaction: Transaction) -> Steps[None]:
        yield from write_one(self._log, self._settings, tail, transaction)

    def _removable(self) -> Steps[list[int]]:
        """Return the oldest segments, as many as may be removed."""
        *old, _ = yield from self._uses()
        limit = yield from self._limit()
        found = []
        for use in old:
            if use.alive or use.grace:
                break
            # The next one's first frame is as old as this one's last.
            base = yield from first_frame(self._log.directory, use.number + 1)
            if base is None or base.time > limit:
                break
            found.append(use.number)
        return found

    def _remove(self, tail: Tail) -> Steps[None]:
        del tail
        for number in (yield from self._removable()):
            yield from steps.unlink(f"{self._log.directory}/{segment_name(number)}")
            # The next one must not go before this one: the log would have a gap.
            yield from steps.sync_directory(self._log.directory)
            self.done.removed += 1


@dataclass(frozen=True, slots=True)
class _Note(NeedsNoFacts):
    """Write a fact that concerns no client."""

    meta: Meta

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`."""
        del time
        return Change([self.meta.encode()], counts)
