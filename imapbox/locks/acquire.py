"""Taking file locks, giving them back, and waiting fairly in between.

Nobody waits while holding a lock: several locks are taken all or none, so no
order of taking them can end in a deadlock. Who finds one taken writes a slot
into the file, tries again (the releaser unlocks first and looks at the slots
then, so one of the two sees the other), and pauses until the bell rings, with
a jittered poll behind it for bells that nobody heard. Whoever held the lock
last lets a registered waiter go first, once.

The kernel frees the locks of a process that dies; its slot and note stay, and
are cleared by who meets them.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Pause, Steps
from imapbox.locks.lock_file import (
    BELL,
    EMPTY_SLOT,
    LOCK_FILE_SIZE,
    NOTE,
    SLOT_COUNT,
    SLOT_SIZE,
    SLOTS,
    LockHints,
    Note,
    Waiter,
    decode_hints,
    slot_node,
)
from imapbox.model.errors import MailboxBusy, MailboxDamaged

SHORTEST_POLL: Final = 0.001
LONGEST_POLL: Final = 0.020
# A slot older than this belongs to nobody: no patience is that long.
STALE_SLOT: Final = 600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks for a lock, as `imapbox locks` will show it."""

    node: str
    pid: int
    command: str


@dataclass(slots=True)
class _Lock:
    """One lock file, open."""

    path: str
    fd: int
    slot: int | None = None
    held: bool = False


def locked(
    paths: Sequence[str],
    identity: Identity,
    until: float,
    section: Callable[[], Steps[T]],
) -> Steps[T]:
    """Run ``section`` while holding all the locks.

    Args:
        paths: The lock files.
        identity: Written into them as a hint.
        until: When patience ends, on the monotonic clock.
        section: What to do with the locks held. It may not pause.

    Raises:
        MailboxBusy: Patience ended first.
        MailboxDamaged: A lock file is not there, and files that it guards are.
        OSError: A lock file could not be opened.
    """
    locks: list[_Lock] = []
    try:
        for path in paths:
            fd = yield from _open(path)
            locks.append(_Lock(path, fd))
        yield from _take(locks, identity, until)
        result = yield from section()
    except GeneratorExit:
        raise  # the process died: the kernel gives back what it held
    except BaseException:
        yield from _give_back(locks)
        raise
    yield from _give_back(locks)
    return result


def _open(path: str) -> Steps[int]:
    try:
        return (yield from steps.open_file(path, Mode.WRITE))
    except FileNotFoundError:
        directory, _, _ = path.rpartition("/")
        # The lock is made first and removed last.
        if (yield from steps.list_directory(directory)):
            raise MailboxDamaged(path) from None
        raise


def _take(locks: list[_Lock], identity: Identity, until: float) -> Steps[None]:
    yield from _let_waiter_go_first(locks, identity, until)
    poll = SHORTEST_POLL
    while busy := (yield from _try_all(locks)):
        if busy.slot is None:
            yield from _register(busy, identity)
            continue
        moment = yield from steps.monotonic()
        if moment >= until:
            hints = yield from _read_hints(busy)
            raise MailboxBusy(str(hints.note) if hints.note else "")
        jitter = (yield from steps.random(1))[0] / 512 + 0.5
        yield Pause(busy.path, min(until, moment + poll * jitter))
        poll = min(poll * 2, LONGEST_POLL)
    since = yield from steps.now()
    note = Note(identity.pid, since, identity.node, identity.command).encode()
    for lock in locks:
        yield from _hint(lock, note, NOTE)
        yield from _unregister(lock)


def _let_waiter_go_first(
    locks: list[_Lock], identity: Identity, until: float
) -> Steps[None]:
    for lock in locks:
        hints = yield from _read_hints(lock)
        mine = (identity.pid, slot_node(identity.node))
        if hints.note is None or (hints.note.pid, slot_node(hints.note.node)) != mine:
            continue
        others = [
            waiter
            for waiter in hints.waiters
            if (waiter.pid, slot_node(waiter.node)) != mine
        ]
        if not others or not (yield from _someone_lives(lock, others, identity)):
            continue
        yield from _register(lock, identity)
        moment = yield from steps.monotonic()
        yield Pause(lock.path, min(until, moment + LONGEST_POLL))


def _someone_lives(
    lock: _Lock, waiters: list[Waiter], identity: Identity
) -> Steps[bool]:
    """Say whether any of ``waiters`` can still be waiting; clear the others."""
    alive = False
    moment = yield from steps.now()
    here = slot_node(identity.node)
    for waiter in waiters:
        dead = moment - waiter.since > STALE_SLOT
        if not dead and slot_node(waiter.node) == here:
            dead = not (yield from steps.is_alive(waiter.pid))
        if dead:
            yield from _hint(lock, EMPTY_SLOT, SLOTS + waiter.number * SLOT_SIZE)
        alive = alive or not dead
    return alive


def _try_all(locks: list[_Lock]) -> Steps[_Lock | None]:
    """Take all the locks and return None, or none and return the busy one."""
    for lock in locks:
        lock.held = yield from steps.try_lock(lock.fd)
        if not lock.held:
            for other in locks:
                yield from _unlock(other)
            return lock
    return None


def _register(lock: _Lock, identity: Identity) -> Steps[None]:
    hints = yield from _read_hints(lock)
    taken = {waiter.number for waiter in hints.waiters}
    first = identity.pid % SLOT_COUNT
    numbers = ((first + n) % SLOT_COUNT for n in range(SLOT_COUNT))
    # Two may choose the same slot at once, and all may be taken: the poll is
    # there for them.
    lock.slot = next((n for n in numbers if n not in taken), first)
    since = yield from steps.now()
    slot = Waiter(lock.slot, identity.pid, since, identity.node).encode()
    yield from _hint(lock, slot, SLOTS + lock.slot * SLOT_SIZE)


def _unregister(lock: _Lock) -> Steps[None]:
    if lock.slot is not None:
        yield from _hint(lock, EMPTY_SLOT, SLOTS + lock.slot * SLOT_SIZE)
        lock.slot = None


def _unlock(lock: _Lock) -> Steps[None]:
    """Unlock first, look for waiters then: see the module's first paragraph."""
    if lock.held:
        lock.held = False
        yield from steps.unlock(lock.fd)
        hints = yield from _read_hints(lock)
        if any(waiter.number != lock.slot for waiter in hints.waiters):
            yield from _hint(lock, b"!", BELL)


def _give_back(locks: list[_Lock]) -> Steps[None]:
    """Free and close all of them, whatever fails: what was done is done."""
    for lock in reversed(locks):
        yield from _unregister(lock)
        with suppress(OSError):  # closing frees it, too
            yield from _unlock(lock)
        with suppress(OSError):  # it is closed all the same: close(2)
            yield from steps.close(lock.fd)


def _read_hints(lock: _Lock) -> Steps[LockHints]:
    try:
        return decode_hints((yield from steps.pread(lock.fd, LOCK_FILE_SIZE, 0)))
    except OSError:
        return LockHints(None, ())


def _hint(lock: _Lock, data: bytes, offset: int) -> Steps[None]:
    """Write a hint. That it fails changes nothing but comfort."""
    try:
        yield from steps.pwrite(lock.fd, data, offset)
    except OSError:
        return
