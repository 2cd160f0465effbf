"""Mending one log, under its lock.

The smallest thing that makes it sound is done. Marked, and sound: the mark goes.
Something behind the end that nobody published: it is settled, as by any writer.
What has no place among the log's files is moved to ``lost+found``. Only a log that
can't be read from its beginning to its end is written anew (`new_log`), from all
that can be read of it; what was there is kept in ``lost+found``.

While a log is written anew it is marked as damaged, so that nobody changes it. The
mark is removed last. A crash anywhere leaves a log that is marked, or one that is
mended; to begin again ends the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

from imapbox.disk import steps
from imapbox.disk.failures import in_full, in_words, unworded
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.check_frames import Audit
from imapbox.index.check_names import is_ours
from imapbox.index.checked_log import CheckedLog, EndingAudit
from imapbox.index.create import write_file
from imapbox.index.damage import DAMAGED, is_damaged, mark_damaged
from imapbox.index.head import Head
from imapbox.index.head_file import HEAD, head_of
from imapbox.index.lost_found import below, keep, move, place_to_keep
from imapbox.index.new_log import NewLog, write_head, write_new_log
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import settle_all
from imapbox.index.snapshot import snapshot_names
from imapbox.locks.lock_file import LOCK, LOCK_FILE_SIZE, new_lock_file
from imapbox.model.errors import MailError, StoreFailure

A = TypeVar("A", bound=EndingAudit)


class State(Enum):
    """How far something was mended; the words that the operator reads."""

    TODO = "todo"
    DONE = "done"
    LEFT = "left"


class Mending(NamedTuple):
    """One thing that is to be mended.

    Attributes:
        path: Of the file or directory, below the store.
        sentence: What is done, or why it can't be.
        state: Whether it was.
        error: What kept it from being done, where that is not what was found.
    """

    path: str
    sentence: str
    state: State
    error: MailError | OSError | None = None

    @property
    def left(self) -> bool:
        """Say whether it can't be done."""
        return self.state is State.LEFT


@dataclass(slots=True)
class Job:
    """What is to be mended, and what was done of it so far.

    Attributes:
        settings: How to write.
        apply: Whether to do it; else it is only said.
        mended: What was said.
    """

    settings: Settings
    apply: bool
    mended: list[Mending] = field(default_factory=list)

    @contextmanager
    def doing(self, path: str, sentence: str) -> Iterator[bool]:
        """Note that something is to be done, and behind the block that it was.

        Who leaves the block by an error has not done it.

        Returns:
            Whether to do it.
        """
        at = len(self.mended)
        self.mended.append(Mending(path, sentence, State.TODO))
        yield self.apply
        if self.apply:
            self.mended[at] = Mending(path, sentence, State.DONE)

    def leave(
        self, path: str, sentence: str, error: MailError | OSError | None = None
    ) -> None:
        """Note that something can't be done."""
        self.mended.append(Mending(path, sentence, State.LEFT, error))

    def fail(self, path: str, error: MailError | OSError) -> None:
        """Note that something was not gone on with, and why."""
        self.leave(path, f"not gone on with: {_reason(error)}", error)


def mend_lock(job: Job, directory: str, checked: CheckedLog[A]) -> Steps[bool]:
    """Make a lock where there is none, before anybody can take it.

    Returns:
        Whether there is one, or would be.
    """
    if not checked.lock_is_wrong:
        return True
    path = f"{directory}/{LOCK}"
    there = yield from steps.exists(path)
    if there and not (yield from steps.status(path)).is_file:
        job.leave(path, "it is no file; remove it, and a lock is made")
        return False

    def write(fd: int) -> Steps[None]:
        yield from steps.truncate(fd, LOCK_FILE_SIZE)
        yield from steps.pwrite(fd, new_lock_file(), 0)
        yield from steps.fdatasync(fd)

    with job.doing(path, "a lock is made") as wanted:
        if not wanted:
            return True
        if there:
            yield from steps.opened(path, Mode.WRITE, write)
        else:
            yield from write_file(path, new_lock_file())
        yield from steps.sync_directory(directory)
    return True


def mend_small_things(job: Job, directory: str, checked: CheckedLog[A]) -> Steps[None]:
    """Mend a log that can be read from its beginning to its end.

    Its messages have been read, if it is marked.
    """
    odd = yield from _odd_kinds(directory)
    yield from _move_strange(job, directory, [*checked.strange, *odd])
    counts = checked.counts_at_head
    if counts is not None:
        with job.doing(f"{directory}/{HEAD}", "it is made anew") as wanted:
            head = (yield from good_head(directory)) if wanted else None
            if head is not None:
                yield from write_head(directory, head._replace(counts=counts))
    if not checked.marked:
        yield from _find_end(job, directory, checked)
        return
    sentence = "the log is sound; the mark is removed"
    with job.doing(f"{directory}/{DAMAGED}", sentence) as wanted:
        if wanted:
            yield from _remove_mark(directory)
        # Here, since a disk that fails meanwhile leaves a mark again.
        yield from _find_end(job, directory, checked)


