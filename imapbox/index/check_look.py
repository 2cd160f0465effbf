"""One look at one log, by who may hold no lock: see `check`."""

import errno
from contextlib import suppress
from typing import Final, Generic, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.check_frames import Unsound, anything_behind, end_of_whole, walk
from imapbox.index.check_names import check_status, is_ours
from imapbox.index.check_snapshots import odd_snapshots
from imapbox.index.checked_log import CheckedLog, EndingAudit, Finding, Severity
from imapbox.index.cut import has_later_batch
from imapbox.index.damage import DAMAGED
from imapbox.index.head import HEAD_SIZE, Head, Position
from imapbox.index.head_file import HEAD
from imapbox.index.lost_head import (
    find_first_segment,
    find_last_segment,
    is_litter,
)
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import HEAD_TRIES
from imapbox.index.segment import SEGMENT_HEADER_SIZE, segment_name, segment_numbers
from imapbox.locks.lock_file import LOCK, LOCK_FILE_SIZE, MAGIC
from imapbox.model.errors import MailboxDamaged, UnknownFormat

_REASON: Final = 500
_DAY: Final = 24 * 3600.0
# So often a head that goes on is followed, before what is behind it is looked at.
_FOLLOWED: Final = 5


A = TypeVar("A", bound=EndingAudit)


class Moved(Exception):
    """A writer was at work; what was seen means nothing."""


