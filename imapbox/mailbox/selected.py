"""One session's sight of one mailbox, from SELECT to CLOSE."""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred, succeed

from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import ExpungeMessages, SetFlags
from imapbox.index.rows_taken_along import take_along
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.index.uid_roll import Uids
from imapbox.mailbox.access import Access, authorize
from imapbox.mailbox.full_text import FullText
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.mailbox.octet_reader import OctetReader
from imapbox.mailbox.recent import Recent
from imapbox.mailbox.transfer import Transfer
from imapbox.mailbox.updates import Exists, KeywordsDefined, Update, Updates
from imapbox.mailbox.values import Copied
from imapbox.mailbox.vanished import vanished
from imapbox.mailbox.view import View, sync
from imapbox.model.criteria import Like, Text
from imapbox.model.errors import MailboxGone, MailboxReadOnly, NotPermitted
from imapbox.model.flags import MAX_KEYWORDS, Flag, FlagChange, split_flags
from imapbox.model.names import MailboxName
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid, UidValidity
from imapbox.model.rights import TAKE_AWAY, Rights, settable_flags
from imapbox.query.columns import Bounds, Facts
from imapbox.query.matches import Matches
from imapbox.store.open_mailbox import OpenMailbox

T = TypeVar("T")

# Messages are made of rows so many at a time.
_SLICE: Final = 1000
# Message._make, without a call to Python for each message.
_MAKE_MESSAGE: Final = partial(tuple.__new__, Message)


