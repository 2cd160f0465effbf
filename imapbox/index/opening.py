"""Opening a log: the first look of a process.

No lock is needed if the head's CRC is good, it is of this boot, the log can be
followed up to it (from the newest good snapshot, or from its beginning), and
nothing but zeros or the file's end is behind it. Else the log is settled under
its lock first.

A log that can't be followed up to a head need not be broken: compaction may have
removed what led there, and written behind that head what it needed of it. So
it is marked as damaged only by who reads it while he holds the lock.
"""

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, NamedTuple, Protocol, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import damage, is_damaged, mark_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Head, Position
from imapbox.index.head_file import head_octets
from imapbox.index.lost_head import find_first_segment, find_last_segment
from imapbox.index.read import LogBroken, follow
from imapbox.index.salvage import read_behind
from imapbox.index.segment import segment_name
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import MailboxDamaged, StoreFailure

_TRIES = 3
_PIECE = 64 * 1024


class Folded(Protocol):
    """What a log is folded into.

    Attributes:
        position: Behind the last frame that was taken in.
    """

    position: Position

    @property
    def missing(self) -> int:
        """Return how many messages exist that no frame has shown yet."""
        ...

    def apply(self, frame: Frame) -> None:
        """Take in the next frame."""
        ...


S = TypeVar("S", bound=Folded)
T = TypeVar("T")
S_co = TypeVar("S_co", bound=Folded, covariant=True)


class Saved(Protocol[S_co]):
    """Where a log was folded before, up to a position."""

    def names(self, directory: str, end: Position) -> Steps[list[str]]:
        """Return the names of those that may be used, the newest first."""
        ...

    def load(self, directory: str, name: str) -> Steps[S_co | None]:
        """Return what is there under a name; None if it can't be used."""
        ...


class Opened(NamedTuple, Generic[S]):
    """A log that was read.

    Attributes:
        token: The 64 bytes of the head that were applied, or what there is.
        head: The same, decoded; or what it would say if the log were settled.
        damaged: Whether the mailbox takes no changes.
        unsettled: Whether that is so only since nobody may write to the disk.
        state: What the log says.
    """

    token: bytes
    head: Head
    damaged: bool
    state: S
    unsettled: bool = False


def open_log(
    directory: str,
    settings: Settings,
    fold: Callable[[], S],
    saved: Saved[S] | None = None,
) -> Steps[Opened[S]]:
    """Read a log from the newest place where it was saved, or its beginning.

    Args:
        directory: The log's.
        settings: How to write, if it has to be settled.
        fold: Called before each try; what it returns takes in the frames.
        saved: Where else to begin.

    Raises:
        MailboxBusy: It has to be settled, and the lock was not to be had.
        MailboxDamaged: It can't be read at all.
        FileNotFoundError: There is no log.
    """
    before = None
    for _ in range(_TRIES):
        data = yield from head_octets(directory)
        head = Head.decode(data)
        if data == before or head is None or head.boot != settings.boot:
            break
        before = data
        if (yield from _is_clean(directory, head.position)):
            opened = yield from _read(directory, data, head, fold, saved)
            if opened is not None:
                return opened
        # If the head changes, somebody was at work, and nothing need be wrong.
    try:
        return (yield from _open_patiently(directory, settings, fold, saved))
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
    return (yield from _read_what_checks(directory, settings, fold, saved))


def _open_patiently(
    directory: str,
    settings: Settings,
    fold: Callable[[], S],
    saved: Saved[S] | None,
) -> Steps[Opened[S]]:
    """Settle a log, read it, and decide whether it is damaged if it can't be."""
    yield from recover(directory, settings, command="open")
    data = yield from head_octets(directory)
    head = Head.decode(data)
    if head is None or head.boot != settings.boot:
        if (yield from is_damaged(directory)):
            return (yield from _read_unsettled(directory, data, head, fold, saved))
        if head is None:
            raise MailboxDamaged(directory)
    opened = yield from _read(directory, data, head, fold, saved)
    if opened is not None:
        return opened

    def section() -> Steps[Opened[S]]:
        return _read_locked(directory, settings, fold, saved)

    return (yield from _under_lock(directory, settings, "open", section))