class Look(Generic[A]):
    """Looks at a log once.

    Args:
        directory: The log's.
        names: What is in it.
        checked: Where to note what is found.
        owner: Whose all of it should be.
        held: Whether the caller holds the log's lock.

    Attributes:
        head_octets: What the head was.
        is_certain: Whether what was found is true whoever was at work meanwhile.
        of_files: What was found of kinds, permissions, the lock and the mark, which
            is true whatever the log says.
    """

    def __init__(
        self,
        directory: str,
        names: list[str],
        checked: CheckedLog[A],
        owner: int,
        *,
        held: bool,
    ) -> None:
        self.head_octets = b""
        self.is_certain = True
        self.of_files: list[Finding] = []
        self._directory = directory
        self._names = names
        self._checked = checked
        self._owner = owner
        self._held = held
        # Whether readers see what is looked at, so that nobody changes it any more.
        self._is_published = True
        self._seen: set[int] = set()

    def run(self) -> Steps[None]:
        """Look at all of it.

        Raises:
            Moved: A writer was at work.
            LogBroken: Likewise.
            FileNotFoundError: A file that should be there is not.
            OSError: Something can't be read.
        """
        yield from self._check_names()
        yield from self._check_lock()
        yield from self._check_mark()
        self.of_files = list(self._checked.findings)
        self.head_octets = yield from self._read_head()
        if len(self.head_octets) > HEAD_SIZE:
            self._note_unsettled(HEAD, "there is something behind its end")
        try:
            yield from self._check_frames()
        except UnknownFormat as error:
            self._leave_unread(error.sentence().rstrip("."), error)
        if self._checked.unsettled or not self.is_certain:
            yield from self._see_nobody()

    def miss(self) -> None:
        """Note that a file was not there; it may have been made anew just then."""
        self.is_certain = False
        self._break("", "a segment that the log needs is not there")

    def fail(self, error: OSError) -> None:
        """Note that something could not be read."""
        sentence = f"it can not be read to its end: {error.strerror}"
        if error.errno == errno.EIO:  # a repair reads around it
            self._checked.broken = True
            self._add(Severity.UNKNOWN, "", sentence)
        else:
            self._leave_unread(sentence, error)

    def is_busy(self) -> Steps[bool]:
        """Say whether somebody is writing, or has written meanwhile."""
        if self._held:
            return False
        if not self._checked.lock_is_wrong:
            path = f"{self._directory}/{LOCK}"
            try:
                if (yield from steps.opened(path, Mode.READ, steps.is_locked)):
                    return True
            except FileNotFoundError:
                return True  # somebody removes all of it
        octets = b""
        with suppress(FileNotFoundError):
            octets = yield from self._read(HEAD, HEAD_SIZE + 1)
        return octets != self.head_octets

    def _add(self, severity: Severity, name: str, sentence: str) -> None:
        path = f"{self._directory}/{name}" if name else self._directory
        self._checked.findings.append(Finding(severity, path, sentence))

    def _see_nobody(self) -> Steps[None]:
        """See that nobody is at work on what no head names.

        Raises:
            Moved: Somebody is, or was.
        """
        if (yield from self.is_busy()):
            raise Moved

    def _leave_unread(self, sentence: str, error: UnknownFormat | OSError) -> None:
        self._checked.unread = sentence
        self._checked.why = error
        self._add(Severity.UNKNOWN, "", sentence)

    def _damage(self, name: str, sentence: str) -> None:
        self._add(Severity.DAMAGE, name, sentence)
        self._doubt()

    def _doubt(self) -> None:
        if not (self._is_published or self._held):
            self.is_certain = False

    def _break(self, name: str, sentence: str) -> None:
        self._checked.broken = True
        self._damage(name, sentence)

    def _note(self, name: str, sentence: str) -> None:
        self._add(Severity.NOTE, name, sentence)

    def _note_unsettled(self, name: str, sentence: str) -> None:
        self._checked.unsettled = True
        self._note(name, sentence)

    def _read(self, name: str, size: int) -> Steps[bytes]:
        return (
            yield from steps.opened(
                f"{self._directory}/{name}",
                Mode.READ,
                lambda fd: steps.pread(fd, size, 0),
            )
        )

    def _check_names(self) -> Steps[None]:
        for name in self._names:
            path = f"{self._directory}/{name}"
            try:
                wrong = yield from check_status(path, self._owner)
            except FileNotFoundError:
                continue  # whoever needs it finds out; a snapshot may go at any time
            if not is_ours(name):
                self._checked.strange.append(name)
                if not wrong:
                    self._note(name, "this file is none of imapbox's")
            for sentence in wrong:
                self._damage(name, sentence)

    def _check_lock(self) -> Steps[None]:
        if LOCK not in self._names:
            self._checked.lock_is_wrong = True
            self._damage(LOCK, "there is no lock, so nobody can write")
            return
        path = f"{self._directory}/{LOCK}"
        if not (yield from steps.status(path)).is_file:
            self._checked.lock_is_wrong = True  # it was said what it is
            return
        content = yield from self._read(LOCK, LOCK_FILE_SIZE + 1)
        if len(content) != LOCK_FILE_SIZE or not content.startswith(MAGIC):
            self._checked.lock_is_wrong = True
            self._damage(LOCK, "this is not a lock's file")

    def _check_mark(self) -> Steps[None]:
        if DAMAGED in self._names:
            self._checked.marked = True
            reason = yield from self._read(DAMAGED, _REASON)
            text = reason.decode(errors="replace").strip()
            self._damage(DAMAGED, f"it was marked damaged: {text}")

    def _read_head(self) -> Steps[bytes]:
        if HEAD not in self._names:
            return b""
        octets = b""
        for _ in range(HEAD_TRIES):
            octets = yield from self._read(HEAD, HEAD_SIZE + 1)
            if Head.decode(octets[:HEAD_SIZE]) is not None:
                break  # else it may be torn because somebody is writing it
        return octets

    def _check_frames(self) -> Steps[None]:
        head = Head.decode(self.head_octets[:HEAD_SIZE])  # as everybody reads it
        oldest = min(segment_numbers(self._names), default=0)
        if head is None:
            what = "is torn" if self.head_octets else "is lost"
            yield from self._check_headless(what)
        elif head.position.segment < oldest:
            # A power loss behind a compaction can bring it back.
            yield from self._check_headless("is old")
        else:
            yield from self._check_headed(head)

    def _check_headless(self, what: str) -> Steps[None]:
        """Check the frames as far as they go."""
        self._is_published = False
        self._note_unsettled(
            HEAD, f"it {what}; the next writer makes it again from the log"
        )
        try:
            last = yield from find_last_segment(self._directory)
            first = yield from find_first_segment(self._directory, last.segment)
        except MailboxDamaged:
            self._break_at_the_beginning()
            return
        if not (yield from self._walks(first, last)):
            return
        end = yield from self._check_to_the_end(last)
        if end is not None:
            yield from self._check_whole(first, end)

    def _check_headed(self, head: Head) -> Steps[None]:
        """Check the frames up to the head, and what is behind it."""
        first = yield from self._first(head.position.segment)
        if first is None:
            # A compaction may have removed it just now.
            self._is_published = False
            self._break_at_the_beginning()
            return
        if not (yield from self._walks(first, head.position)):
            if (yield from self._first(head.position.segment)) != first:
                raise Moved
            return
        head = yield from self._follow(head)
        if self._checked.audit.counts != head.counts:
            self._checked.counts_at_head = self._checked.audit.counts
            self._damage(HEAD, "its counts are not those of the last frame")
        self._is_published = False
        end = yield from self._check_to_the_end(head.position)
        if end is None:
            return
        # What is true of all frames is true for readers if these are all they see.
        self._is_published = end == head.position
        if not (self._is_published or self._checked.broken):
            sentence = "it does not name the end yet; the next writer sees to it"
            self._note_unsettled(HEAD, sentence)
        # What a writer who died left behind the head counts, and so it does where a
        # power loss brought back a head from before a compaction.
        yield from self._check_whole(first, end)

    def _follow(self, head: Head) -> Steps[Head]:
        """Follow a head that goes on meanwhile; a walk may take minutes.

        Only where it stands still can be looked behind it.
        """
        for _ in range(_FOLLOWED):
            octets = yield from self._read_head()
            newer = Head.decode(octets[:HEAD_SIZE])
            if newer is None or octets == self.head_octets:
                break
            if newer.position != head.position and not (
                yield from self._walks(head.position, newer.position)
            ):
                raise Moved  # that one isn't of this log any more
            head, self.head_octets = newer, octets
        return head

    def _first(self, last: int) -> Steps[Position | None]:
        try:
            return (yield from find_first_segment(self._directory, last))
        except MailboxDamaged:
            return None

    def _break_at_the_beginning(self) -> None:
        sentence = "it has no first segment, or one that does not begin as it should"
        self._break("", sentence)

    def _check_to_the_end(self, at: Position) -> Steps[Position | None]:
        """Check the frames from ``at`` on, of which no head says how far they go.

        Returns:
            The true end; None if that can't be told.
        """
        try:
            end = yield from end_of_whole(self._directory, at, self._see_nobody)
        except Unsound as broken:
            self._break(broken.name, broken.sentence)
            return None
        if not (yield from self._walks(at, end)):
            return None
        name = segment_name(end.segment)
        torn = yield from anything_behind(self._directory, end.segment, end.offset)
        if end.offset == SEGMENT_HEADER_SIZE:
            # Its first frame was durable before anything led to it.
            self._break(name, "it does not begin with a frame")
        elif torn and (yield from self._has_later_batch(end)):
            sentence = f"the frame at {end.offset} is broken, and later ones follow it"
            self._break(name, sentence)
        elif torn:
            sentence = f"a crash left something unfinished at {end.offset}"
            self._note_unsettled(name, sentence)
        return end

    def _has_later_batch(self, at: Position) -> Steps[bool]:
        path = f"{self._directory}/{segment_name(at.segment)}"
        return (
            yield from steps.opened(path, Mode.READ, lambda fd: has_later_batch(fd, at))
        )

    def _walks(self, start: Position, end: Position) -> Steps[bool]:
        """Say whether all frames are sound; where one is not the log is broken."""
        try:
            found = yield from walk(self._directory, start, end, self._checked.audit)
        except Unsound as broken:
            self._break(broken.name, broken.sentence)
            return False
        for number in found.dirty:
            self._note(segment_name(number), "behind its last frame there is something")
        self._checked.frames += found.frames
        self._seen.update(range(start.segment, end.segment + 1))
        self._checked.segments = len(self._seen)
        return True

    def _check_whole(self, first: Position, end: Position) -> Steps[None]:
        """Check what only all frames together tell, and what is beside them."""
        for sentence in self._checked.audit.check_end():
            self._break("", sentence)
        if not self._checked.broken:
            yield from self._check_snapshots(end)
        yield from self._check_others(range(first.segment, end.segment + 1))
        yield from self._check_time(end)

    def _check_time(self, end: Position) -> Steps[None]:
        """Note that a clock was ahead: the time of frames never goes back."""
        ahead = self._checked.audit.time / 1_000_000 - (yield from steps.now())
        if ahead >= _DAY:
            days = int(ahead / _DAY)
            sentence = f"its time is {days} days ahead of the clock"
            self._note(segment_name(end.segment), sentence)

    def _check_snapshots(self, end: Position) -> Steps[None]:
        truth = self._checked.audit.state
        if not isinstance(truth, MailboxState):
            return
        odd = yield from odd_snapshots(self._directory, self._names, end, truth)
        for name in odd.unused:
            self._note(name, "this snapshot is torn or old, and not used")
        for name in odd.spoilt:
            self._checked.strange.append(name)
            self._note(name, "some of this snapshot is not what was written")
        for name in odd.wrong:
            self._checked.strange.append(name)
            self._damage(name, "this snapshot says something else than the log")

    def _check_others(self, log: range) -> Steps[None]:
        """Look at the segments that are not part of the log."""
        self._is_published = False  # a rotation may be at work on them
        for number in segment_numbers(self._names):
            if number in log:
                continue
            self._doubt()
            name = segment_name(number)
            if number < log.start:
                self._checked.strange.append(name)
                self._note(name, "the log begins behind it")
            elif (yield from is_litter(self._directory, number)):
                self._note(name, "a segment that was never begun")
            else:
                self._break(name, "it holds mail, and no SWITCH leads to it")
