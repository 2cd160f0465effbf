"""The file ``lock``: who holds it, and who waits.

The lock itself is the kernel's, on the whole file (`FileSystem.try_lock`). The
file is made with the mailbox, 4096 bytes long, and never replaced, renamed or
unlinked while the mailbox lives. Its bytes are hints, never synced; a crash
leaves stale ones, which cost a wake-up. Little-endian::

    offset  size  field
         0    16  "imapbox lock 0" and two zero bytes
        16     1  the bell: written by a releaser to wake those who wait
       512   512  the holder's note: whoever held the lock last
      1024  2048  64 slots of 32 bytes: those who wait

The note and a slot begin alike; a pid of zero means an empty slot::

    offset  size  field
         0     4  pid
         4     4  zero
         8     8  since: seconds since 1970 UTC, IEEE double
        16    16  slot: node, UTF-8, cut, zero-padded
        16    80  note: node, UTF-8, cut, zero-padded
        96   160  note: command, UTF-8, cut, zero-padded
"""

import struct
from dataclasses import dataclass
from typing import Final

LOCK: Final = "lock"
LOCK_FILE_SIZE: Final = 4096
MAGIC: Final = b"imapbox lock 0\0\0"
BELL: Final = 16
NOTE: Final = 512
SLOTS: Final = 1024
SLOT_SIZE: Final = 32
SLOT_COUNT: Final = 64

_NOTE = struct.Struct("<IId80s160s")
_SLOT = struct.Struct("<IId16s")
EMPTY_SLOT: Final = bytes(SLOT_SIZE)


def new_lock_file() -> bytes:
    """Return the content of a fresh lock file."""
    return MAGIC.ljust(LOCK_FILE_SIZE, b"\0")


@dataclass(frozen=True, slots=True)
class Note:
    """Who holds a lock, or held it last, and what for."""

    pid: int
    since: float
    node: str
    command: str

    def encode(self) -> bytes:
        """Return the bytes that lie at `NOTE`."""
        return _NOTE.pack(
            self.pid, 0, self.since, _cut(self.node, 80), _cut(self.command, 160)
        )

    def __str__(self) -> str:
        """Say it in the words of a log line."""
        return f"{self.command} by pid {self.pid} on {self.node}"


@dataclass(frozen=True, slots=True)
class Waiter:
    """A slot that is taken.

    Attributes:
        number: Which slot.
        pid: Of the waiting process.
        since: When it began to wait.
        node: Its machine, perhaps cut.
    """

    number: int
    pid: int
    since: float
    node: str

    def encode(self) -> bytes:
        """Return the bytes of the slot."""
        return _SLOT.pack(self.pid, 0, self.since, slot_node(self.node))


@dataclass(frozen=True, slots=True)
class LockHints:
    """What a lock file says, as it was read."""

    note: Note | None
    waiters: tuple[Waiter, ...]


def decode_hints(content: bytes) -> LockHints:
    """Read a lock file; whatever makes no sense is as if it were not there."""
    if len(content) < LOCK_FILE_SIZE:
        return LockHints(None, ())
    pid, _, since, node, command = _NOTE.unpack_from(content, NOTE)
    note = Note(pid, since, _text(node), _text(command)) if pid else None
    waiters = []
    slots = content[SLOTS : SLOTS + SLOT_COUNT * SLOT_SIZE]
    if slots.count(0) < len(slots):
        for number in range(SLOT_COUNT):
            pid, _, since, node = _SLOT.unpack_from(slots, number * SLOT_SIZE)
            if pid:
                waiters.append(Waiter(number, pid, since, _text(node)))
    return LockHints(note, tuple(waiters))


def slot_node(node: str) -> bytes:
    """Return ``node`` as a slot holds it."""
    return _cut(node, 16)


def _cut(text: str, size: int) -> bytes:
    return text.encode(errors="replace")[:size]


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode(errors="replace")
