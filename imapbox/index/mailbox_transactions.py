"""The changes that a mailbox can be asked for."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from imapbox.disk.spool import Content
from imapbox.index.encoding import Encoded, ranges_of
from imapbox.index.frame import Frame
from imapbox.index.head import Counts, Position
from imapbox.index.known import Known, Row
from imapbox.index.operations import Append, Expunge, Flags, Keyword, Meta
from imapbox.index.remembered_keys import NO_KEY
from imapbox.index.transaction import Change, NeedsNoFacts, Octets
from imapbox.model.errors import NumbersExhausted
from imapbox.model.flags import EVERY_FLAG, Flag, FlagChange, FlagScope
from imapbox.model.message import InternalDate
from imapbox.model.numbers import MAX_MODSEQ, MAX_UID, ModSeq, Uid, UidValidity

_ALL_FLAGS: Final = 0xFFFFFFFF


class Incoming(NamedTuple):
    """A message to append.

    Attributes:
        header: Our own header lines.
        header_crc: CRC-32 of these.
        content: What was received.
        emailid: BLAKE2b-128 of all octets.
        date: INTERNALDATE; None for now.
        flags: System flags.
        keywords: Names.
        card: What was found in ``content``, to be stored beside it; opaque here.
        key: Of the delivery (`remembered_keys`).
    """

    header: bytes
    header_crc: int
    content: Content
    emailid: bytes
    date: InternalDate | None
    flags: Flag
    keywords: frozenset[str]
    card: bytes = b""
    key: bytes = NO_KEY

    @property
    def size(self) -> int:
        """Return the octets it will have."""
        return len(self.header) + self.content.size


@dataclass(slots=True)
class AppendMessages:
    """Add messages, all in one frame.

    Attributes:
        messages: In the order of their UIDs.
        known: The keyword table; needed only if a message has keywords.
        uidvalidity: Once committed, the mailbox's.
        uids: Once committed, the messages'.
    """

    messages: Sequence[Incoming]
    known: Known | None = None
    uidvalidity: UidValidity | None = None
    uids: list[Uid] = field(default_factory=list)

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return self.known.since if self.known else None

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""
        if self.known:
            self.known.follow(frame)

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`."""
        after = next_modseq(counts)
        if counts.uidnext + len(self.messages) > MAX_UID:
            raise NumbersExhausted
        operations: list[Encoded] = []
        for message in self.messages:
            bits = 0
            if message.keywords and self.known:
                bits, new = self.known.keyword_bits(message.keywords)
                operations += [keyword.encode() for keyword in new]
            append = _append(message, after.uidnext, bits, time)
            operations.append(append.encode())
            self.uids.append(append.uid)
            after = after._replace(
                uidnext=Uid(after.uidnext + 1),
                exists=after.exists + 1,
                unseen=after.unseen + (not append.flags & Flag.SEEN),
                live=after.live + append.size,
            )
        self.uidvalidity = counts.uidvalidity
        payload = [
            Octets(message.card, message.header, message.content)
            for message in self.messages
        ]
        return Change(operations, after, payload)

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self.uids.clear()
        if self.known:
            self.known.begin_anew()