class Selected(OctetReader):
    """See `interfaces.SelectedMailbox`.

    Args:
        name: Under which it was selected.
        access: What whoever selected it may do.
        mailbox: What all sessions share; synced.
        transfer: Brings messages into other mailboxes.
        recent: Which messages are recent to this session.
        read_only: Whether it was opened with EXAMINE.
        full_text: Its index, where there is one.
    """

    def __init__(  # noqa: PLR0913 - what a session needs
        self,
        name: MailboxName,
        access: Access,
        mailbox: OpenMailbox,
        transfer: Transfer,
        recent: Recent,
        *,
        read_only: bool,
        full_text: FullText | None = None,
    ) -> None:
        super().__init__(mailbox)
        self.name = name
        self.read_only = read_only
        self._access = access
        self._transfer = transfer
        self._recent = recent
        self._full_text = full_text
        self._told: set[ModSeq] = set()
        state = mailbox.state
        self._told_up_to = state.counts.modseq
        self._view = View.of(state)
        self._mailbox_id = state.facts.mailbox_id
        self._uidvalidity = state.uidvalidity
        self._closed = False
        state.changes.readers.add(self)
        recent.open()

    @property
    def uids(self) -> Uids:
        """Return the UIDs that the client knows of, ascending."""
        return self._view.uids

    @property
    def mailbox_id(self) -> bytes:
        """Return its id, whatever it is called."""
        return self._mailbox_id

    @property
    def rights(self) -> Rights:
        """Return what may be done here, as is known."""
        return self._access.rights

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

    @property
    def highestmodseq(self) -> ModSeq:
        """Return the greatest modseq up to which the client was told all.

        It stays behind the mailbox's while an EXPUNGE waits for its time.
        RFC 7162 §3.2.5 has clients resume from it.
        """
        return self._told_up_to

    @property
    def next_change(self) -> int:
        """See `ChangeReader`."""
        return self._view.next_change

    @property
    def waits(self) -> bool:
        """See `ChangeReader`."""
        return self._view.waits

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
        return self._state.roll.now.among(_array(uids))

    def changed_since(self, uids: UidArray, modseq: ModSeq) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs whose modseq is greater."""
        array = _array(uids)
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
        return ModSeq(int(columns["modseq"][columns.rows_of(_array(uids))].max()))

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

    async def matches(
        self, texts: Collection[Text], pause: Callable[[], Awaitable[None]]
    ) -> Mapping[Text, Matches]:
        """Return what a full-text index knows; of what it can't know, nothing."""
        likes = [each for each in texts if isinstance(each, Like)]
        is_outdated = not self.exists and self._state.counts.exists
        if self._full_text is None or not likes or is_outdated:
            return {}
        return await self._full_text.matches(self, likes, pause)

    async def check_readable(self) -> None:
        """Raise `MailboxGone` if another's mailbox may not be read any more."""
        if not self._access.is_owners:
            await self._learn_rights()

    async def sync(self, *, may_expunge: bool) -> Collection[Update]:
        """Learn what changed; see `interfaces.SelectedMailbox.sync`."""
        await self._learn()
        view = self._view
        if view.has_read(self._state) and not (view.waits and may_expunge):
            self._note_told()
            return ()
        news = sync(view, self._state, may_expunge=may_expunge, told=self._told)
        self._view = news.view
        self._note_told()
        self._told.clear()
        self._mailbox.forget()
        others: list[Update] = [KeywordsDefined()] if news.keywords else []
        if news.grown:
            self._recent.tell(self._view.uid_at(Seq(self.exists)))
            others.append(Exists(self.exists, self.recent))
        messages = partial(self.messages_of, news.flagged)
        return Updates(news.expunged, others, len(news.flagged), messages)

    async def set_flags(
        self,
        uids: UidArray,
        change: FlagChange,
        flags: frozenset[str],
        *,
        unchanged_since: ModSeq | None = None,
    ) -> Sequence[Uid]:
        """Change flags, durably; see `interfaces.SelectedMailbox.set_flags`.

        Flags that one has no right to change stay as they are.

        Raises:
            MailboxReadOnly: It was opened with EXAMINE.
            NotPermitted: None of them may be changed.
        """
        self._check_writable()
        if not len(uids):
            return ()
        await self._learn()
        system, keywords = split_flags(flags)
        scope = settable_flags(self.rights)
        names_some = bool(system or keywords)
        if not any(scope.of(system, keywords) if names_some else scope):
            raise NotPermitted(self.name)
        known = take_along(self._state, _array(uids))
        wish = SetFlags(known, change, system, keywords, unchanged_since, scope)
        await self._mailbox.submit(wish, command="store")
        if wish.modseq is not None:
            self._told.add(wish.modseq)
        await self._mailbox.sync()
        if self._view.next_change < self._state.changes.first:
            self._told.clear()  # see `view.sync`
        return wish.left_alone

    async def expunge(self, uids: Iterable[range] | None = None) -> None:
        r"""Remove all messages with ``\Deleted``, durably.

        Args:
            uids: Nothing but these may go; None for all.

        Raises:
            MailboxReadOnly: It was opened with EXAMINE.
        """
        self._check_writable()
        await self._learn()
        authorize(self._access, Rights.EXPUNGE, self.name)
        # Only what the client was told of may go.
        deleted = self._view.uids.among(self._state.columns.uids_with(Flag.DELETED))
        if uids is not None:
            deleted = deleted[UidBounds.union(list(uids)).positions_in(deleted)]
        known = take_along(self._state, deleted)
        if known.rows:
            await self._mailbox.submit(ExpungeMessages(known), command="expunge")
            await self._mailbox.sync()

    async def remove(self, uids: UidArray) -> None:
        """Remove messages; see `interfaces.SelectedMailbox.remove`."""
        self._check_writable()
        await self._learn()
        authorize(self._access, TAKE_AWAY, self.name)
        known = take_along(self._state, _array(uids))
        wish = ExpungeMessages(known, only_deleted=False)
        await self._mailbox.submit(wish, command="replace")
        await self._mailbox.sync()

    async def copy(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Copy messages; see `interfaces.SelectedMailbox.copy`."""
        await self._learn()
        return await self._transfer.copy(self._mailbox, _array(uids), name)

    async def move(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Move messages; see `interfaces.SelectedMailbox.move`."""
        self._check_writable()
        await self._learn()
        authorize(self._access, TAKE_AWAY, self.name)
        return await self._transfer.move(self._mailbox, _array(uids), name)

    def changed(self) -> Deferred[None]:
        """Return a Deferred that fires when a `sync` may have news."""
        if not self._view.knows_all(self._state):
            return succeed(None)  # another session of this process learned it
        return self._mailbox.changed()

    def close(self) -> None:
        """Give everything back."""
        if not self._closed:
            self._closed = True
            self._state.changes.readers.discard(self)
            self._mailbox.forget()
            self._recent.close()

    @property
    def _state(self) -> MailboxState:
        return self._mailbox.state

    def _note_told(self) -> None:
        # What is no change to the view has a modseq, too: `recentuid` and others.
        if self._view.knows_all(self._state):
            self._told_up_to = self._state.counts.modseq

    async def _learn(self) -> None:
        """Bring the shared state up to date.

        Raises:
            MailboxGone: Its account does not bind it any more, or it may not be
                read any more.
        """
        await self._learn_rights()
        await self._mailbox.sync()
        if self.uidvalidity != self._uidvalidity:
            raise MailboxGone(self.name)  # `imapbox restored` gave it a new one

    async def _learn_rights(self) -> None:
        account = self._access.account
        await account.sync()
        if self._mailbox_id not in account.state.mailboxes:
            raise MailboxGone(self.name)
        if not (self._access.is_owners or Rights.READ in self.rights):
            raise MailboxGone(self.name)  # as if it were: nobody learns the difference

    def _check_writable(self) -> None:
        if self.read_only:
            raise MailboxReadOnly(self.name)

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


def _array(uids: UidArray) -> NDArray[np.uint32]:
    return np.asarray(uids, np.uint32)
