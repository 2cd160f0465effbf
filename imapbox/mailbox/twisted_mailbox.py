r"""A selected mailbox, as twisted.mail's IMAP4Server wants it.

What it is asked for in a way that can't wait (`getMessageCount` and all that
begin so) it answers from memory. What it does it does in the order in which it
was asked, since the stock server keeps none. Before each it learns what is
new, and tells its listeners; while it has some, it also does so by itself.
Expunges keep their sequence numbers until they can be told: see `told`.
"""

import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.mail.imap4 import MailboxException, MessageSet, ReadOnlyMailbox
from twisted.mail.interfaces import (
    ICloseableMailboxIMAP,
    IMailboxIMAP,
    IMailboxIMAPListener,
    IMessageIMAPCopier,
    IMessageIMAPFile,
    ISearchableIMAPMailbox,
)
from zope.interface import implementer

from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.searching import Searching
from imapbox.mailbox.told import Told
from imapbox.mailbox.twisted_copies import Copies
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.twisted_interfaces import ISyncedMailbox
from imapbox.mailbox.twisted_message import TwistedMessage, message_date
from imapbox.mailbox.twisted_search import criterion_of
from imapbox.mailbox.updates import Expunged, FlagsChanged
from imapbox.mailbox.values import NewMessage
from imapbox.model.flags import FLAG_NAMES, FlagChange, is_keyword
from imapbox.model.names import DELIMITER
from imapbox.model.numbers import NoSuchMessage, Seq, Uid
from imapbox.wire.imap.sequence_set import SequenceSet

T = TypeVar("T")

_CHANGES: Final = {1: FlagChange.ADD, 0: FlagChange.REPLACE, -1: FlagChange.REMOVE}
_BLOCK: Final = 64 * 1024
# Seconds that a search takes at a time.
_TURN: Final = 0.005
_COUNTS: Final = {
    "MESSAGES": "getMessageCount",
    "RECENT": "getRecentCount",
    "UIDNEXT": "getUIDNext",
    "UIDVALIDITY": "getUIDValidity",
    "UNSEEN": "getUnseenCount",
}


