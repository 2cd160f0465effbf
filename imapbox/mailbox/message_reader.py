"""Reading messages as one session sees them: where they stand, and what is noted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from imapbox.index.mailbox_state import MailboxState
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.index.uid_roll import Uids
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.mailbox.octet_reader import OctetReader
from imapbox.mailbox.recent import Recent
from imapbox.mailbox.vanished import vanished
from imapbox.mailbox.view import View
from imapbox.model.flags import MAX_KEYWORDS, Flag
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid, UidValidity
from imapbox.query.columns import Bounds, Facts
from imapbox.store.open_mailbox import OpenMailbox

T = TypeVar("T")

# Messages are made of rows so many at a time.
_SLICE: Final = 1000
# Message._make, without a call to Python for each message.
_MAKE_MESSAGE: Final = partial(tuple.__new__, Message)


class MessageReader(OctetReader):
    """The part of a `interfaces.SelectedMailbox` that changes nothing.

    It reads through a view: of what the client was not told it says nothing.

    Args:
        mailbox: What all sessions share; synced.
        recent: Which messages are recent to this session.
    """

    def __init__(self, mailbox: OpenMailbox, recent: Recent) -> None:
        super().__init__(mailbox)
        self._recent = recent
        self._view = View.of(mailbox.state)

    @property
    def uids(self) -> Uids:
        """Return the UIDs that the client knows of, ascending."""
        return self._view.uids

    @property
    def uidvalidity(self) -> UidValidity:
        """Return the mailbox's UIDVALIDITY."""
        return self._state.uidvalidity

    @property
    def exists(self) -> int:
        """Return how many messages the client knows of."""
        return len(self._view)

    @property
    def recent(self) -> int:
        """Return how many of them are recent."""
        return len(self._view) - self._view.uids.count_below(self._recent.after + 1)

    @property
    def uidnext(self) -> int:
        """Return the mailbox's UIDNEXT."""
        return self._state.counts.uidnext

    def first_unseen(self) -> Seq | None:
        r"""Return the position of the first message without ``\Seen``."""
        uid = self._state.columns.first_without(Flag.SEEN)
        return None if uid is None else self._view.seq_of(Uid(uid))

    def unseen(self) -> int:
        r"""Return how many messages are without ``\Seen``."""
        return self._state.counts.unseen

    def keywords(self) -> Sequence[str]:
        """Return the names of the keywords, by number."""
        return self._state.facts.keywords

    def may_add_keywords(self) -> bool:
        """Say whether a new keyword finds room."""
        return len(self._state.facts.keywords) < MAX_KEYWORDS

    def by_seq(self, ranges: Iterable[range]) -> Iterator[Message]:
        """Return the messages at these positions, in order.

        Raises:
            NoSuchMessage: A position is beyond `exists`.
        """
        return self._each(self._messages, self._places_by_seq(ranges))

    def by_uid(self, ranges: Iterable[range]) -> Iterator[Message]:
        """Return the messages with these UIDs, in order."""
        return self._each(self._messages, self._places_by_uid(ranges))

    def marks_by_seq(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """Return UIDs and marks of the messages at these positions.

        Raises:
            NoSuchMessage: A position is beyond `exists`.
        """
        return self._each(self._marked_rows, self._places_by_seq(ranges))

    def marks_by_uid(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """Return UIDs and marks of the messages with these UIDs."""
        return self._each(self._marked_rows, self._places_by_uid(ranges))

    def messages_of(self, uids: NDArray[np.uint32]) -> Iterator[Message]:
        """Return messages that the client was told of, in order."""
        return self._these(self._messages, uids)

    def marks_of(self, uids: NDArray[np.uint32]) -> Iterator[MarkedRow]:
        """Return UIDs and marks of messages that the client was told of."""
        return self._these(self._marked_rows, uids)

    def uids_by_seq(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """Return the UIDs at these positions, in order.

        Raises:
            NoSuchMessage: A position is beyond `exists`.
        """
        return self._uids_at(self._places_by_seq(ranges))

    def uids_by_uid(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """Return those of these UIDs that are there, in order."""
        return self._uids_at(self._places_by_uid(ranges))

    def remaining(self, uids: UidArray) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs that were not expunged, as is known."""
        return self._state.roll.now.among(as_array(uids))

    def changed_since(self, uids: UidArray, modseq: ModSeq) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs whose modseq is greater."""
        array = as_array(uids)
        columns = self._state.columns
        modseqs: NDArray[np.uint64] = columns["modseq"][columns.rows_of(array)]
        return array[modseqs > np.uint64(modseq)]

    def vanished_since(self, modseq: ModSeq, within: Sequence[range]) -> UidBounds:
        """Return UIDs that vanished; see `interfaces.SelectedMailbox`."""
        uids = self._view.uids[0 : len(self._view)]
        history = self._state.vanished.since(modseq)
        return vanished(uids, self.uidnext, history, within)

    def greatest_modseq(self, uids: UidArray) -> ModSeq:
        """Return the greatest modseq of these messages, at least one."""
        columns = self._state.columns
        return ModSeq(int(columns["modseq"][columns.rows_of(as_array(uids))].max()))

    def bounds(self) -> Bounds:
        """Return what numbers and names mean to a search that begins now."""
        exists = self.exists
        last = self._view.uid_at(Seq(exists)) if exists else 0
        return Bounds(exists, last, self.keywords())

    def facts(self, places: slice) -> Facts:
        """Return some messages as columns, for a search."""
        uids = self._view.uids[places]
        runs = self._state.columns.runs_of(uids)
        return Facts(
            first_seq=places.start + 1,
            uids=uids,
            recent_after=self._recent.after,
            column=runs.read,
            keyword=runs.with_keyword,
        )

    @property
    def _state(self) -> MailboxState:
        return self._mailbox.state

    def _places_by_seq(self, ranges: Iterable[range]) -> list[slice]:
        """Return where in the view these positions are.

        Raises:
            NoSuchMessage: One is beyond `exists`.
        """
        places = []
        for seqs in ranges:
            if not len(seqs):
                continue
            if seqs.start < 1 or seqs[-1] > len(self._view):
                raise NoSuchMessage(seqs[-1])
            places.append(slice(seqs.start - 1, seqs[-1]))
        return places

    def _places_by_uid(self, ranges: Iterable[range]) -> Iterator[slice]:
        """Return where in the view as it is now messages with these UIDs are."""
        return map(self._view.positions, ranges)

    def _uids_at(self, places: Iterable[slice]) -> NDArray[np.uint32]:
        uids = self._view.uids
        return np.concatenate([uids[:0], *(uids[each] for each in places)])

    def _each(
        self,
        read: Callable[[range, NDArray[np.uint32]], Iterator[T]],
        places: Iterable[slice],
    ) -> Iterator[T]:
        """Read what is at these places of the view as it is now, lazily."""
        uids = self._view.uids
        slices = (
            range(start, min(place.stop, start + _SLICE))
            for place in places
            for start in range(place.start, place.stop, _SLICE)
        )
        return chain.from_iterable(
            read(range(each.start + 1, each.stop + 1), uids[each.start : each.stop])
            for each in slices
        )

    def _these(
        self,
        read: Callable[[Sequence[int], NDArray[np.uint32]], Iterator[T]],
        uids: NDArray[np.uint32],
    ) -> Iterator[T]:
        """Read what has these UIDs in the view as it is now, lazily."""
        known = self._view.uids
        slices = (uids[start : start + _SLICE] for start in range(0, len(uids), _SLICE))
        return chain.from_iterable(
            read((known.places_of(each) + 1).tolist(), each) for each in slices
        )

    def _messages(
        self, seqs: Sequence[int], uids: NDArray[np.uint32]
    ) -> Iterator[Message]:
        columns = self._state.columns
        rows = columns.rows_of(uids)
        return map(
            _MAKE_MESSAGE,
            zip(
                seqs,
                uids.tolist(),
                columns["flags"][rows].tolist(),
                columns.keywords(rows),
                columns["modseq"][rows].tolist(),
                columns["date"][rows].tolist(),
                columns["zone"][rows].tolist(),
                columns["size"][rows].tolist(),
                self._are_recent(uids),
                columns["header_size"][rows].tolist(),
                columns["card_size"][rows].tolist(),
                columns["savedate"][rows].tolist(),
                columns["emailid"][rows].tolist(),
                strict=True,
            ),
        )

    def _marked_rows(self, seqs: Any, uids: NDArray[np.uint32]) -> Iterator[MarkedRow]:
        # Seqs are plain numbers: Seq costs a call each.
        columns = self._state.columns
        rows = columns.rows_of(uids)
        flags: list[int] = columns["flags"][rows].tolist()
        marks = zip(flags, columns.keywords(rows), self._are_recent(uids), strict=True)
        return zip(seqs, uids.tolist(), marks, strict=True)

    def _are_recent(self, uids: NDArray[np.uint32]) -> list[bool]:
        recent: list[bool] = (uids > self._recent.after).tolist()
        return recent


def as_array(uids: UidArray) -> NDArray[np.uint32]:
    """Return UIDs as they stand in columns."""
    return np.asarray(uids, np.uint32)
