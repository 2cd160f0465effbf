"""Checking one log, on a disk on which others are at work.

Nothing is written, and no lock is taken: what a lock's holder is writing lies
behind the head, and what is below the head never changes. Only the beginning of
a log can move, when compaction removes segments; then it is begun anew.
"""

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Pause, Steps
from imapbox.index.check_frames import Unsound, anything_behind, walk
from imapbox.index.check_names import LOCK, check_status, is_ours
from imapbox.index.check_snapshots import odd_snapshots
from imapbox.index.checked_log import CheckedLog, EndingAudit, Finding, Severity
from imapbox.index.cut import has_later_batch
from imapbox.index.damage import DAMAGED
from imapbox.index.head import HEAD_SIZE, Head, Position
from imapbox.index.head_file import HEAD, head_octets
from imapbox.index.lost_head import (
    find_first_segment,
    find_last_segment,
    is_litter,
)
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import LogBroken
from imapbox.index.segment import SEGMENT_HEADER_SIZE, segment_name, segment_numbers
from imapbox.index.whole_frame import end_of_whole
from imapbox.locks.lock_file import LOCK_FILE_SIZE, MAGIC
from imapbox.model.errors import MailboxDamaged, UnknownFormat

_TRIES: Final = 20
# Seconds between two tries; some 8 s in all.
_SHORTEST_WAIT: Final = 0.002
_LONGEST_WAIT: Final = 0.5
_REASON: Final = 500


A = TypeVar("A", bound=EndingAudit)


class _Moved(Exception):
    """A writer was at work; what was seen means nothing."""


def check_log(
    directory: str, make_audit: Callable[[], A], owner: int, *, held: bool = False
) -> Steps[CheckedLog[A]]:
    """Check a log, whoever writes it meanwhile.

    Args:
        directory: The log's.
        make_audit: Makes what takes in its frames.
        owner: Whose all of it should be.
        held: Whether the caller holds the log's lock, so that nobody writes it.

    Raises:
        FileNotFoundError: There is no such directory.
        OSError: The directory can't be read.
    """
    wait = _SHORTEST_WAIT
    lock_is_wrong = is_gone = False
    strange: list[str] = []
    missed: tuple[list[str], bytes] | None = None
    for _ in range(_TRIES):
        checked = CheckedLog(make_audit())
        before = yield from _what_is_there(directory)
        try:
            yield from _Check(directory, checked, owner, held=held).run()
        except (_Moved, FileNotFoundError) as error:
            # Whatever moved, there is no lock if there was none.
            lock_is_wrong, strange = checked.lock_is_wrong, checked.strange
            if not isinstance(error, FileNotFoundError):
                missed = None
            elif (yield from _what_is_there(directory)) == before:
                # Twice, since what a writer makes anew is not there for a moment.
                is_gone, missed = missed == before, before
            if is_gone or (held and missed is None):
                break
            moment = yield from steps.monotonic()
            wait = min(2 * wait, _LONGEST_WAIT)
            yield Pause(f"{directory}/{LOCK}", moment + wait)
            continue
        except OSError as error:
            sentence = f"it can not be read to its end: {error.strerror}"
            checked.broken = error.errno == errno.EIO
            checked.findings.append(Finding(Severity.UNKNOWN, directory, sentence))
        return checked
    checked = CheckedLog(make_audit(), lock_is_wrong=lock_is_wrong, strange=strange)
    if is_gone:
        checked.broken = True
        sentence = "a segment that the log needs is not there"
        checked.findings.append(Finding(Severity.DAMAGE, directory, sentence))
    else:
        checked.changed = True
        sentence = "it changed all the time while it was looked at"
        checked.findings.append(Finding(Severity.UNKNOWN, directory, sentence))
    return checked


def _what_is_there(directory: str) -> Steps[tuple[list[str], bytes]]:
    """Return names and head: other ones show that a writer was at work."""
    names = yield from steps.list_directory(directory)
    octets = b""
    with suppress(OSError):  # what is wrong with it is said elsewhere
        octets = yield from head_octets(directory)
    return sorted(names), octets


