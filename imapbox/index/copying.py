"""Adding messages that lie in another log, or in the same one, already.

A copy is a message of its own: octets and card are written again, no mailbox
refers to another one. Flags, keywords, INTERNALDATE and EMAILID are the
original's, the time at which it was saved is the copy's. RFC 9051 §6.4.7.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.disk.spool import Content
from imapbox.disk.steps import Steps
from imapbox.index.columns import Columns
from imapbox.index.encoding import Encoded
from imapbox.index.frame import Frame
from imapbox.index.head import Counts, Position
from imapbox.index.known import Known
from imapbox.index.mailbox_transactions import next_modseq
from imapbox.index.operations import Append
from imapbox.index.payload import Part
from imapbox.index.stored_octets import CheckedOctets, StoredOctets, read_checked
from imapbox.index.transaction import Change, Octets
from imapbox.model.errors import MessageGone, NumbersExhausted
from imapbox.model.flags import EVERY_FLAG, Flag, FlagScope
from imapbox.model.numbers import MAX_UID, Uid, UidValidity

_PARTS: Final = 3  # of a message: card, our header lines, what was received
_SLICE: Final = 1000
_COLUMNS: Final = (
    "uid",
    "segment",
    "offset",
    "flags",
    "date",
    "zone",
    "size",
    "header_size",
    "header_crc",
    "content_crc",
    "card_size",
    "card_crc",
    "emailid",
)


class Original(NamedTuple):
    """A message that is copied; see `Append` and `Place`."""

    uid: Uid
    segment: int
    offset: int
    flags: int
    date: int
    zone: int
    size: int
    header_size: int
    header_crc: int
    content_crc: int
    card_size: int
    card_crc: int
    emailid: bytes
    keywords: int

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """What its payload consists of."""
        return (
            Part(self.card_size, self.card_crc),
            Part(self.header_size, self.header_crc),
            Part(self.size - self.header_size, self.content_crc),
        )


class Originals:
    """Messages that are to be copied, as they are now: some 100 bytes for each.

    Args:
        columns: Of their mailbox.
        uids: Theirs, ascending. They must be there.
        names: Their mailbox's keywords, by number.

    Attributes:
        names: The same.
    """

    def __init__(
        self, columns: Columns, uids: NDArray[np.uint32], names: list[str]
    ) -> None:
        rows = columns.rows_of(uids)
        self.names = names
        self._columns: dict[str, NDArray[Any]] = {
            name: columns[name][rows] for name in _COLUMNS
        }
        self._keywords = columns.keywords(rows)

    def __len__(self) -> int:
        return len(self._keywords)

    def __iter__(self) -> Iterator[Original]:
        for start in range(0, len(self), _SLICE):
            here = slice(start, start + _SLICE)
            columns = [self._columns[name][here].tolist() for name in _COLUMNS]
            for row in zip(*columns, self._keywords[here], strict=True):
                yield Original(*row)

    @property
    def have_keywords(self) -> bool:
        """Whether any of them has a keyword."""
        return any(self._keywords)

    def update(self, known: Known) -> None:
        """Take over what became of them.

        Args:
            known: The rows of all of them.

        Raises:
            MessageGone: One was expunged.
        """
        uids = self._columns["uid"].tolist()
        if known.rows.keys() != set(uids):
            raise MessageGone
        rows = [known.rows[uid] for uid in uids]
        self._columns["flags"] = np.array([row.flags for row in rows], np.uint32)
        self._keywords = [row.keywords for row in rows]
        self.names = known.keywords

    def octets(self, directory: str) -> Steps[Content]:
        """Return cards and octets of all, each of them as it was written.

        A card that isn't is left out: it can be made again. What is too much to
        be kept is checked again while it is copied: compaction may have been
        there, for whom no grace was given.

        Args:
            directory: Of the log that they lie in.

        Raises:
            MessageGone: The octets of one are there no longer, or are others.
        """
        octets, bad = yield from read_checked(self._stored(directory), self._parts())
        if not bad:
            return octets if octets.in_memory else CheckedOctets(octets, self._parts)
        if any(number % _PARTS for number in bad):
            raise MessageGone(directory)
        without = [number // _PARTS for number in bad]
        for name in ("card_size", "card_crc"):
            self._columns[name][without] = 0
        return (yield from self.octets(directory))

    def _parts(self) -> Iterator[Part]:
        return (part for each in self for part in each.parts)

    def _stored(self, directory: str) -> StoredOctets:
        columns = self._columns
        cards = columns["card_size"].astype(np.uint64)
        return StoredOctets(
            directory,
            columns["segment"],
            columns["offset"] - cards,
            columns["size"] + cards,
        )


@dataclass(slots=True)
class CopyMessages:
    """Add copies, all in one frame.

    Attributes:
        originals: In the order of the copies' UIDs.
        octets: Theirs, from `Originals.octets`.
        known: The keyword table of where they go; needed only if an original
            has keywords that are copied.
        scope: Flags that are copied; others the copies don't have.
        uidvalidity: Once committed, the mailbox's.
        uids: Once committed, the copies'.
    """

    originals: Originals
    octets: Content
    known: Known | None = None
    scope: FlagScope = EVERY_FLAG
    uidvalidity: UidValidity | None = None
    uids: range = range(0)
    _bits: dict[int, int] = field(default_factory=dict)

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
        count = len(self.originals)
        if counts.uidnext + count > MAX_UID:
            raise NumbersExhausted
        operations: list[Encoded] = []
        unseen = live = 0
        for uid, original in enumerate(self.originals, start=counts.uidnext):
            keywords = self._keywords(original.keywords, operations)
            flags = original.flags & self._flags
            copy = _copy(original._replace(flags=flags, keywords=keywords), uid, time)
            operations.append(copy.encode())
            unseen += not flags & Flag.SEEN
            live += original.size
        self.uidvalidity = counts.uidvalidity
        self.uids = range(counts.uidnext, counts.uidnext + count)
        after = after._replace(
            uidnext=Uid(self.uids.stop),
            exists=after.exists + count,
            unseen=after.unseen + unseen,
            live=after.live + live,
        )
        return Change(operations, after, [Octets(b"", b"", self.octets)])

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self._bits.clear()
        if self.known:
            self.known.begin_anew()

    @property
    def _flags(self) -> int:
        return ~0 if self.scope == EVERY_FLAG else int(self.scope.system)

    def _keywords(self, bits: int, operations: list[Encoded]) -> int:
        """Return what the keywords are here; define those that are new."""
        if not bits or not self.scope.keywords:
            return 0
        if self.known is None:
            raise RuntimeError("a keyword, and no table of keywords")
        if bits not in self._bits:
            names = enumerate(self.originals.names)
            named = frozenset(name for number, name in names if bits >> number & 1)
            self._bits[bits], new = self.known.keyword_bits(named)
            operations += [keyword.encode() for keyword in new]
        return self._bits[bits]


def _copy(original: Original, uid: int, time: int) -> Append:
    return Append(
        uid=Uid(uid),
        flags=original.flags,
        keywords=original.keywords,
        date=original.date,
        zone=original.zone,
        savedate=time // 1_000_000,
        size=original.size,
        header_size=original.header_size,
        header_crc=original.header_crc,
        content_crc=original.content_crc,
        emailid=original.emailid,
        card_size=original.card_size,
        card_crc=original.card_crc,
    )
