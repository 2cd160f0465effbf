"""A mailbox's log, folded: what all sessions of a process share.

The state is applied frame by frame. `changes` keeps what the last ones changed,
for views that have not told their client yet. What all of them know is forgotten
(`forget`), and so are rows of expunged messages that none of them shows.

A log whose oldest segments are gone is read from the oldest one that is left.
The messages of before that still exist are met later, as RELOCATEs; until then
they are `missing`, and what is said of them is passed over.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.disk.steps import Steps
from imapbox.index.append_runs import AppendRun, OperationOrRun, decode_in_runs
from imapbox.index.changes import Changed, Changes
from imapbox.index.chunk import Frozen, Source
from imapbox.index.columns import Columns
from imapbox.index.encoding import DamagedOperations, Encoded
from imapbox.index.frame import Frame
from imapbox.index.graves import GRAVES, Graves
from imapbox.index.head import NO_COUNTS, Counts, Position
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Keyword,
    Meta,
    Relocate,
)
from imapbox.index.punched import PUNCHED, Punched
from imapbox.index.read import switch_of
from imapbox.index.remembered_keys import KEY_LIFETIME, NO_KEY, RememberedKeys
from imapbox.index.snapshot_parts import newest_base
from imapbox.index.uid_roll import UidRoll
from imapbox.index.vanished import Vanished
from imapbox.model.numbers import ModSeq, Uid, UidValidity
from imapbox.model.uid_arrays import NO_UIDS

# While a session shows messages that are gone: with so many rows of such, and
# twice as many as were left the last time, it is seen which may be dropped.
MANY_DEAD: Final = 10_000


class MailboxFacts:
    """What the next BASE needs: all but the messages."""

    features: Final = 0

    def __init__(self) -> None:
        self.mailbox_id = b""
        self.floor = ModSeq(0)
        self.keywords: list[str] = []
        self.meta: dict[str, bytes] = {}
        self.keys = RememberedKeys()

    def apply(self, frame: Frame) -> None:
        """Take in the next frame."""
        for operation in decode_in_runs(frame.operations):
            self.take_in(operation, frame)

    def take_in(self, operation: OperationOrRun, frame: Frame) -> None:
        """Take in one operation."""
        match operation:
            case Base():
                self.begin(operation)
            case Keyword():
                self.keywords.append(operation.name)
            case Meta():
                self.meta[operation.name] = operation.value
                if not operation.value:
                    del self.meta[operation.name]
            case Append() if operation.key != NO_KEY:
                self._remember(operation.key, operation.uid, frame.time)
            case AppendRun():
                for key, uid in operation.with_keys():
                    self._remember(key, uid, frame.time)

    def _remember(self, key: bytes, uid: Uid, time: int) -> None:
        self.keys.add(key, uid, time)
        self.keys.forget(time - KEY_LIFETIME)

    def resume(self, directory: str, end: Position) -> Steps[Position | None]:
        """See `rotate.Facts`."""
        found = yield from newest_base(directory, end)
        if found is None:
            return None
        position, base = found
        self.begin(base)
        return position

    def begin(self, base: Base) -> None:
        """Know what a BASE says, and nothing else."""
        self.mailbox_id = base.mailbox_id
        self.floor = base.floor
        self.keywords = list(base.keywords)
        self.meta = dict(base.meta)
        self.keys = RememberedKeys(base.keys)

    def copy(self) -> "MailboxFacts":
        """Return the same facts, which then stay as they are."""
        facts = MailboxFacts()
        facts.mailbox_id = self.mailbox_id
        facts.floor = self.floor
        facts.keywords = list(self.keywords)
        facts.meta = dict(self.meta)
        facts.keys = RememberedKeys(self.keys.records())
        return facts

    def base(self, counts: Counts, time: int) -> Encoded:
        """Return the BASE of a segment that begins here."""
        return Base(
            self.mailbox_id,
            counts.uidvalidity,
            counts.uidnext,
            counts.modseq,
            self.floor,
            tuple(self.keywords),
            self.meta,
            self.keys.records(time - KEY_LIFETIME),
        ).encode()


class FrozenMailbox(NamedTuple):
    """A mailbox as it was at one moment. Nothing of it changes any more.

    Attributes:
        position: Behind the last frame.
        counts: What is true there.
        facts: Keywords, META, keys.
        words: Columns of 64 keywords.
        chunks: The rows.
        floor: Of the vanished history.
        vanished: Its records.
        graves: Where the bodies of expunged messages lie.
    """

    position: Position
    counts: Counts
    facts: MailboxFacts
    words: int
    chunks: Sequence[Frozen]
    floor: ModSeq
    vanished: NDArray[Any]
    graves: NDArray[Any]


class MailboxState:
    """Messages, keywords and counts at `position`.

    Attributes:
        position: Behind the last frame that was applied.
        counts: What is true there.
        facts: Keywords, META and what else BASE holds.
        columns: A row for each message, and for some that are gone.
        roll: The UIDs of those that are there.
        vanished: Who is gone since when.
        graves: Where the bodies of those lie, and old places of others.
        changes: What views may not have told yet.
        missing: How many messages exist that were not met yet. Behind the last
            frame of a sound log it is 0.
        source: The snapshot that it began with, if there was one.
        newest_snapshot: Segment and offset of the newest one it knows of.
        age: How many operations were applied since.
    """

    def __init__(self) -> None:
        self.position = Position(0, 0, 0, 0)
        self.counts = NO_COUNTS
        self.facts = MailboxFacts()
        self.columns = Columns()
        self.roll = UidRoll()
        self.vanished = Vanished()
        self.graves = Graves()
        self.missing = 0
        self.source: Source | None = None
        self.newest_snapshot = (0, 0)
        self.age = 0
        self.changes = Changes()
        self._most_dead = MANY_DEAD

    def begin(
        self, position: Position, counts: Counts, base: Base, source: Source
    ) -> None:
        """Begin with what a snapshot says; its rows are loaded besides."""
        self.position = position
        self.counts = counts
        self.facts.begin(base)
        self.source = source
        self.newest_snapshot = position[:2]

    def freeze(self) -> FrozenMailbox:
        """Return all of it as it is now, whatever happens to it later."""
        return FrozenMailbox(
            self.position,
            self.counts,
            self.facts.copy(),
            self.columns.words,
            self.columns.freeze(),
            self.vanished.floor,
            self.vanished.now,
            self.graves.now,
        )

    def take_over(self, older: "MailboxState") -> None:
        """Be to all readers what another state at the same position was."""
        self.changes = older.changes

    @property
    def uidvalidity(self) -> UidValidity:
        """Return the mailbox's UIDVALIDITY."""
        return self.counts.uidvalidity

    @property
    def has_many_dead(self) -> bool:
        """Say whether `forget` is worth its work although a session is behind."""
        return self.columns.dead > self._most_dead

    def forget(self) -> None:
        """Drop what every reader has read, and rows of what is gone.

        Rows that a reader shows stay; others, where that is worth the work.

        Raises:
            StoreFailure: What is in a snapshot is not what was written.
        """
        changes = self.changes
        changes.forget_read()
        if self.has_many_dead or not changes.are_awaited:
            self.columns.drop_dead(changes.gone(self.roll.now))
            self._most_dead = max(MANY_DEAD, 2 * self.columns.dead)

    def apply(self, frame: Frame) -> None:
        """Take in the next frame.

        Raises:
            DamagedOperations: Its operations make no sense.
        """
        arrived = 0
        found: list[tuple[Relocate, int]] = []
        flagged: list[range] = []
        expunged = [NO_UIDS]
        known_keywords = len(self.facts.keywords)
        offset = frame.payload_start
        begins = not self.position.segment
        for operation in decode_in_runs(frame.operations):
            self.facts.take_in(operation, frame)
            self.age += 1
            match operation:
                case Append() | AppendRun():
                    arrived += self._append(operation, frame, offset)
                    offset += operation.payload_size
                case Relocate():
                    if not self._relocate(operation.message, frame, offset):
                        found.append((operation, offset))
                    offset += operation.payload_size
                case Flags():
                    self.columns.change_flags(operation, frame.counts.modseq)
                    flagged += operation.uids
                case Expunge():
                    self._bury(operation.uids, frame)
                    expunged.append(self.roll.remove(operation.uids))
                case Base() | Meta():
                    self._limit_history(operation, begins=begins)
        if found:
            self._insert(found, frame)
        self._count_missing(frame, begins=begins)
        changed = Changed(
            frame.counts.modseq,
            arrived,
            tuple(flagged),
            np.concatenate(expunged) if len(expunged) > 1 else NO_UIDS,
            len(self.facts.keywords) > known_keywords,
        )
        is_news = arrived or flagged or changed.keywords or len(changed.expunged)
        if is_news:
            self.changes.add(changed)
        self.counts = frame.counts
        self.position = switch_of(frame) or frame.end

    def _limit_history(self, operation: Base | Meta, *, begins: bool) -> None:
        """Forget what nobody asks for any more, or what nobody can tell."""
        if isinstance(operation, Base):
            # What went before the oldest BASE, nobody can tell.
            floor = operation.modseq if begins else operation.floor
            self.vanished.raise_floor(floor)
        elif operation.name == PUNCHED:
            punched = Punched.decode(operation.value)
            if punched is not None:
                self.graves.forget(punched)

    def _count_missing(self, frame: Frame, *, begins: bool) -> None:
        """See that the messages are as many as the frame says.

        Messages can be missing from the first frame on, and become fewer.
        """
        missing = frame.counts.exists - len(self.roll)
        if missing < 0 or (missing > self.missing and not begins):
            raise DamagedOperations("the counts do not agree", frame.end)
        self.missing = missing

    def _relocate(self, message: Append, frame: Frame, offset: int) -> bool:
        """Note a message's new place; return whether the message was known."""
        row = self.columns.row_of(message.uid)
        if row is None:
            return False
        self._dig(np.array([row]), frame.time)
        place = offset + message.card_size
        self.columns.relocate(row, message, frame.end.segment, place)
        return True

    def _insert(self, found: list[tuple[Relocate, int]], frame: Frame) -> None:
        """Take in messages that came in segments which are gone."""
        for (modseq, message), offset in found:
            place = offset + message.card_size
            self.columns.append(message, modseq, frame.end.segment, place)
        self.columns.put_in_order()
        self.roll.insert([moved.message.uid for moved, _ in found])

    def _append(self, new: Append | AppendRun, frame: Frame, offset: int) -> int:
        """Take in messages that came; return how many."""
        modseq, segment = frame.counts.modseq, frame.end.segment
        if isinstance(new, AppendRun):
            self.columns.extend(new, modseq, segment, new.offsets(offset))
            self.roll.extend(new.fields["uid"])
            self.age += len(new) - 1
            return len(new)
        self.columns.append(new, modseq, segment, offset + new.card_size)
        self.roll.append(new.uid)
        return 1

    def _bury(self, uids: tuple[range, ...], frame: Frame) -> None:
        self._dig(self.columns.expunge(uids), frame.time)
        self.vanished.add(uids, frame.counts.modseq)

    def _dig(self, rows: NDArray[np.intp], time: int) -> None:
        """Note that nothing lives any more where the messages of ``rows`` lie."""
        columns = self.columns
        graves = np.zeros(len(rows), GRAVES)
        cards = columns["card_size"][rows]
        graves["uid"] = columns["uid"][rows]
        graves["segment"] = columns["segment"][rows]
        graves["offset"] = columns["offset"][rows] - cards
        graves["size"] = columns["size"][rows] + cards
        self.graves.add(graves, time)
