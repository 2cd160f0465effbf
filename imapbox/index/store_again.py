"""Storing messages again as new ones: what comes back from the dead, or a copy.

The octets are read and checked before, and are few enough to be held in memory.
Flags, keywords, INTERNALDATE and EMAILID are those that the messages had; UID,
modseq and the time at which they were saved are new.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from imapbox.disk.spool import MemoryContent
from imapbox.index.encoding import Encoded
from imapbox.index.frame import Frame
from imapbox.index.head import Counts, Position
from imapbox.index.known import Known
from imapbox.index.mailbox_transactions import next_modseq
from imapbox.index.operations import Append, Meta
from imapbox.index.relocate import Moving
from imapbox.index.remembered_keys import NO_KEY
from imapbox.index.transaction import Change, Octets
from imapbox.index.undone import UNDONE, Undone
from imapbox.model.errors import NumbersExhausted
from imapbox.model.flags import Flag
from imapbox.model.numbers import MAX_UID, Uid


@dataclass(slots=True)
class StoreAgain:
    r"""Add messages, all in one frame.

    Attributes:
        messages: In the order of their new UIDs.
        keywords: The names of their keywords, by number.
        known: The keyword table of where they go.
        undoes: Whether they were expunged here: then the log says who came back
            as whom, and they come without ``\Deleted``.
        uids: Once committed, their new UIDs.
    """

    messages: Sequence[Moving]
    keywords: Sequence[str]
    known: Known
    undoes: bool = False
    uids: range = range(0)
    _bits: dict[int, int] = field(default_factory=dict)

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return self.known.since

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""
        self.known.follow(frame)

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`."""
        after = next_modseq(counts)
        self.uids = range(counts.uidnext, counts.uidnext + len(self.messages))
        if self.uids.stop > MAX_UID:
            raise NumbersExhausted
        operations: list[Encoded] = []
        if self.undoes:
            before = [each.operation.message.uid for each in self.messages]
            undone = Undone(Uid(self.uids.start), before)
            operations.append(Meta(UNDONE, undone.encode()).encode())
        unseen = live = 0
        for uid, each in zip(self.uids, self.messages, strict=True):
            keywords = self._keywords(each.operation.message.keywords, operations)
            message = self._again(each.operation.message, Uid(uid), keywords, time)
            operations.append(message.encode())
            unseen += not message.flags & Flag.SEEN
            live += message.size
        after = after._replace(
            uidnext=Uid(self.uids.stop),
            exists=after.exists + len(self.messages),
            unseen=after.unseen + unseen,
            live=after.live + live,
        )
        payload = [
            Octets(each.card, b"", MemoryContent(each.octets)) for each in self.messages
        ]
        return Change(operations, after, payload)

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self._bits.clear()
        self.known.begin_anew()

    def _again(self, message: Append, uid: Uid, keywords: int, time: int) -> Append:
        # With \Deleted it would go again with the next EXPUNGE of anybody.
        dropped = Flag.DELETED if self.undoes else Flag(0)
        return message._replace(
            uid=uid,
            flags=message.flags & ~dropped,
            keywords=keywords,
            savedate=time // 1_000_000,
            key=NO_KEY,
        )

    def _keywords(self, bits: int, operations: list[Encoded]) -> int:
        """Return what the keywords are here; define those that are new."""
        if bits and bits not in self._bits:
            numbered = enumerate(self.keywords)
            names = frozenset(name for n, name in numbered if bits >> n & 1)
            self._bits[bits], new = self.known.keyword_bits(names)
            operations += [keyword.encode() for keyword in new]
        return self._bits.get(bits, 0)