class _Check(Generic[A]):
    """One look at one log."""

    def __init__(
        self, directory: str, checked: CheckedLog[A], owner: int, *, held: bool
    ) -> None:
        self._directory = directory
        self._checked = checked
        self._owner = owner
        self._held = held
        self._seen: set[int] = set()

    def run(self) -> Steps[None]:
        """Look at all of it."""
        names = yield from steps.list_directory(self._directory)
        for name in names:
            path = f"{self._directory}/{name}"
            wrong = yield from check_status(path, self._owner)
            if not is_ours(name):
                self._checked.strange.append(name)
                if not wrong:
                    self._note(name, "this file is none of imapbox's")
            for sentence in wrong:
                self._damage(name, sentence)
        yield from self._check_lock(names)
        yield from self._check_mark(names)
        octets = yield from self._read_head(names)
        if len(octets) > HEAD_SIZE:
            self._note_unsettled(HEAD, "there is something behind its end")
        head = Head.decode(octets[:HEAD_SIZE])  # as everybody reads it
        try:
            yield from self._check_frames(names, octets, head)
        except UnknownFormat as error:
            self._add(Severity.UNKNOWN, "", error.sentence())

    def _add(self, severity: Severity, name: str, sentence: str) -> None:
        path = f"{self._directory}/{name}" if name else self._directory
        self._checked.findings.append(Finding(severity, path, sentence))

    def _damage(self, name: str, sentence: str) -> None:
        self._add(Severity.DAMAGE, name, sentence)

    def _break(self, name: str, sentence: str) -> None:
        self._checked.broken = True
        self._damage(name, sentence)

    def _break_at(self, at: Position) -> None:
        if at.offset == SEGMENT_HEADER_SIZE:
            sentence = "it is not there, or its header is not what it should be"
        else:
            sentence = f"the frame at {at.offset} makes no sense"
        self._break(segment_name(at.segment), sentence)

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

    def _check_lock(self, names: list[str]) -> Steps[None]:
        if LOCK not in names:
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

    def _check_mark(self, names: list[str]) -> Steps[None]:
        if DAMAGED in names:
            self._checked.marked = True
            reason = yield from self._read(DAMAGED, _REASON)
            text = reason.decode(errors="replace").strip()
            self._damage(DAMAGED, f"it was marked damaged: {text}")

    def _read_head(self, names: list[str]) -> Steps[bytes]:
        if HEAD not in names:
            return b""
        octets = b""
        for _ in range(_TRIES):
            octets = yield from self._read(HEAD, HEAD_SIZE + 1)
            if Head.decode(octets[:HEAD_SIZE]) is not None:
                break  # else it may be torn because somebody is writing it
        return octets

    def _check_frames(
        self, names: list[str], octets: bytes, head: Head | None
    ) -> Steps[None]:
        numbers = segment_numbers(names)
        is_old = head is not None and head.position.segment < min(numbers, default=0)
        if head is None or is_old:
            # An old one: a power loss behind a compaction can bring it back.
            what = "is old" if is_old else "is torn" if octets else "is lost"
            yield from self._check_headless(names, octets, what)
            return
        first = yield from self._first(head.position.segment)
        if first is None:
            self._break("", "there is no log")
            return
        broken = yield from self._walk(first, head.position)
        if broken is not None:
            again = yield from self._first(head.position.segment)
            if again != first:
                raise _Moved
            self._break(broken.name, broken.sentence)
            return
        self._check_counts(head)
        end = yield from self._check_behind(octets, head)
        if end is None:
            return
        # What a writer who died left behind the head counts, and so it does where a
        # power loss brought back a head from before a compaction.
        if (yield from self._walks(head.position, end)):
            yield from self._check_whole(names, octets, first, end)

    def _first(self, last: int) -> Steps[Position | None]:
        try:
            return (yield from find_first_segment(self._directory, last))
        except MailboxDamaged:
            return None

    def _check_headless(
        self, names: list[str], octets: bytes, what: str
    ) -> Steps[None]:
        """Check the frames as far as they go."""
        self._note_unsettled(
            HEAD, f"it {what}; the next writer makes it again from the log"
        )
        try:
            last = yield from find_last_segment(self._directory)
        except MailboxDamaged:
            self._break("", "there is no log")
            return
        first = yield from self._first(last.segment)
        if first is None:
            self._break("", "the log does not begin as it should")
            return
        if not (yield from self._walks(first, last)):
            return
        end = yield from self._walk_to_the_end(last)
        if end is not None:
            yield from self._check_whole(names, octets, first, end)

    def _walk_to_the_end(self, last: Position) -> Steps[Position | None]:
        """Check the frames of the last segment, of which no head says the end.

        Returns:
            The true end; None if that can't be told.
        """
        try:
            end = yield from end_of_whole(self._directory, last)
        except LogBroken as broken:
            self._break_at(broken.position)
            return None
        if not (yield from self._walks(last, end)):
            return None
        torn = yield from anything_behind(self._directory, end.segment, end.offset)
        yield from self._check_last(end, torn=torn)
        return end

    def _check_last(self, end: Position, *, torn: bool) -> Steps[None]:
        """Look at what is behind the last whole frame, if anything is."""
        name = segment_name(end.segment)
        if end.offset == SEGMENT_HEADER_SIZE:
            # Its first frame was durable before anything led to it.
            self._break(name, "it does not begin with a frame")
        elif (yield from self._has_later_batch(end)):
            sentence = f"the frame at {end.offset} is broken, and later ones follow it"
            self._break(name, sentence)
        elif torn:
            sentence = f"a crash left something unfinished at {end.offset}"
            self._note_unsettled(name, sentence)

    def _walk(self, start: Position, end: Position) -> Steps[Unsound | None]:
        try:
            found = yield from walk(self._directory, start, end, self._checked.audit)
        except Unsound as broken:
            return broken
        for number in found.dirty:
            self._note(segment_name(number), "behind its last frame there is something")
        self._checked.frames += found.frames
        self._seen.update(range(start.segment, end.segment + 1))
        self._checked.segments = len(self._seen)
        return None

    def _walks(self, start: Position, end: Position) -> Steps[bool]:
        """Say whether all frames are sound; where one is not the log is broken."""
        broken = yield from self._walk(start, end)
        if broken is not None:
            self._break(broken.name, broken.sentence)
        return broken is None

    def _check_whole(
        self, names: list[str], octets: bytes, first: Position, end: Position
    ) -> Steps[None]:
        """Check what only all frames together tell, and what is beside them."""
        for sentence in self._checked.audit.check_end():
            self._break("", sentence)
        yield from self._check_snapshots(names, end)
        log = range(first.segment, end.segment + 1)
        yield from self._check_others(names, log, octets)

    def _check_counts(self, head: Head) -> None:
        if self._checked.audit.counts != head.counts:
            self._checked.head_is_wrong = True
            self._damage(HEAD, "its counts are not those of the last frame")

    def _check_behind(self, octets: bytes, head: Head) -> Steps[Position | None]:
        """Look at what is behind the end that the head names.

        Returns:
            The true end; None if that can't be told.
        """
        try:
            end = yield from end_of_whole(self._directory, head.position)
        except LogBroken as broken:
            if (yield from self._is_busy(octets)):
                raise _Moved from broken
            self._break_at(broken.position)
            return None
        torn = yield from anything_behind(self._directory, end.segment, end.offset)
        if end == head.position and not torn:
            return end
        if (yield from self._is_busy(octets)):
            raise _Moved
        yield from self._check_last(end, torn=torn)
        if not (torn or self._checked.broken):
            sentence = "it does not name the end yet; the next writer sees to it"
            self._note_unsettled(HEAD, sentence)
        return end

    def _check_snapshots(self, names: list[str], end: Position) -> Steps[None]:
        truth = self._checked.audit.state
        if not isinstance(truth, MailboxState):
            return
        odd = yield from odd_snapshots(self._directory, names, end, truth)
        for name in odd.unused:
            self._note(name, "this snapshot is torn or old, and not used")
        for name in odd.spoilt:
            self._checked.strange.append(name)
            self._note(name, "some of this snapshot is not what was written")
        for name in odd.wrong:
            self._checked.strange.append(name)
            self._damage(name, "this snapshot says something else than the log")

    def _is_busy(self, octets: bytes) -> Steps[bool]:
        """Say whether somebody is writing, or has written meanwhile."""
        if self._held:
            return False
        path = f"{self._directory}/{LOCK}"
        with suppress(FileNotFoundError):
            if (yield from steps.opened(path, Mode.READ, steps.is_locked)):
                return True
        now = b""
        with suppress(FileNotFoundError):
            now = yield from self._read(HEAD, HEAD_SIZE + 1)
        return now != octets

    def _has_later_batch(self, at: Position) -> Steps[bool]:
        path = f"{self._directory}/{segment_name(at.segment)}"
        return (
            yield from steps.opened(path, Mode.READ, lambda fd: has_later_batch(fd, at))
        )

    def _check_others(self, names: list[str], log: range, octets: bytes) -> Steps[None]:
        """Look at the segments that are not part of the log."""
        others = [number for number in segment_numbers(names) if number not in log]
        if others and (yield from self._is_busy(octets)):
            raise _Moved
        for number in others:
            name = segment_name(number)
            if number < log.start:
                self._checked.strange.append(name)
                self._note(name, "the log begins behind it")
            elif (yield from is_litter(self._directory, number)):
                self._note(name, "a segment that was never begun")
            else:
                self._break(name, "it holds mail, and no SWITCH leads to it")
