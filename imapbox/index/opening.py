"""Opening a log: the first look of a process.

No lock is needed if the head's CRC is good, it is of this boot, the log can be
followed up to it, and nothing but zeros or the file's end is behind it. Else
the log is settled under its lock first.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import is_damaged, mark_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Head, Position
from imapbox.index.lost_head import find_first_segment, find_last_segment
from imapbox.index.read import LogBroken, follow, read_head
from imapbox.index.salvage import read_behind
from imapbox.index.segment import segment_name
from imapbox.index.settings import Settings
from imapbox.index.settle import HEAD, settle
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import MailboxDamaged

_TRIES = 3


class Folded(Protocol):
    """What a log is folded into."""

    @property
    def missing(self) -> int:
        """Return how many messages exist that no frame has shown yet."""
        ...

    def apply(self, frame: Frame) -> None:
        """Take in the next frame."""
        ...


class Opened(NamedTuple):
    """A log that was read.

    Attributes:
        token: The 64 bytes of the head that were applied, or what there is.
        head: The same, decoded; or what it would say if the log were settled.
        damaged: Whether the mailbox takes no changes.
    """

    token: bytes
    head: Head
    damaged: bool


def open_log(
    directory: str, settings: Settings, fold: Callable[[], Folded]
) -> Steps[Opened]:
    """Read a log from its beginning.

    Args:
        directory: The log's.
        settings: How to write, if it has to be settled.
        fold: Called before each try; what it returns takes in the frames.
            The last one is what the log says.

    Raises:
        MailboxBusy: It has to be settled, and the lock was not to be had.
        MailboxDamaged: It can't be read at all.
        FileNotFoundError: There is no log.
    """
    for _ in range(_TRIES):
        data = yield from _read_head_file(directory)
        head = Head.decode(data)
        if head is None or head.boot != settings.boot:
            break
        if not (yield from _is_clean(directory, head.position)):
            if (yield from _read_head_file(directory)) == data:
                break
            continue  # a commit was on its way
        return (yield from _read(directory, data, head, fold))
    yield from recover(directory, settings, command="open")
    data = yield from _read_head_file(directory)
    head = Head.decode(data)
    if head is None or head.boot != settings.boot:
        if (yield from is_damaged(directory)):
            return (yield from _read_unsettled(directory, data, head, fold().apply))
        if head is None:
            raise MailboxDamaged(directory)
    return (yield from _read(directory, data, head, fold))


def _read_unsettled(
    directory: str, data: bytes, head: Head | None, apply: Callable[[Frame], None]
) -> Steps[Opened]:
    """Read a log that may not be settled, as far as it checks."""
    if head is None:
        # Who wrote SWITCH had synced what is before it.
        last = yield from find_last_segment(directory)
        head = Head(0, last, NO_COUNTS)
    try:
        yield from follow_all(directory, head.position, apply)
    except (LogBroken, DamagedOperations):
        return Opened(data, head, damaged=True)
    with suppress(DamagedOperations):
        head = yield from read_behind(directory, head, apply)
    return Opened(data, head, damaged=True)


def recover(directory: str, settings: Settings, *, command: str) -> Steps[None]:
    """Settle a log under its lock; leave a damaged one as it is.

    Raises:
        MailboxBusy: The lock was not to be had.
    """

    def section() -> Steps[None]:
        try:
            yield from settle(directory, settings)
        except MailboxDamaged:
            return  # readers read what can be read

    moment = yield from steps.monotonic()
    identity = Identity(settings.node, settings.pid, command)
    until = moment + settings.patience
    yield from locked([f"{directory}/lock"], identity, until, section)


def follow_all(
    directory: str, end: Position, apply: Callable[[Frame], None]
) -> Steps[None]:
    """Give ``apply`` each frame of a log from its beginning up to ``end``.

    Raises:
        LogBroken: A frame, a segment, or the chain is not as it should be.
        MailboxDamaged: The log has no beginning.
    """
    start = yield from find_first_segment(directory, end.segment)
    yield from follow(directory, start, end, apply)


def _read(
    directory: str, data: bytes, head: Head, fold: Callable[[], Folded]
) -> Steps[Opened]:
    broken: Exception | None = None
    for _ in range(_TRIES):
        start = yield from find_first_segment(directory, head.position.segment)
        broken = yield from _read_from(directory, start, head.position, fold())
        now = yield from find_first_segment(directory, head.position.segment)
        if broken is None or now == start:
            break
        # Its oldest segments were removed meanwhile: nothing is wrong with it.
    if broken is not None:
        yield from mark_damaged(directory, f"the log is broken: {broken}")
    damaged = broken is not None or (yield from is_damaged(directory))
    return Opened(data, head, damaged)


def _read_from(
    directory: str, start: Position, end: Position, state: Folded
) -> Steps[Exception | None]:
    """Read a log; return what is wrong with it, None if it is sound."""
    try:
        yield from follow(directory, start, end, state.apply)
    except (LogBroken, DamagedOperations) as broken:
        return broken
    if state.missing:
        return LogBroken(start)
    return None


def _read_head_file(directory: str) -> Steps[bytes]:
    try:
        path = f"{directory}/{HEAD}"
        return (yield from steps.opened(path, Mode.READ, read_head))
    except FileNotFoundError:
        return b""


def _is_clean(directory: str, end: Position) -> Steps[bool]:
    def read(fd: int) -> Steps[bool]:
        size = yield from steps.size(fd)
        if size < end.offset:
            return False
        behind = yield from steps.pread(fd, size - end.offset, end.offset)
        return not any(behind)

    path = f"{directory}/{segment_name(end.segment)}"
    try:
        return (yield from steps.opened(path, Mode.READ, read))
    except FileNotFoundError:
        return False