def mend_foreign(job: Job, directory: str, checked: CheckedLog[A]) -> Steps[None]:
    """Move what is none of imapbox's, where the log itself is written anew."""
    names = [name for name in checked.strange if not is_ours(name)]
    odd = yield from _odd_kinds(directory)
    yield from _move_strange(job, directory, [*names, *odd])


def replace_log(
    job: Job, directory: str, log: NewLog, make_audit: Callable[[], Audit], flags: int
) -> Steps[None]:
    """Write a log anew, and keep what was there.

    Args:
        job: Not a dry one.
        directory: The log's; its lock is held.
        log: What it will be.
        make_audit: Checks it before it counts.
        flags: Of the head.

    Raises:
        OSError: It could not be written; what was there is there.
        StoreFailure: What was there is not read twice alike.
    """
    yield from mark_damaged(directory, "imapbox repair was not finished")
    if not (yield from is_damaged(directory)):
        raise StoreFailure(directory)
    names = yield from steps.list_directory(directory)
    old = [segment_name(number) for number in segment_numbers(names)]
    for name in old:
        yield from keep(directory, name)
    end = yield from write_new_log(directory, log, make_audit)
    head = Head(job.settings.boot, end, log.counts, flags)
    yield from write_head(directory, head)
    for name in old:
        yield from steps.unlink(f"{directory}/{name}")
    for each in snapshot_names(names):
        # Nobody needs them, and servers remove them without a lock.
        with suppress(OSError):
            yield from keep(directory, each.name)
            yield from steps.unlink(f"{directory}/{each.name}")
    yield from steps.sync_directory(directory)
    yield from _remove_mark(directory)


def good_head(directory: str) -> Steps[Head | None]:
    """Return the head, if it can be read."""
    try:
        return (yield from head_of(directory))
    except OSError:
        return None


def _find_end(job: Job, directory: str, checked: CheckedLog[A]) -> Steps[None]:
    """Settle a log without mark."""
    if checked.unsettled:
        with job.doing(directory, "its end is found again") as wanted:
            if not wanted:
                return
            yield from settle_all(directory, job.settings)
            head = yield from good_head(directory)
            if head is not None:
                # Who settles writes over the head; what is behind it goes here.
                yield from write_head(directory, head)
    elif checked.marked and job.apply:
        # What the sync that failed may have left unsynced is written again.
        yield from settle_all(directory, job.settings)


def _odd_kinds(directory: str) -> Steps[list[str]]:
    """Return what has a name of ours and is no file, of what a log can do without."""
    names = yield from steps.list_directory(directory)
    segments = {segment_name(number) for number in segment_numbers(names)}
    odd = []
    for name in sorted(set(names) - segments - {LOCK, HEAD, DAMAGED}):
        with suppress(FileNotFoundError):  # servers remove snapshots without a lock
            status = yield from steps.status(f"{directory}/{name}")
            if is_ours(name) and not status.is_file:
                odd.append(name)
    return odd


def _move_strange(job: Job, directory: str, names: Sequence[str]) -> Steps[None]:
    place = yield from place_to_keep()
    for name in names:
        path = f"{directory}/{name}"
        try:
            found = yield from below(path)
        except PermissionError as error:
            job.leave(path, f"it can not be moved to {place}: {error.strerror}")
            continue
        except FileNotFoundError:
            continue  # servers remove snapshots without a lock
        if found.others:
            job.leave(found.others[0], "it is no file, and stays where it is")
            continue
        with job.doing(path, f"it is moved to {place}") as wanted:
            if not wanted:
                continue
            try:
                yield from move(found)
            except FileNotFoundError:
                if (yield from steps.exists(path)):
                    raise


def _reason(error: MailError | OSError) -> str:
    """Say why something failed, to whom the words for clients would tell little."""
    said = error if isinstance(error, FileNotFoundError) else unworded(error)
    if said is not None:
        where = "" if said.filename is None else f": {said.filename!r}"
        return f"{said.strerror}{where}"
    if type(error) is StoreFailure:
        return "the disk failed, or does not say the same twice"
    return in_full(in_words(error))


def _remove_mark(directory: str) -> Steps[None]:
    yield from steps.unlink(f"{directory}/{DAMAGED}")
    yield from steps.sync_directory(directory)
