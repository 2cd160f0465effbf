"""What the IMAP room sees of a mailbox; of an account: `account_interface`.

All coroutines may be cancelled at any await; what was being committed then is
either committed or not, never half. All raise `MailError`s, worded by
`imap.refusals`.
"""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Final, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred

from imapbox.index.body import READ_WHOLE
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.index.uid_roll import Uids
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.mailbox.updates import Update
from imapbox.mailbox.values import Copied, Piece
from imapbox.model.criteria import Text
from imapbox.model.flags import FlagChange
from imapbox.model.names import MailboxName
from imapbox.model.numbers import ModSeq, Seq, Uid, UidValidity
from imapbox.model.rights import Rights
from imapbox.query.columns import Bounds, Facts
from imapbox.query.matches import Matches

T = TypeVar("T")
# The UIDs that a client was told of, by position.
KnownUids: TypeAlias = Uids
# Ascending UIDs: of whole mailboxes, or of a few messages.
UidArray: TypeAlias = NDArray[np.uint32] | Sequence[Uid]


# A message of at most so many octets is checked whenever any of them are read.
ALWAYS_CHECKED: Final = READ_WHOLE


class SelectedMailbox(Protocol):
    """One session's sight of one mailbox, from SELECT to CLOSE.

    What it says of messages is what the client was told; it changes only in
    `sync` (sequence numbers) and with the flags that are now true.
    """

    @property
    def name(self) -> MailboxName:
        """The mailbox's, as it was selected."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed: EXAMINE."""
        ...

    @property
    def rights(self) -> Rights:
        """What may be done here, as of the last `sync`."""
        ...

    @property
    def uids(self) -> Uids:
        """The UIDs of the messages the client was told of.

        Number 0 of them is sequence number 1. They stay as they are.
        """
        ...

    @property
    def uidvalidity(self) -> UidValidity:
        """The mailbox's; it never changes."""
        ...

    @property
    def mailbox_id(self) -> bytes:
        """Its id, 16 octets, whatever it is called: RFC 8474 §4. None: b""."""
        ...

    @property
    def exists(self) -> int:
        """How many messages the client was told of."""
        ...

    @property
    def recent(self) -> int:
        """How many of them are recent here: RFC 3501 §2.3.2."""
        ...

    @property
    def uidnext(self) -> int:
        """What the next message's UID will be at least."""
        ...

    @property
    def highestmodseq(self) -> ModSeq:
        """Of all that the client was told; 0 if there are none."""
        ...

    def first_unseen(self) -> Seq | None:
        r"""Return the position of the first message without ``\\Seen``."""
        ...

    def unseen(self) -> int:
        r"""Return how many messages are without ``\Seen``."""
        ...

    def keywords(self) -> Sequence[str]:
        """Return the names of the keywords, by number; the table only grows."""
        ...

    def may_add_keywords(self) -> bool:
        r"""Say whether a new keyword finds room: ``\\*`` in PERMANENTFLAGS."""
        ...

    def by_seq(self, ranges: Iterable[range]) -> Iterator[Message]:
        """Return the messages at these positions, in order, lazily.

        Raises:
            NoSuchMessage: (at once) a position is beyond `exists`; the
                client's own mistake, answered BAD.
        """
        ...

    def by_uid(self, ranges: Iterable[range]) -> Iterator[Message]:
        """Return the messages with these UIDs, in order; others are skipped.

        Ranges are intersected with the view, never enumerated.
        """
        ...

    def marks_by_seq(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """Return what `by_seq` does, but only UIDs and marks; much cheaper."""
        ...

    def marks_by_uid(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        """Return what `by_uid` does, but only UIDs and marks; much cheaper."""
        ...

    def messages_of(self, uids: NDArray[np.uint32]) -> Iterator[Message]:
        """Return messages, lazily.

        Args:
            uids: Ascending; all of messages that the client was told of.
        """
        ...

    def marks_of(self, uids: NDArray[np.uint32]) -> Iterator[MarkedRow]:
        """Return what `messages_of` does, but only UIDs and marks."""
        ...

    def uids_by_seq(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """Return the UIDs of what `by_seq` returns, all at once: the cheapest."""
        ...

    def uids_by_uid(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        """Return the UIDs of what `by_uid` returns, all at once: the cheapest."""
        ...

    def remaining(self, uids: UidArray) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs that were not expunged, as is known.

        The client may have been told of the others, and not yet that they went.
        What could not be read or changed is known by then if it was for that.
        """
        ...

    def changed_since(self, uids: UidArray, modseq: ModSeq) -> NDArray[np.uint32]:
        """Return those of these ascending UIDs whose modseq is greater."""
        ...

    def vanished_since(self, modseq: ModSeq, within: Sequence[range]) -> UidBounds:
        """Return UIDs that vanished since ``modseq``, as far as it is known.

        Where it isn't, all that are not there. None is one that the client has
        a sequence number for: those `sync` tells. RFC 7162 §3.2.6.

        Args:
            modseq: Up to which the client was told all.
            within: Ranges of UIDs; nothing else is wanted.
        """
        ...

    def greatest_modseq(self, uids: UidArray) -> ModSeq:
        """Return the greatest modseq of these messages, at least one."""
        ...

    def bounds(self) -> Bounds:
        """Return what numbers and names mean to a search that begins now."""
        ...

    def facts(self, places: slice) -> Facts:
        """Return some messages as columns, for a search; no body is read.

        To be looked at before anything else happens: they are not copied.

        Args:
            places: Positions in the view, from 0.
        """
        ...

    async def matches(
        self, texts: Collection[Text], pause: Callable[[], Awaitable[None]]
    ) -> Mapping[Text, Matches]:
        """Return what is known of texts without looking into any message.

        Args:
            texts: What is looked for.
            pause: Awaited now and then.
        """
        ...

    async def check_readable(self) -> None:
        """See that the client may still read what is here, before it does.

        Raises:
            MailboxGone: It may not, or the mailbox is gone: BYE.
        """
        ...

    async def sync(self, *, may_expunge: bool) -> Collection[Update]:
        """Learn what changed, and return what to tell the client, in order.

        What any process acknowledged before this call is in it, except
        expunges, and what came after a first one, where ``may_expunge`` is
        False: RFC 9051 §7.5.1. New flags of what is there are told even then.

        The updates are made as they are taken, with the flags that are true
        then. All must be told, or the client's view is not ours any more.

        Raises:
            MailboxGone: The mailbox was deleted or replaced: BYE.
        """
        ...

    async def set_flags(
        self,
        uids: UidArray,
        change: FlagChange,
        flags: frozenset[str],
        *,
        unchanged_since: ModSeq | None = None,
    ) -> Sequence[Uid]:
        """Change flags, durably. `sync` will not echo this change.

        Afterwards `by_uid` shows the flags as they are.

        Args:
            uids: Ascending; of messages that the client was told of.
            change: Add, remove or replace.
            flags: Names.
            unchanged_since: Messages with a greater modseq are left alone:
                RFC 7162 §3.1.3.

        Returns:
            The UIDs of these, ascending.
        """
        ...

    async def expunge(self, uids: Iterable[range] | None = None) -> None:
        r"""Remove all messages with ``\\Deleted``, durably; `sync` tells them.

        Args:
            uids: Nothing but these may go; None for all.

        Raises:
            MailboxReadOnly: Nothing can be changed.
        """
        ...

    async def remove(self, uids: UidArray) -> None:
        """Remove messages whatever their flags, durably; `sync` tells them.

        Args:
            uids: Ascending; of messages that the client was told of.

        Raises:
            MailboxReadOnly: Nothing can be changed.
        """
        ...

    async def copy(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Copy messages into another mailbox, or this one; all or none, durably.

        Flags, keywords and INTERNALDATE are copied with them.

        Args:
            uids: Ascending; of messages that the client was told of.
            name: Where to.

        Returns:
            None if no message was named.

        Raises:
            NoSuchMailbox: Answered with TRYCREATE.
            MessageGone: One of them was expunged; none was copied.
            MessageDamaged: One of them is not what was stored; none was copied.
            TooMuchAtOnce: They are too many for one command.
        """
        ...

    async def move(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Move messages into another mailbox, durably; `sync` tells who went.

        Args:
            uids: As for `copy`.
            name: As for `copy`.

        Returns:
            What was moved: as many of the first messages as are moved in one
            commit, at least one. Call it again for the others. None if no
            message was named.

        Raises:
            MailboxReadOnly: Nothing can be changed.
            NoSuchMailbox, MessageGone, MessageDamaged: As for `copy`.
        """
        ...

    async def read(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Return octets of messages, None for those whose body is gone.

        Ask for at most about 1 MiB at a time.
        """
        ...

    async def read_cards(self, uids: Sequence[Uid]) -> Sequence[bytes | None]:
        """Return the stored cards of messages, None where there is no good one.

        Ask for at most about 1 MiB at a time; `Message.card_size` tells.
        """
        ...

    async def make_card(self, uid: Uid) -> bytes | None:
        """Make a message's card from its octets; None if these are gone.

        For a message without a good one; it is not stored.
        """
        ...

    async def is_intact(self, uid: Uid) -> bool:
        """Say whether all octets of a message are there, as they were stored.

        Of those above `ALWAYS_CHECKED` each is read and checked once in a
        process, which then believes it.
        """
        ...

    async def read_through(self, piece: Piece, work: Callable[[bytes], T]) -> T | None:
        """Do ``work`` on octets of a message, in the thread that reads them.

        For what takes too long to be done between two turns of the reactor.
        ``work`` knows nothing of the session. None if the body is gone.
        """
        ...

    def read_now(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Do as `read` does, and keep the reactor waiting: for twisted.mail.

        Raises:
            StoreFailure: It took too long.
        """
        ...

    def changed(self) -> Deferred[None]:
        """Return a Deferred that fires when a `sync` may have news.

        A hint: it may fire in vain, and fires within a bounded time after a
        change even where hints get lost. Cancel it when it is not needed.
        """
        ...

    def close(self) -> None:
        """Give everything back. Calls nothing that may fail."""
        ...