@implementer(
    IMailboxIMAP,
    ISearchableIMAPMailbox,
    ICloseableMailboxIMAP,
    IMessageIMAPCopier,
    ISyncedMailbox,
)
class TwistedMailbox:
    """One connection's sight of one mailbox.

    Args:
        mail: The account it belongs to.
        selected: The mailbox; closed when nobody refers to this any more.
        listened: Returns the mailbox that the same connection has selected.
        clock: An `IReactorTime`, for long searches.

    Attributes:
        listeners: Who is told of news; the stock server, once it has this
            mailbox selected.
        told: What they know.
    """

    _log = Logger()

    def __init__(
        self,
        mail: Account,
        selected: SelectedMailbox,
        listened: "Callable[[], TwistedMailbox | None]",
        clock: Any,
    ) -> None:
        self.listeners: list[Any] = []
        self._mail = mail
        self._selected = selected
        self._listened = listened
        self.told = Told(selected.uids)
        self._order = DeferredLock()
        self._watch: Deferred[None] | None = None
        self._appended = False
        self._copies = Copies(selected.name, clock)
        self._clock = clock
        self._turn_began = 0.0
        # The stock server closes nothing that it opened for STATUS or COPY.
        self._closing = weakref.finalize(self, selected.close)

    # What is known.

    def getFlags(self) -> list[str]:
        """Return the names of all flags that messages can have here."""
        return [*FLAG_NAMES.values(), *self._selected.keywords()]

    def getPermanentFlags(self) -> list[str]:
        """See `ISyncedMailbox`."""
        if not self.isWriteable():
            return []
        invites = ["\\*"] if self._selected.may_add_keywords() else []
        return self.getFlags() + invites

    def getHierarchicalDelimiter(self) -> str:
        """Return "/"."""
        return DELIMITER

    def getUIDValidity(self) -> int:
        """Return UIDVALIDITY."""
        return self._selected.uidvalidity

    def getUIDNext(self) -> int:
        """Return UIDNEXT."""
        return self._selected.uidnext

    def getUID(self, message: int) -> int:
        """Return the UID of the message that has this sequence number.

        Raises:
            NoSuchMessage: There is none.
        """
        return self.told.uid_at(message)

    def getMessageCount(self) -> int:
        """Return how many messages the client knows of here.

        After `addMessage`, if nobody listens: how many it knows of in the
        mailbox that it has selected. The stock server answers APPEND with this
        number as EXISTS, which always means the selected mailbox.
        """
        listened = self._listened() if self._appended and not self.listeners else None
        return len((listened or self).told)

    def getRecentCount(self) -> int:
        r"""Return how many of them are ``\Recent``."""
        return self._selected.recent

    def getUnseenCount(self) -> int:
        r"""Return how many of them are without ``\Seen``."""
        return self._selected.unseen()

    def getFirstUnseen(self) -> int | None:
        """See `ISyncedMailbox`."""
        seq = self._selected.first_unseen()
        return (
            None if seq is None else self.told.seq_of(self._selected.uids.at(seq - 1))
        )

    def isWriteable(self) -> bool:
        """Say whether flags can be changed, and messages expunged."""
        return not self._selected.read_only

    def requestStatus(self, names: Iterable[str]) -> dict[str, int]:
        """Return what STATUS asks for, as it was when this was selected or synced.

        Names that nobody knows are left out: the stock server would never
        answer its client if this raised something.
        """
        return {
            name: getattr(self, _COUNTS[name.upper()])()
            for name in names
            if name.upper() in _COUNTS
        }

    # What is told.

    def addListener(self, listener: IMailboxIMAPListener) -> None:
        """Tell somebody what is new, from now on."""
        self.listeners.append(listener)
        self._listen()

    def removeListener(self, listener: IMailboxIMAPListener) -> None:
        """Tell this one no more.

        Raises:
            ValueError: It was not told.
        """
        self.listeners.remove(listener)
        if not self.listeners:
            self._stop_listening()

    def close(self) -> None:
        """Give everything back. May be called more than once.

        Listeners may be removed afterwards, and are told nothing any more.
        """
        self._closing()
        self._stop_listening()

    def destroy(self) -> None:
        """Give everything back: the mailbox is about to be deleted."""
        self.close()

    def sync(self) -> Deferred[list[int]]:
        """See `ISyncedMailbox`."""
        return self._in_order(self._bury)

    def tell(self) -> Deferred[None]:
        """Tell the listeners, if there are any, what is new."""
        return self._in_order(self._tell)

    async def _bury(self) -> list[int]:
        await self._learn()
        seqs, self.told = self.told.bury()
        return seqs

    async def _learn(self) -> None:
        """Learn everything that was acknowledged before; tell what can be told."""
        known = self.told
        updates = await self._selected.sync(may_expunge=True)
        gone = [
            known.there.at(update.seq - 1)
            for update in updates
            if isinstance(update, Expunged)
        ]
        self.told = known.learn(self._selected.uids, gone)
        flagged = {
            self.told.seq_of(update.message.uid): self._flags(update.message)
            for update in updates
            if isinstance(update, FlagsChanged)
        }
        for listener in tuple(self.listeners):
            if len(self.told) > len(known):
                listener.newMessages(len(self.told), self._selected.recent)
            if flagged:
                listener.flagsChanged(flagged)
        self._listen()

    @property
    def is_listened_to(self) -> bool:
        """Whether somebody has this mailbox selected."""
        return bool(self.listeners) and self._closing.alive

    def _listen(self) -> None:
        if self._watch is None and self.is_listened_to:
            self._watch = self._selected.changed()
            self._watch.addCallbacks(self._wake, lambda _: None)

    def _stop_listening(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    def _wake(self, _: object) -> None:
        self._watch = None
        self.tell().addErrback(self._not_told)

    async def _tell(self) -> None:
        if not self.is_listened_to:
            return
        await self._learn()
        # The stock server takes responses between commands, too; EXPUNGE is
        # among them only while its client idles: RFC 3501 §7.4.1.
        if len(self.told.gone) and all(map(_idles, self.listeners)):
            seqs, self.told = self.told.bury()
            for listener in self.listeners:
                for seq in seqs:
                    listener.sendUntaggedResponse(b"%d EXPUNGE" % seq)

    def _not_told(self, failure: Any) -> None:
        # Whatever is asked next meets the same error, and can be refused.
        if not failure.check(MailboxException):
            self._log.failure("could not tell what is new", failure)

    # What is done.

    def fetch(
        self, messages: MessageSet, uid: bool
    ) -> Deferred[list[tuple[int, TwistedMessage]]]:
        """Return messages by number, ascending.

        What others expunged is skipped. Their octets are read when they are
        asked for, and that keeps the reactor waiting; see `IMessageLoader`.
        """

        async def found() -> list[tuple[int, TwistedMessage]]:
            await self._learn()
            return [
                (seq, self._message(seq, row))
                for seq, row in self._rows(messages, by_uid=bool(uid))
            ]

        return self._in_order(found)

    def search(self, query: list[Any], uid: bool) -> Deferred[list[int]]:
        """Return the sequence numbers of messages that are so.

        Numbers, not UIDs, whatever ``uid`` says: so the stock server wants it.
        Fails with IllegalQueryError if ``query`` can't be understood.

        Args:
            query: As the stock server reads a SEARCH: strings and lists.
            uid: Ignored; UIDs in a query are marked as such.
        """
        del uid

        async def found() -> list[int]:
            criterion = criterion_of(query)
            await self._learn()
            self._turn_began = self._clock.seconds()
            now = self._clock.seconds()
            searching = Searching(self._selected, criterion, self._pause, now=now)
            numbers: list[int] = []
            async for found in searching.found():
                numbers += [self.told.seq_of(uid) for uid in found.uids.tolist()]
            return numbers

        return self._in_order(found)

    async def _pause(self) -> None:
        """Let others have their turn, if this one took long."""
        if self._clock.seconds() - self._turn_began > _TURN:
            await deferLater(self._clock, 0)
            self._turn_began = self._clock.seconds()

    def store(
        self, messages: MessageSet, flags: Sequence[str], mode: int, uid: bool
    ) -> Deferred[dict[int, list[str]]]:
        """Change flags, durably; return them by sequence number.

        Fails with ReadOnlyMailbox, and with MailboxException if a flag can't
        be one.
        """

        async def stored() -> dict[int, list[str]]:
            names = _flag_names(flags)
            await self._learn()
            uids = [row.uid for _, row in self._rows(messages, by_uid=bool(uid))]
            await self._selected.set_flags(uids, _CHANGES[mode], names)
            return {
                self.told.seq_of(row.uid): self._flags(row)
                for row in self._selected.by_uid(_ranges(uids))
            }

        return self._in_order(stored)

    def expunge(self) -> Deferred[list[int]]:
        r"""Remove what is ``\Deleted``, durably.

        Returns:
            Fires with the sequence numbers to be told as EXPUNGE, in this
            order; those that others expunged are among them. Fails with
            ReadOnlyMailbox.
        """

        async def gone() -> list[int]:
            await self._learn()
            await self._selected.expunge()
            return await self._bury()

        return self._in_order(gone)

    def addMessage(
        self,
        message: BinaryIO,
        flags: Iterable[str | bytes] = (),
        date: str | bytes | None = None,
    ) -> Deferred[int]:
        """Add a message, durably, and return its UID.

        Args:
            message: A file with its octets; closed when they are read.
            flags: Their names.
            date: INTERNALDATE as IMAP or as RFC 5322 writes it; None means now.
        """

        async def added() -> int:
            names = _flag_names(flags or ())
            moment = message_date(date)
            spool = self._mail.new_spool()
            try:
                while block := message.read(_BLOCK):
                    await spool.write(block)
                content = await spool.finish()
            except BaseException:
                spool.discard()
                raise
            finally:
                message.close()
            new = NewMessage(content, names, moment)
            where = await self._mail.append(self._selected.name, [new])
            self._appended = True
            if (listened := self._listened()) is not None:
                with suppress(MailboxException):  # the message is there all the same
                    await listened.tell()
            return where.uids[0]

        if not self.isWriteable():
            raise ReadOnlyMailbox
        return Deferred.fromCoroutine(told(added()))

    def copy(self, messageObject: Any) -> Deferred[int]:
        """Add a copy of a message that some mailbox's `fetch` returned.

        What is asked for in one turn of the reactor is copied together, all or
        none, if it is in one mailbox of this account.
        """
        if not self.isWriteable():
            raise ReadOnlyMailbox
        if isinstance(messageObject, TwistedMessage) and (
            messageObject.mail is self._mail
        ):
            return self._copies.add(messageObject)
        source: Any = IMessageIMAPFile(messageObject)
        return self.addMessage(
            source.open(), messageObject.getFlags(), messageObject.getInternalDate()
        )

    # How.

    def _in_order(self, work: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """Do ``work`` when all that was asked before is done."""
        return self._order.run(lambda: Deferred.fromCoroutine(told(work())))

    def _rows(
        self, messages: MessageSet, *, by_uid: bool
    ) -> Iterator[tuple[Seq, Message]]:
        """Return the messages that a client names and that there still are.

        Raises:
            NoSuchMessage: A sequence number is nobody's.
        """
        numbers = SequenceSet(tuple(messages.ranges))
        if not len(self.told):
            # "*" is nobody's number then, and no mistake.
            if not by_uid and any(high for _, high in numbers.ranges):
                raise NoSuchMessage(1)
            return
        if by_uid:
            uids = numbers.resolve(self.told.uid_at(len(self.told)))
        else:
            uids = tuple(map(self.told.uids_at, numbers.resolve(len(self.told))))
        for row in self._selected.by_uid(uids):
            yield self.told.seq_of(row.uid), row

    def _message(self, seq: Seq, row: Message) -> TwistedMessage:
        return TwistedMessage(
            self._selected,
            self._mail,
            row._replace(seq=seq),
            self._flags(row),
            self._has,
        )

    def _has(self, uid: int) -> bool:
        uids = self._selected.uids
        at = uids.count_below(uid)
        return self._closing.alive and at < len(uids) and uids.at(at) == uid

    def _flags(self, row: Message) -> list[str]:
        flags = [name for flag, name in FLAG_NAMES.items() if row.flags & flag]
        if row.keywords:
            flags += [
                name
                for number, name in enumerate(self._selected.keywords())
                if row.keywords >> number & 1
            ]
        if row.recent:
            flags.append("\\Recent")
        return flags


def _idles(listener: Any) -> bool:
    """Say whether this is a stock server whose client idles."""
    return getattr(listener, "parseState", None) == "idle"


def _flag_names(flags: Iterable[str | bytes]) -> frozenset[str]:
    """Return flags as names.

    Raises:
        MailboxException: One can't be a flag.
    """
    names = {
        flag.decode("ascii", "replace") if isinstance(flag, bytes) else flag
        for flag in flags
    }
    if not all(is_keyword(name.removeprefix("\\")) for name in names):
        raise MailboxException("This can not be a flag.")
    return frozenset(names)


def _ranges(uids: Iterable[Uid]) -> list[range]:
    return [range(uid, uid + 1) for uid in uids]
