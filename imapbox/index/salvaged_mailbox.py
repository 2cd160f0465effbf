"""What is left of a mailbox whose log is broken.

The frames that can be read are taken in their order, whatever is missing between
them. A frame that is lost may have expunged a message, which is then there again;
nothing that can be read is left out. Where the newest snapshot that fits the log
was made behind a gap, nothing in the index is lost to the gap.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Counts, Head, Position
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Keyword,
    Operation,
    Relocate,
    Switch,
    decode_operations,
)
from imapbox.index.remembered_keys import NO_KEY
from imapbox.index.segment_scan import Gap, Scan
from imapbox.model.flags import Flag
from imapbox.model.numbers import ModSeq, Uid, UidValidity

_ALL_FLAGS: Final = int(
    Flag.ANSWERED | Flag.FLAGGED | Flag.DELETED | Flag.SEEN | Flag.DRAFT
)


@dataclass(slots=True)
class Left:
    """A message of which the index is left.

    Attributes:
        message: As it is now, as far as that is known.
        modseq: Its own.
        places: Where it was written, the newest last: segment, and offset of its
            first octet.
    """

    message: Append
    modseq: ModSeq
    places: list[tuple[int, int]]


@dataclass(slots=True)
class SalvagedMailbox:
    """A mailbox, folded from what can be read.

    Attributes:
        messages: By UID, in the order in which they were met.
        facts: Keywords, META, keys.
        gone: Emailids of messages that were expunged.
        gaps: Where frames are missing, of which nobody else knows the content.
        counts: The greatest numbers that anything names.
        exists: How many messages there were, as the latest says that can be read.
        has_gap: Whether a change may be lost.
        sure: How many keywords are known for sure.
        numbered: Whether the next keyword's number is known.
        begins_late: Whether there were messages before the first frame.
        last: What was true after the frame before.
    """

    messages: dict[Uid, Left] = field(default_factory=dict)
    facts: MailboxFacts = field(default_factory=MailboxFacts)
    gone: set[bytes] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    counts: Counts = NO_COUNTS
    exists: int = 0
    has_gap: bool = False
    sure: int = 0
    numbered: bool = False
    begins_late: bool = False
    last: Counts = NO_COUNTS

    def begin(self, state: MailboxState) -> None:
        """Begin with what a snapshot says."""
        self.facts = state.facts.copy()
        self.sure = len(self.facts.keywords)
        self.numbered = True
        self.last = state.counts
        self.hear(state.counts)
        rows = [int(row) for row in state.columns.alive_rows()]
        uids = [Uid(int(state.columns["uid"][row])) for row in rows]
        keys = self.facts.keys.of(uids)
        for uid, row in zip(uids, rows, strict=True):
            place = state.columns.place(row)
            message = Append(
                uid=uid,
                flags=int(state.columns["flags"][row]),
                keywords=state.columns.keywords_of(row),
                date=int(state.columns["date"][row]),
                zone=int(state.columns["zone"][row]),
                savedate=int(state.columns["savedate"][row]),
                size=place.size,
                header_size=place.header_size,
                header_crc=place.header_crc,
                content_crc=place.content_crc,
                emailid=bytes(state.columns["emailid"][row]),
                key=keys.get(uid, NO_KEY),
                card_size=place.card_size,
                card_crc=place.card_crc,
            )
            modseq = ModSeq(int(state.columns["modseq"][row]))
            places = [(place.segment, place.offset)]
            self.messages[uid] = Left(message, modseq, places)

    def miss(self, gap: Gap | None = None) -> None:
        """Know that something is missing here."""
        self.has_gap = True
        facts = gap.facts if gap is not None else None
        if gap is not None:
            self.gaps.append(gap)
        if facts is None:
            self.numbered = False
            self.last = NO_COUNTS
            return
        self.hear(facts.counts)
        # It held nothing but messages if it gave as many UIDs as it has operations.
        only_messages = (
            facts.operation_count == facts.counts.uidnext - self.last.uidnext
        )
        self.numbered = self.numbered and only_messages
        self.last = facts.counts

    def hear(self, counts: Counts) -> None:
        """Know numbers that were given."""
        known = self.counts
        if counts.modseq >= known.modseq and counts.modseq:
            self.exists = counts.exists
        self.counts = known._replace(
            modseq=max(known.modseq, counts.modseq),
            uidnext=max(known.uidnext, counts.uidnext),
            uidvalidity=UidValidity(max(known.uidvalidity, counts.uidvalidity)),
        )

    def take_in(self, frame: Frame) -> None:
        """Take in a frame; one that makes no sense is a gap."""
        self.hear(frame.counts)
        try:
            operations = decode_operations(frame.operations)
        except (DamagedOperations, ValueError):
            self.miss()
            self.last = frame.counts
            return
        self.last = frame.counts
        for operation, offset in _placed(operations, frame):
            self._take_in(operation, frame, offset)

    def look_back(self, frame: Frame) -> None:
        """Know where messages were written before a snapshot was made."""
        try:
            operations = decode_operations(frame.operations)
        except (DamagedOperations, ValueError):
            return
        for operation, offset in _placed(operations, frame):
            match operation:
                case Append():
                    message = operation
                case Relocate():
                    message = operation.message
                case _:
                    continue
            left = self.messages.get(message.uid)
            if left is not None and left.message.emailid == message.emailid:
                place = (frame.end.segment, offset + message.card_size)
                if place not in left.places:
                    left.places.insert(-1, place)  # the last one is the newest

    def emailids(self) -> set[bytes]:
        """Return those of all messages that are known, also of expunged ones."""
        there = {left.message.emailid for left in self.messages.values()}
        return there | self.gone

    def finish(self) -> None:
        """Forget keywords that have no name for sure."""
        if self.begins_late and self.last.exists != len(self.messages):
            self.has_gap = True
        mask = (1 << self.sure) - 1
        del self.facts.keywords[self.sure :]
        for left in self.messages.values():
            left.message = left.message._replace(
                flags=left.message.flags & _ALL_FLAGS,
                keywords=left.message.keywords & mask,
            )

    def _take_in(self, operation: Operation, frame: Frame, offset: int) -> None:
        match operation:
            case Append():
                self._add(operation, frame.counts.modseq, frame, offset)
            case Relocate():
                self._add(operation.message, operation.modseq, frame, offset)
                return
            case Flags():
                for uid in self._among(operation.uids):
                    left = self.messages[uid]
                    flags, keywords = operation.apply(
                        left.message.flags, left.message.keywords
                    )
                    left.message = left.message._replace(flags=flags, keywords=keywords)
                    left.modseq = frame.counts.modseq
            case Expunge():
                for uid in self._among(operation.uids):
                    self.gone.add(self.messages.pop(uid).message.emailid)
            case Switch():
                return
            case _:
                pass
        self.facts.take_in(operation, frame)
        if isinstance(operation, Base):
            self.sure = len(operation.keywords)
            self.numbered = True
            self.hear(
                NO_COUNTS._replace(
                    uidnext=operation.uidnext, uidvalidity=operation.uidvalidity
                )
            )
            self.counts = self.counts._replace(
                modseq=max(self.counts.modseq, operation.modseq)
            )
        elif isinstance(operation, Keyword) and self.numbered:
            # Behind a gap nobody knows which number it has.
            self.sure = len(self.facts.keywords)

    def _add(self, message: Append, modseq: ModSeq, frame: Frame, offset: int) -> None:
        place = (frame.end.segment, offset + message.card_size)
        known = self.messages.get(message.uid)
        places = known.places if known is not None else []
        self.messages[message.uid] = Left(message, modseq, [*places, place])
        self.hear(NO_COUNTS._replace(uidnext=Uid(message.uid + 1)))

    def _among(self, ranges: Iterable[range]) -> list[Uid]:
        found: list[Uid] = []
        for uids in ranges:
            if len(uids) > len(self.messages):
                found += [uid for uid in self.messages if uid in uids]
            else:
                found += [Uid(uid) for uid in uids if uid in self.messages]
        return found


def _placed(
    operations: Iterable[Operation], frame: Frame
) -> Iterator[tuple[Operation, int]]:
    """Yield each operation with where the octets lie that it may have."""
    offset = frame.payload_start
    for operation in operations:
        yield operation, offset
        if isinstance(operation, Append | Relocate):
            offset += operation.payload_size


def fold_scans(
    scans: list[Scan], seed: MailboxState | None, head: Head | None
) -> SalvagedMailbox:
    """Fold what was found, behind a snapshot if there is one.

    Args:
        scans: Of all segments that are there, in their order.
        seed: What a snapshot says that fits them.
        head: If it is good.
    """
    found = SalvagedMailbox()
    behind = (0, 0)
    if seed is not None:
        found.begin(seed)
        behind = seed.position[:2]
        for scan in scans:
            for frame in scan.frames:
                if (scan.number, frame.start) < behind:
                    found.look_back(frame)
    if head is not None:
        found.hear(head.counts)
    found.begins_late = seed is None
    for missing, item in _in_order(scans, behind, seeded=seed is not None):
        if missing:
            found.miss()
        if isinstance(item, Gap):
            found.miss(item)
        elif item is not None:
            found.take_in(item)
    found.finish()
    return found


def _in_order(
    scans: list[Scan], behind: tuple[int, int], *, seeded: bool
) -> Iterator[tuple[bool, Frame | Gap | None]]:
    """Return what lies behind a place, each with whether a segment lacks before."""
    known = behind[0] if seeded else None
    for scan in scans:
        if known is not None and scan.number < known:
            continue
        yield known is not None and scan.number > known + 1, None
        known = scan.number
        for item in scan.items:
            start = (scan.number, item.start)
            if not seeded or start >= behind:
                yield False, item


def may_be_cut_short(scans: list[Scan], head: Head | None, boot: int) -> bool:
    """Say whether more may have been published than can be read of the end."""
    if not scans:
        return head is None or head.boot != boot
    last = scans[-1]
    goes_on = last.switch is not None
    if head is not None and head.boot == boot:
        # It tells all, unless it is an old one: then the log went on behind it.
        return goes_on and head.position.segment <= last.number
    if head is not None and head.position.segment > last.number:
        return True
    if not last.items:
        return True
    item = last.items[-1]
    return goes_on or (isinstance(item, Gap) and item.facts is None)


def fits(
    state: MailboxState, scans: list[Scan], head: Head | None, mailbox_id: bytes
) -> bool:
    """Say whether a snapshot is of the log that was scanned, and of its head."""
    position: Position = state.position
    if state.facts.mailbox_id != mailbox_id:
        return False
    if head is not None and head.position == position:
        return True
    for scan in scans:
        if scan.number == position.segment:
            ends = any(frame.end == position for frame in scan.frames)
            return ends or _leads_on(scan, position)
        if scan.number > position.segment:
            first = scan.frames[0].counts if scan.frames else NO_COUNTS
            return (
                first.uidvalidity == state.counts.uidvalidity
                and first.modseq >= state.counts.modseq
            )
    return False


def _leads_on(scan: Scan, position: Position) -> bool:
    """Say whether the frame before a position is lost, and the chain behind it fits."""
    return any(
        isinstance(item, Gap)
        and item.end == position.offset
        and item.chain == position.chain
        for item in scan.items
    )
