"""What one client was told of a foreign mailbox; all of it in memory.

The part of a `mailbox.interfaces.SelectedMailbox` that is answered at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imapbox.foreign.rows import Keywords, Row
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.index.uid_roll import UidRoll, Uids
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.model.flags import Flag
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid
from imapbox.query.columns import Bounds, Facts

_NO_ID = bytes(16)


class View:
    """Messages by number and by UID.

    Attributes:
        rows: What is known of each, by UID.
        gone: UIDs of messages that are known to be there no longer.
        recent_after: Those with a greater UID are recent to this session.
        words: The keywords, by number.
    """

    def __init__(self, rows: dict[int, Row], words: Keywords, recent: int) -> None:
        self.rows = rows
        self.gone: set[int] = set()
        self.words = words
        self.renumber()
        told = len(rows) - min(recent, len(rows))
        self.recent_after = self._uids.at(told - 1) if told else 0

    def renumber(self) -> None:
        """Number the messages anew: some came, or went."""
        roll = UidRoll()
        roll.load([np.array(sorted(self.rows), np.uint32)])
        self._uids = roll.now

    @property
    def uids(self) -> Uids:
        """See `SelectedMailbox`."""
        return self._uids

    @property
    def exists(self) -> int:
        """See `SelectedMailbox`."""
        return len(self._uids)

    @property
    def recent(self) -> int:
        """See `SelectedMailbox`."""
        return self.exists - self._uids.count_below(self.recent_after + 1)

    @property
    def highestmodseq(self) -> ModSeq:
        """There are none: nobody tells them."""
        return ModSeq(0)

    def first_unseen(self) -> Seq | None:
        """See `SelectedMailbox`."""
        for number, uid in enumerate(self._uids.tolist(), start=1):
            if not self.rows[uid].flags & Flag.SEEN:
                return Seq(number)
        return None

    def unseen(self) -> int:
        """See `SelectedMailbox`."""
        return sum(not row.flags & Flag.SEEN for row in self.rows.values())

    def keywords(self) -> Sequence[str]:
        """See `SelectedMailbox`."""
        return self.words.names

    def by_seq(self, ranges: Iterable[range]) -> Iterator[Message]:
        """See `SelectedMailbox`."""
        return self._messages(self.uids_by_seq(ranges))

    def by_uid(self, ranges: Iterable[range]) -> Iterator[Message]:
        """See `SelectedMailbox`."""
        return self._messages(self.uids_by_uid(ranges))

    def marks_by_seq(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """See `SelectedMailbox`."""
        return map(_marked, self.by_seq(ranges))

    def marks_by_uid(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """See `SelectedMailbox`."""
        return map(_marked, self.by_uid(ranges))

    def messages_of(self, uids: NDArray[np.uint32]) -> Iterator[Message]:
        """See `SelectedMailbox`."""
        return self._messages(uids)

    def marks_of(self, uids: NDArray[np.uint32]) -> Iterator[MarkedRow]:
        """See `SelectedMailbox`."""
        return map(_marked, self._messages(uids))

    def uids_by_seq(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """See `SelectedMailbox`."""
        parts = [self._uids[0:0]]
        for seqs in ranges:
            if len(seqs):
                if seqs.start < 1 or seqs[-1] > self.exists:
                    raise NoSuchMessage(seqs[-1])
                parts.append(self._uids[seqs.start - 1 : seqs[-1]])
        return np.concatenate(parts)

    def uids_by_uid(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """See `SelectedMailbox`."""
        parts = [self._uids[0:0]]
        for uids in ranges:
            if len(uids):
                first = self._uids.count_below(uids.start)
                parts.append(self._uids[first : self._uids.count_below(uids.stop)])
        return np.concatenate(parts)

    def remaining(self, uids: UidArray) -> NDArray[np.uint32]:
        """See `SelectedMailbox`."""
        there = [uid for uid in map(int, uids) if self._is_there(uid)]
        return np.array(there, np.uint32)

    def changed_since(self, uids: UidArray, modseq: ModSeq) -> NDArray[np.uint32]:
        """Return none of them: there are no modseqs."""
        del uids, modseq
        return self._uids[0:0]

    def vanished_since(self, modseq: ModSeq, within: Sequence[range]) -> UidBounds:
        """Return none: there are no modseqs."""
        del modseq, within
        return UidBounds.of([])

    def greatest_modseq(self, uids: UidArray) -> ModSeq:
        """Return none: there are no modseqs."""
        del uids
        return self.highestmodseq

    def bounds(self) -> Bounds:
        """See `SelectedMailbox`."""
        last = self._uids.at(self.exists - 1) if self.exists else 0
        return Bounds(self.exists, last, self.keywords())

    def facts(self, places: slice) -> Facts:
        """See `SelectedMailbox`."""
        uids = self._uids[places]
        rows = [self.rows[uid] for uid in uids.tolist()]
        columns: dict[str, NDArray[Any]] = {
            "flags": np.array([row.flags for row in rows], np.uint32),
            "date": np.array([row.date.seconds for row in rows], np.int64),
            "zone": np.array([row.date.zone for row in rows], np.int16),
            "size": np.array([row.size for row in rows], np.uint64),
        }
        return Facts(
            first_seq=places.start + 1,
            uids=uids,
            recent_after=self.recent_after,
            column=columns.__getitem__,
            keyword=lambda number: np.array(
                [row.keywords >> number & 1 for row in rows], np.bool_
            ),
        )

    def _is_there(self, uid: int) -> bool:
        return uid in self.rows and uid not in self.gone

    def _messages(self, uids: NDArray[np.uint32]) -> Iterator[Message]:
        places = self._uids.places_of(uids)
        for place, uid in zip(places.tolist(), uids.tolist(), strict=True):
            row = self.rows[uid]
            yield Message(
                seq=Seq(place + 1),
                uid=Uid(uid),
                flags=row.flags,
                keywords=row.keywords,
                modseq=self.highestmodseq,
                date=row.date.seconds,
                zone=row.date.zone,
                size=row.size,
                recent=uid > self.recent_after,
                header_size=0,
                card_size=0,
                savedate=0,
                emailid=_NO_ID,
            )


def _marked(message: Message) -> MarkedRow:
    return message.seq, message.uid, message.marks