@dataclass(slots=True)
class SetFlags:
    """Change flags of messages. Those that are gone are passed over.

    Attributes:
        known: The rows of the messages.
        what: Add, remove or replace.
        flags: System flags.
        keywords: Names.
        unchanged_since: Messages with a greater modseq are left alone; None: none.
        scope: Flags that may be changed; others stay as they are.
        modseq: Once committed, the change's; None if there was nothing to do.
        left_alone: Once committed, the UIDs of those.
    """

    known: Known
    what: FlagChange
    flags: Flag
    keywords: frozenset[str]
    unchanged_since: ModSeq | None = None
    scope: FlagScope = EVERY_FLAG
    modseq: ModSeq | None = None
    left_alone: list[Uid] = field(default_factory=list)

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return self.known.since

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""
        self.known.follow(frame)

    def change(self, counts: Counts, time: int) -> Change | None:
        """See `Transaction`."""
        del time
        bits, new = self._bits()
        masks = self._masks(bits)
        changed, unseen = [], 0
        most = MAX_MODSEQ if self.unchanged_since is None else self.unchanged_since
        for uid, row in sorted(self.known.rows.items()):
            if row.modseq > most:
                self.left_alone.append(uid)
                continue
            flags, keywords = masks.apply(row.flags, row.keywords)
            if (flags, keywords) != (row.flags, row.keywords):
                changed.append(uid)
                unseen += _is_unseen(flags) - _is_unseen(row.flags)
        if not changed:
            return None
        after = next_modseq(counts)
        self.modseq = after.modseq
        operation = masks._replace(uids=ranges_of(changed))
        operations = [keyword.encode() for keyword in new]
        return Change(
            [*operations, operation.encode()],
            after._replace(unseen=after.unseen + unseen),
        )

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self.known.begin_anew()
        self.modseq = None
        self.left_alone.clear()

    def _bits(self) -> tuple[int, list[Keyword]]:
        if not self.scope.keywords:
            return 0, []
        if self.what is not FlagChange.REMOVE:
            return self.known.keyword_bits(self.keywords)
        lowered = {name.lower() for name in self.keywords}
        numbers = enumerate(self.known.keywords)
        return sum(1 << n for n, name in numbers if name.lower() in lowered), []

    def _masks(self, bits: int) -> Flags:
        scope = self.scope
        flags = int(self.flags & scope.system)
        if self.what is FlagChange.ADD:
            return Flags((), flags, 0, bits, 0)
        if self.what is FlagChange.REMOVE:
            return Flags((), 0, flags, 0, bits)
        others = _ALL_FLAGS if scope == EVERY_FLAG else int(scope.system)
        keywords = (1 << len(self.known.keywords)) - 1 if scope.keywords else 0
        return Flags((), flags, others & ~flags, bits, keywords & ~bits)


@dataclass(slots=True)
class ExpungeMessages:
    r"""Remove those of the known messages that have ``\Deleted``, or all."""

    known: Known
    only_deleted: bool = True

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return self.known.since

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""
        self.known.follow(frame)

    def change(self, counts: Counts, time: int) -> Change | None:
        """See `Transaction`."""
        del time
        gone = {
            uid: row
            for uid, row in sorted(self.known.rows.items())
            if row.flags & Flag.DELETED or not self.only_deleted
        }
        if not gone:
            return None
        return Change(
            [Expunge(ranges_of(gone)).encode()], _without(counts, gone.values())
        )

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self.known.begin_anew()


@dataclass(slots=True)
class SetMeta(NeedsNoFacts):
    """Write a fact."""

    name: str
    value: bytes

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`."""
        del time
        meta = Meta(self.name, self.value)
        return Change([meta.encode()], next_modseq(counts))


def next_modseq(counts: Counts) -> Counts:
    """Return ``counts`` with the next modseq.

    Raises:
        NumbersExhausted: There is none.
    """
    if counts.modseq >= MAX_MODSEQ:
        raise NumbersExhausted
    return counts._replace(modseq=ModSeq(counts.modseq + 1))


def _append(message: Incoming, uid: Uid, keywords: int, time: int) -> Append:
    seconds = time // 1_000_000
    date = message.date or InternalDate(seconds)
    return Append(
        uid=uid,
        flags=int(message.flags),
        keywords=keywords,
        date=date.seconds,
        zone=date.zone,
        savedate=seconds,
        size=message.size,
        header_size=len(message.header),
        header_crc=message.header_crc,
        content_crc=message.content.crc,
        emailid=message.emailid,
        key=message.key,
        card_size=len(message.card),
        card_crc=zlib.crc32(message.card),
    )


def _is_unseen(flags: int) -> int:
    return int(not flags & Flag.SEEN)


def _without(counts: Counts, rows: Iterable[Row]) -> Counts:
    after = next_modseq(counts)
    for row in rows:
        after = after._replace(
            exists=after.exists - 1,
            unseen=after.unseen - _is_unseen(row.flags),
            live=after.live - row.size,
        )
    return after
