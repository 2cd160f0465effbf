r"""A selected mailbox, as twisted.mail's IMAP4Server wants it.

What it is asked for in a way that can't wait (`getMessageCount` and all that
begin so) it answers from memory. What it does it does in the order in which it
was asked, since the stock server keeps none. What is new, and who is told of it,
is in `twisted_news`.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
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
from imapbox.mailbox.twisted_copies import Copies
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.twisted_interfaces import ISyncedMailbox
from imapbox.mailbox.twisted_message import TwistedMessage, message_date
from imapbox.mailbox.twisted_news import News
from imapbox.mailbox.twisted_search import criterion_of
from imapbox.mailbox.values import NewMessage
from imapbox.model.flags import FLAG_NAMES, FlagChange, is_keyword
from imapbox.model.names import DELIMITER
from imapbox.model.numbers import NoSuchMessage, Seq, Uid
from imapbox.wire.imap.sequence_set import SequenceSet

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
        news: What the connection knows of it.
    """

    def __init__(
        self,
        mail: Account,
        selected: SelectedMailbox,
        listened: "Callable[[], TwistedMailbox | None]",
        clock: Any,
    ) -> None:
        self._mail = mail
        self._selected = selected
        self._listened = listened
        self._appended = False
        self._copies = Copies(selected.name, clock)
        self._clock = clock
        self._turn_began = 0.0
        # The stock server closes nothing that it opened for STATUS or COPY.
        self._closing = weakref.finalize(self, selected.close)
        closing = self._closing
        self.news = News(selected, lambda: closing.alive)

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
        return self.news.told.uid_at(message)

    def getMessageCount(self) -> int:
        """Return how many messages the client knows of here.

        After `addMessage`, if nobody listens: how many it knows of in the
        mailbox that it has selected. The stock server answers APPEND with this
        number as EXISTS, which always means the selected mailbox.
        """
        alone = self._appended and not self.news.listeners
        return len(((alone and self._listened()) or self).news.told)

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
            None
            if seq is None
            else self.news.told.seq_of(self._selected.uids.at(seq - 1))
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
        """Tell somebody what is new, from now on, until it is closed."""
        self.news.add(listener, self)

    def removeListener(self, listener: IMailboxIMAPListener) -> None:
        """Tell this one no more.

        Raises:
            ValueError: It was not told.
        """
        self.news.remove(listener)

    def close(self) -> None:
        """Give everything back. May be called more than once.

        Listeners may be removed afterwards, and are told nothing any more.
        """
        self._closing()
        self.news.end()

    def destroy(self) -> None:
        """Give everything back: the mailbox is about to be deleted."""
        self.close()

    def sync(self) -> Deferred[list[int]]:
        """See `ISyncedMailbox`."""

        async def buried() -> list[int]:
            await self.news.learn()
            return self.news.bury()

        return self.news.in_order(buried)

    # What is done.

    def fetch(
        self, messages: MessageSet, uid: bool
    ) -> Deferred[list[tuple[int, TwistedMessage]]]:
        """Return messages by number, ascending.

        What others expunged is skipped. Their octets are read when they are
        asked for, and that keeps the reactor waiting; see `IMessageLoader`.
        """

        async def found() -> list[tuple[int, TwistedMessage]]:
            await self.news.learn()
            return [
                (seq, self._message(seq, row))
                for seq, row in self._rows(messages, by_uid=bool(uid))
            ]

        return self.news.in_order(found)

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
            await self.news.learn()
            self._turn_began = self._clock.seconds()
            now = self._clock.seconds()
            searching = Searching(self._selected, criterion, self._pause, now=now)
            numbers: list[int] = []
            async for found in searching.found():
                numbers += [self.news.told.seq_of(uid) for uid in found.uids.tolist()]
            return numbers

        return self.news.in_order(found)

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
            await self.news.learn()
            uids = [row.uid for _, row in self._rows(messages, by_uid=bool(uid))]
            await self._selected.set_flags(uids, _CHANGES[mode], names)
            return {
                self.news.told.seq_of(row.uid): self.news.flags_of(row)
                for row in self._selected.by_uid(_ranges(uids))
            }

        return self.news.in_order(stored)

    def expunge(self) -> Deferred[list[int]]:
        r"""Remove what is ``\Deleted``, durably.

        Returns:
            Fires with the sequence numbers to be told as EXPUNGE, in this
            order; those that others expunged are among them. Fails with
            ReadOnlyMailbox.
        """

        async def gone() -> list[int]:
            await self.news.learn()
            await self._selected.expunge()
            await self.news.learn()
            return self.news.bury()

        return self.news.in_order(gone)

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
                    await listened.news.tell()
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

    def _rows(
        self, messages: MessageSet, *, by_uid: bool
    ) -> Iterator[tuple[Seq, Message]]:
        """Return the messages that a client names and that there still are.

        Raises:
            NoSuchMessage: A sequence number is nobody's.
        """
        numbers = SequenceSet(tuple(messages.ranges))
        if not len(self.news.told):
            # "*" is nobody's number then, and no mistake.
            if not by_uid and any(high for _, high in numbers.ranges):
                raise NoSuchMessage(1)
            return
        if by_uid:
            uids = numbers.resolve(self.news.told.uid_at(len(self.news.told)))
        else:
            uids = tuple(
                map(self.news.told.uids_at, numbers.resolve(len(self.news.told)))
            )
        for row in self._selected.by_uid(uids):
            yield self.news.told.seq_of(row.uid), row

    def _message(self, seq: Seq, row: Message) -> TwistedMessage:
        return TwistedMessage(
            self._selected,
            self._mail,
            row._replace(seq=seq),
            self.news.flags_of(row),
            self._has,
        )

    def _has(self, uid: int) -> bool:
        uids = self._selected.uids
        at = uids.count_below(uid)
        return self._closing.alive and at < len(uids) and uids.at(at) == uid


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
