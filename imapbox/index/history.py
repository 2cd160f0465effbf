"""What happened to a mailbox, change by change, as its log tells it.

The log is all there is to it: nothing is written for the sake of this. So it
reaches back as far as the log does, whose oldest segments compaction removes.
Whence a message came is told by what it consists of. Deliveries put header
lines of ours before it, and its INTERNALDATE and SAVEDATE are of one moment; a
COPY keeps the lines and the one date, the other is its own; an APPEND has no
lines of ours, nor has a COPY of what came by APPEND.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from imapbox.index.encoding import ranges_of
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Counts, Position
from imapbox.index.new_uidvalidity import RESTORED
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Keyword,
    Meta,
    Operation,
    Relocate,
    Switch,
    decode_operations,
)
from imapbox.index.punched import PUNCHED, Punched
from imapbox.index.read import switch_of
from imapbox.index.remembered_keys import NO_KEY
from imapbox.index.undone import UNDONE, Undone
from imapbox.model.flags import FLAG_NAMES
from imapbox.model.numbers import ModSeq

# META that SELECT writes; RFC 3501 §2.3.2.
_RECENT: Final = "recentuid"
_ALL_FLAGS: Final = 0xFFFFFFFF


class What(Enum):
    """What can happen to a mailbox."""

    CREATED = "created"
    BEGINS = "the log begins"
    DELIVERED = "delivered"
    COPIED = "copied"
    ADDED = "added"
    FLAGS = "flags"
    KEYWORD = "new keyword"
    EXPUNGED = "expunged"
    BROUGHT_BACK = "brought back"
    SELECTED = "selected"
    RESTORED = "new UIDVALIDITY"
    NEW_SEGMENT = "new segment"
    WRITTEN_AGAIN = "written again"
    PUNCHED = "punched out"
    FACT = "fact"


class Happened(NamedTuple):
    """One thing that happened.

    Attributes:
        modseq: HIGHESTMODSEQ behind it.
        time: Microseconds since 1970 UTC.
        what: Which kind of thing.
        uids: To which messages.
        more: What else there is to say, in words of JSON.
    """

    modseq: ModSeq
    time: int
    what: What
    uids: tuple[range, ...] = ()
    more: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it


class History:
    """Everything that a log tells, behind a modseq; see `opening.Folded`.

    Args:
        since: What happened up to this modseq is left out.

    Attributes:
        position: Behind the last frame that was taken in.
        counts: What is true there.
        begins: The modseq at which the log begins.
        happened: Everything, in order.
        missing: Nothing is ever missed here.
    """

    missing: Final = 0

    def __init__(self, since: ModSeq = ModSeq(0)) -> None:  # noqa: B008 - a value
        self.position = Position(0, 0, 0, 0)
        self.counts: Counts = NO_COUNTS
        self.begins = ModSeq(0)
        self.happened: list[Happened] = []
        self._since = since
        self._keywords: list[str] = []

    def apply(self, frame: Frame) -> None:
        """Take in the next frame.

        Raises:
            DamagedOperations: It makes no sense.
        """
        operations = decode_operations(frame.operations)
        for operation in operations:
            if isinstance(operation, Base):
                self._keywords = list(operation.keywords)
            elif isinstance(operation, Keyword):
                self._keywords.append(operation.name)
        told = self._told(operations, frame)
        if frame.counts.modseq > self._since:
            self.happened += [
                Happened(frame.counts.modseq, frame.time, *each) for each in told
            ]
        if not self.position.segment:
            self.begins = frame.counts.modseq
        self.counts = frame.counts
        self.position = switch_of(frame) or frame.end

    def _told(
        self, operations: Sequence[Operation], frame: Frame
    ) -> Iterator[tuple[What, tuple[range, ...], dict[str, Any]]]:
        came = [each for each in operations if isinstance(each, Append)]
        back = _undone_in(operations)
        written = [each for each in operations if isinstance(each, Relocate)]
        for operation in operations:
            match operation:
                case Base():
                    yield self._begun(operation, frame.end.segment)
                case Keyword(name=name):
                    yield What.KEYWORD, (), {"keyword": name}
                case Flags():
                    yield What.FLAGS, operation.uids, self._marks(operation)
                case Expunge():
                    yield What.EXPUNGED, operation.uids, {}
                case Meta() if operation.name != UNDONE:
                    yield _fact(operation, frame)
                case Append() | Meta() | Relocate() | Switch():
                    pass  # of many one thing is told, below; BASE tells of a switch
        if back is not None:
            uids = ranges_of(each.uid for each in came)
            yield What.BROUGHT_BACK, uids, {"from": ranges_of(back.before)}
        else:
            yield from _arrivals(came)
        if written:
            uids = ranges_of(sorted(each.message.uid for each in written))
            yield What.WRITTEN_AGAIN, uids, {}

    def _begun(
        self, base: Base, segment: int
    ) -> tuple[What, tuple[range, ...], dict[str, Any]]:
        more = {"segment": segment, "uidvalidity": base.uidvalidity}
        if self.position.segment:
            return What.NEW_SEGMENT, (), more
        return (What.CREATED if segment == 1 else What.BEGINS), (), more

    def _marks(self, operation: Flags) -> dict[str, Any]:
        add = self._names(operation.add, operation.add_keywords)
        if operation.remove == _ALL_FLAGS & ~operation.add:
            return {"set": add}
        remove = self._names(operation.remove, operation.remove_keywords)
        return {
            key: names for key, names in (("add", add), ("remove", remove)) if names
        }

    def _names(self, flags: int, keywords: int) -> list[str]:
        system = [name for flag, name in FLAG_NAMES.items() if flags & flag]
        numbered = enumerate(self._keywords)
        return system + [name for n, name in numbered if keywords >> n & 1]


def _undone_in(operations: Sequence[Operation]) -> Undone | None:
    for operation in operations:
        if isinstance(operation, Meta) and operation.name == UNDONE and operation.value:
            return Undone.decode(operation.value)
    return None


def _arrivals(
    came: Sequence[Append],
) -> Iterator[tuple[What, tuple[range, ...], dict[str, Any]]]:
    """Tell of a frame's new messages, those that came in one way together."""
    ways: dict[What, list[Append]] = {}
    for message in came:
        ways.setdefault(_way_of(message), []).append(message)
    for way, messages in ways.items():
        uids = ranges_of(message.uid for message in messages)
        octets = sum(message.size for message in messages)
        emailids = [message.emailid.hex() for message in messages]
        yield way, uids, {"octets": octets, "emailids": emailids}


def _way_of(message: Append) -> What:
    if message.key != NO_KEY:
        return What.DELIVERED
    if not message.header_size:
        return What.ADDED
    # Not the frame's time: where the clock is behind the log that is another one.
    is_new = message.date == message.savedate and not message.zone
    return What.DELIVERED if is_new else What.COPIED


def _fact(meta: Meta, frame: Frame) -> tuple[What, tuple[range, ...], dict[str, Any]]:
    if meta.name == RESTORED:
        return What.RESTORED, (), {"uidvalidity": frame.counts.uidvalidity}
    if meta.name == _RECENT:
        return What.SELECTED, (), {"recent": int.from_bytes(meta.value, "little")}
    punched = Punched.decode(meta.value) if meta.name == PUNCHED else None
    if punched is not None:
        return What.PUNCHED, (), {"died_until": punched.time, "before": punched.segment}
    return What.FACT, (), {"name": meta.name, "value": meta.value.hex()}
