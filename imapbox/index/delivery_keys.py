"""What a process remembers of a mailbox's delivery keys, for its next delivery.

Used with the mailbox's lock held, and only then, so by one thread at a time. The
first use reads the log backwards: to the newest snapshot, to what is older than a
key can be, or to the segment's BASE, whichever is first. Later ones read what was
committed since. What is being written counts for those that are written with it,
and for others once it is published.
"""

from collections.abc import Iterable

from imapbox.disk.steps import Steps
from imapbox.index.doubts import Doubts, read_doubts, write_doubts
from imapbox.index.encoding import Kind, split_operations
from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.operations import Base, key_of_append
from imapbox.index.read import LogBroken, follow
from imapbox.index.remembered_keys import (
    KEY_LIFETIME,
    NO_KEY,
    RememberedKeys,
    only_in_doubt,
)
from imapbox.index.settle import Tail
from imapbox.index.snapshot_parts import newest_base
from imapbox.index.walk_back import walk_back
from imapbox.model.numbers import Uid


class DeliveryKeys:
    """The keys of one mailbox, as of a position."""

    def __init__(self) -> None:
        self._position: Position | None = None
        self._known = RememberedKeys()
        self._new: dict[bytes, Uid] = {}
        self._doubts: Doubts | None = None

    @property
    def octets(self) -> int:
        """Return about how much memory they take."""
        return self._known.octets

    def catch_up(
        self, directory: str, tail: Tail, boot: int, time: int, *, doubts: bool
    ) -> Steps[None]:
        """Know what is true at the end of the log.

        Args:
            directory: The mailbox's.
            tail: The end.
            boot: `FileSystem.boot`.
            time: Of what will be written: older keys are not read.
            doubts: Whether it matters which keys are in doubt.

        Raises:
            LogBroken: The log can't be read.
        """
        self._new.clear()
        end = tail.position
        if not (yield from self._follow(directory, end)):
            self._known = yield from _remembered(directory, end, time - KEY_LIFETIME)
            self._position = end
        self._known.forget(time - KEY_LIFETIME)
        self._doubts = None
        if doubts:
            uidnext = tail.counts.uidnext
            self._doubts = yield from read_doubts(directory, boot, uidnext)

    def find(self, key: bytes, time: int, arrived: int) -> Uid | None:
        """Return the uid under which a delivery was stored; None if it wasn't.

        Args:
            key: Its own.
            time: The clock's.
            arrived: When all of it was here. What was stored since then is another
                try of it, whoever read the reply: nobody sends a message on
                purpose again while the first waits to be stored.
        """
        if key in self._new:
            return self._new[key]
        found = self._known.find(key)
        if found is None or found[1] <= time - KEY_LIFETIME:
            return None
        uid, stored = found
        if not only_in_doubt(key) or arrived < stored <= time:
            return uid
        doubts = self._doubts
        in_doubt = doubts and (uid < doubts.since or doubts.hold(key, uid))
        return uid if in_doubt else None

    def add(self, key: bytes, uid: Uid) -> None:
        """Note that a delivery is being written."""
        self._new[key] = uid

    def note_doubts(self, directory: str, time: int) -> Steps[None]:
        """Write down what will be in doubt; before the messages are written."""
        doubts = self._doubts
        if doubts is None:
            return
        stored = {
            key: uid
            for key, uid in self._new.items()
            if only_in_doubt(key) and not doubts.hold(key, uid)
        }
        if stored:
            yield from write_doubts(directory, doubts, stored, time)

    def published(self, end: Position, time: int) -> None:
        """Remember what was written; the log now ends at ``end``."""
        for key, uid in self._new.items():
            self._known.add(key, uid, time)
        self._new.clear()
        self._position = end

    def _follow(self, directory: str, end: Position) -> Steps[bool]:
        """Read what is new; return whether it is the log that was known."""
        at, self._position = self._position, None
        if at is None or at.segment != end.segment or at.offset > end.offset:
            return False
        try:
            yield from follow(directory, at, end, self._take)
        except LogBroken:
            return False  # it is another one: somebody restored a copy
        self._position = end
        return True

    def _take(self, frame: Frame) -> None:
        for key, uid in _keys_of(frame):
            self._known.add(key, uid, frame.time)


def _remembered(directory: str, end: Position, oldest: int) -> Steps[RememberedKeys]:
    """Return what is in the log up to ``end``, but for what is as old as ``oldest``."""
    saved = yield from newest_base(directory, end)
    before = [b""]
    frames: list[tuple[int, list[tuple[bytes, Uid]]]] = []

    def visit(frame: Frame) -> bool:
        if saved is not None and frame.end == saved[0]:
            before[0] = saved[1].keys
        elif frame.operations[:1] == bytes([Kind.BASE]):
            (base,) = split_operations(frame.operations)
            before[0] = Base.decode(base.content).keys
        elif frame.time > oldest:
            frames.append((frame.time, list(_keys_of(frame))))
            return True
        return False

    yield from walk_back(directory, end, visit)
    keys = RememberedKeys(before[0])
    for time, news in reversed(frames):
        for key, uid in news:
            keys.add(key, uid, time)
    return keys


def _keys_of(frame: Frame) -> Iterable[tuple[bytes, Uid]]:
    for kind, content in split_operations(frame.operations):
        if kind == Kind.APPEND:
            uid, key = key_of_append(content)
            if key != NO_KEY:
                yield key, uid