def _read_locked(
    directory: str,
    settings: Settings,
    fold: Callable[[], S],
    saved: Saved[S] | None,
) -> Steps[Opened[S]]:
    """Read a log that nobody can change meanwhile; mark it if it is broken."""
    with suppress(MailboxDamaged):  # it is marked, and read as it is
        yield from settle(directory, settings)
    data = yield from head_octets(directory)
    head = Head.decode(data)
    if head is None:
        return (yield from _read_unsettled(directory, data, head, fold, saved))
    state, broken = yield from _fold(directory, head.position, fold, saved)
    if broken is not None:
        yield from mark_damaged(directory, f"the log is broken: {broken}")
    damaged = broken is not None or (yield from is_damaged(directory))
    return Opened(data, head, damaged, state)


def _read_what_checks(
    directory: str, settings: Settings, fold: Callable[[], S], saved: Saved[S] | None
) -> Steps[Opened[S]]:
    """Read a log that nobody may write to: what is durable, and no more."""
    data = yield from head_octets(directory)
    head = Head.decode(data)
    if head is None or head.boot != settings.boot:
        opened = yield from _read_unsettled(directory, data, head, fold, saved)
        return opened._replace(unsettled=True)
    state, _ = yield from _fold(directory, head.position, fold, saved)
    return Opened(data, head, damaged=True, state=state, unsettled=True)


def _read_unsettled(
    directory: str,
    data: bytes,
    head: Head | None,
    fold: Callable[[], S],
    saved: Saved[S] | None,
) -> Steps[Opened[S]]:
    """Read a log that may not be settled, as far as it checks."""
    if head is not None:
        path = f"{directory}/{segment_name(head.position.segment)}"
        if not (yield from steps.exists(path)):
            head = None  # an old one: compaction removed what it names
    if head is None:
        # Who wrote SWITCH had synced what is before it.
        last = yield from find_last_segment(directory)
        head = Head(0, last, NO_COUNTS)
    state, broken = yield from _fold(directory, head.position, fold, saved)
    if broken is not None:
        return Opened(data, head, damaged=True, state=state)
    try:
        head = yield from read_behind(directory, head, state.apply)
    except DamagedOperations:
        state = yield from _fold_whole(directory, state.position, fold)
    return Opened(data, head, damaged=True, state=state)


def recover(
    directory: str, settings: Settings, *, command: str
) -> Steps[Position | None]:
    """Settle a log under its lock; leave a damaged one as it is.

    Returns:
        Where it ended; None: it is damaged.

    Raises:
        MailboxBusy: The lock was not to be had.
    """

    def section() -> Steps[Position | None]:
        with suppress(MailboxDamaged):  # readers read what can be read
            return (yield from settle(directory, settings)).position
        return None

    return (yield from _under_lock(directory, settings, command, section))


def _under_lock(
    directory: str, settings: Settings, command: str, section: Callable[[], Steps[T]]
) -> Steps[T]:
    moment = yield from steps.monotonic()
    identity = Identity(settings.node, settings.pid, command)
    until = moment + settings.patience
    return (yield from locked([f"{directory}/lock"], identity, until, section))


def follow_all(
    directory: str, end: Position, apply: Callable[[Frame], None]
) -> Steps[None]:
    """Give ``apply`` each frame of a log from its beginning up to ``end``.

    Raises:
        LogBroken: A frame, a segment, or the chain is not as it should be.
        DamagedOperations: A frame makes no sense.
        MailboxDamaged: The log has no beginning.
        UnknownFormat: A segment is of a format that this imapbox can not read.
    """
    start = yield from find_first_segment(directory, end.segment)
    yield from follow(directory, start, end, apply)


