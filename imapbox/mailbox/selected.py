"""One session's sight of one mailbox, from SELECT to CLOSE."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from twisted.internet.defer import Deferred, succeed

from imapbox.index.mailbox_transactions import ExpungeMessages, SetFlags
from imapbox.index.rows_taken_along import take_along
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.mailbox.access import Access, authorize
from imapbox.mailbox.full_text import FullText
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.message_reader import MessageReader, as_array
from imapbox.mailbox.recent import Recent
from imapbox.mailbox.transfer import Transfer
from imapbox.mailbox.updates import Exists, KeywordsDefined, Update, Updates
from imapbox.mailbox.values import Copied
from imapbox.mailbox.view import sync
from imapbox.model.criteria import Like, Text
from imapbox.model.errors import MailboxGone, MailboxReadOnly, NotPermitted
from imapbox.model.flags import Flag, FlagChange, split_flags
from imapbox.model.names import MailboxName
from imapbox.model.numbers import ModSeq, Seq, Uid
from imapbox.model.rights import TAKE_AWAY, Rights, settable_flags
from imapbox.query.matches import Matches
from imapbox.store.open_mailbox import OpenMailbox


class Selected(MessageReader):
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
        super().__init__(mailbox, recent)
        self.name = name
        self.read_only = read_only
        self._access = access
        self._transfer = transfer
        self._full_text = full_text
        self._told: set[ModSeq] = set()
        state = mailbox.state
        self._told_up_to = state.counts.modseq
        self._mailbox_id = state.facts.mailbox_id
        self._uidvalidity = state.uidvalidity
        self._closed = False
        state.changes.readers.add(self)
        recent.open()

    @property
    def mailbox_id(self) -> bytes:
        """Return its id, whatever it is called."""
        return self._mailbox_id

    @property
    def rights(self) -> Rights:
        """Return what may be done here, as is known."""
        return self._access.rights

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
        known = take_along(self._state, as_array(uids))
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
        known = take_along(self._state, as_array(uids))
        wish = ExpungeMessages(known, only_deleted=False)
        await self._mailbox.submit(wish, command="replace")
        await self._mailbox.sync()

    async def copy(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Copy messages; see `interfaces.SelectedMailbox.copy`."""
        await self._learn()
        return await self._transfer.copy(self._mailbox, as_array(uids), name)

    async def move(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Move messages; see `interfaces.SelectedMailbox.move`."""
        self._check_writable()
        await self._learn()
        authorize(self._access, TAKE_AWAY, self.name)
        return await self._transfer.move(self._mailbox, as_array(uids), name)

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