def caught_up(
    directory: str, folded: S, end: Position, fold: Callable[[], S]
) -> Steps[S]:
    """Return what a log says at ``end``, with its lock held.

    Args:
        directory: The log's.
        folded: What it said once. Where compaction removed that place, it is
            dropped, and the log is read from its beginning.
        end: The log's.
        fold: Makes what then takes in the frames.

    Raises:
        MailboxDamaged: The log is broken, and marked now.
    """
    try:
        yield from follow(directory, folded.position, end, folded.apply)
    except (LogBroken, DamagedOperations):
        folded = fold()
        try:
            yield from follow_all(directory, end, folded.apply)
        except (LogBroken, DamagedOperations) as broken:
            reason = f"the log is broken: {broken}"
            raise (yield from damage(directory, reason)) from broken
    return folded


def fold_up_to(
    directory: str,
    end: Position,
    fold: Callable[[], S],
    saved: Saved[S] | None = None,
) -> Steps[S]:
    """Return what a log says at ``end``.

    Raises:
        LogBroken: A frame, a segment, or the chain is not as it should be.
        DamagedOperations: A frame makes no sense.
        MailboxDamaged: The log has no beginning.
    """
    state, broken = yield from _fold(directory, end, fold, saved)
    if broken is not None:
        raise broken
    return state


def _read(
    directory: str,
    data: bytes,
    head: Head,
    fold: Callable[[], S],
    saved: Saved[S] | None,
) -> Steps[Opened[S] | None]:
    """Read a log up to a head; return None if that fails, and who knows why."""
    try:
        state, broken = yield from _fold(directory, head.position, fold, saved)
    except MailboxDamaged:
        return None  # its last segment may just have been removed
    damaged = yield from is_damaged(directory)
    if broken is not None and not damaged:
        return None
    return Opened(data, head, damaged, state)


def _fold(
    directory: str, end: Position, fold: Callable[[], S], saved: Saved[S] | None
) -> Steps[tuple[S, Exception | None]]:
    """Read a log up to ``end``; return what is wrong with it, too."""
    if saved is not None:
        for name in (yield from saved.names(directory, end)):
            loaded = yield from saved.load(directory, name)
            if loaded is None:
                continue
            broken = yield from _read_from(directory, loaded.position, end, loaded)
            if broken is None:
                return loaded, None
    state = fold()
    start = yield from find_first_segment(directory, end.segment)
    broken = yield from _read_from(directory, start, end, state)
    if isinstance(broken, DamagedOperations):
        state = yield from _fold_whole(directory, state.position, fold)
    return state, broken


def _fold_whole(directory: str, end: Position, fold: Callable[[], S]) -> Steps[S]:
    """Fold a log anew, up to a frame of which half is in the state, perhaps."""
    state = fold()
    if end.segment:  # else it is the first one
        start = yield from find_first_segment(directory, end.segment)
        yield from _read_from(directory, start, end, state)
    return state


def _read_from(
    directory: str, start: Position, end: Position, state: Folded
) -> Steps[Exception | None]:
    """Read a log; return what is wrong with it, None if it is sound."""
    try:
        yield from follow(directory, start, end, state.apply)
    except (LogBroken, DamagedOperations, StoreFailure) as broken:
        return broken
    if state.missing:
        return LogBroken(start)
    return None


def _is_clean(directory: str, end: Position) -> Steps[bool]:
    def read(fd: int) -> Steps[bool]:
        size = yield from steps.size(fd)
        if size < end.offset:
            return False
        for offset in range(end.offset, size, _PIECE):
            # Another process may be writing a COPY of any size: one look will do.
            behind = yield from steps.pread(fd, min(_PIECE, size - offset), offset)
            if any(behind):
                return False
        return True

    path = f"{directory}/{segment_name(end.segment)}"
    try:
        return (yield from steps.opened(path, Mode.READ, read))
    except FileNotFoundError:
        return False
