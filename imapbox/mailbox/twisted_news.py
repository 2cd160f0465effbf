"""What one connection knows of a selected mailbox, and whom it tells what is new.

Before each thing that is done it learns what is new, and tells its listeners;
while it has some, it also does so by itself. Expunges keep their sequence numbers
until they can be told: see `told`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.mail.imap4 import MailboxException
from twisted.mail.interfaces import IMailboxIMAPListener

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.told import Told
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.updates import Expunged, FlagsChanged
from imapbox.model.flags import FLAG_NAMES

T = TypeVar("T")


class News:
    """The news of one mailbox, for one connection.

    Args:
        selected: The mailbox.
        is_open: Says whether the mailbox is not closed yet. It knows nothing of
            who has these news: that one is to go as soon as nobody wants it.

    Attributes:
        listeners: Who is told of news; the stock server, once it has this
            mailbox selected.
        told: What they know.
    """

    _log = Logger()

    def __init__(self, selected: SelectedMailbox, is_open: Callable[[], bool]) -> None:
        self.listeners: list[Any] = []
        self.told = Told(selected.uids)
        self._selected = selected
        self._is_open = is_open
        self._order = DeferredLock()
        self._watch: Deferred[None] | None = None
        self._kept: object = None

    def add(self, listener: IMailboxIMAPListener, mailbox: object) -> None:
        """Tell somebody what is new, from now on.

        Args:
            listener: Whom.
            mailbox: What is closed when nobody refers to it any more: while
                somebody listens, this does.
        """
        self.listeners.append(listener)
        if self._is_open():
            self._kept = mailbox
        self._listen()

    def remove(self, listener: IMailboxIMAPListener) -> None:
        """Tell this one no more.

        Raises:
            ValueError: It was not told.
        """
        self.listeners.remove(listener)
        if not self.listeners:
            self.end()

    def end(self) -> None:
        """Tell nobody anything by itself any more. May be called more than once."""
        self._kept = None
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    @property
    def are_told(self) -> bool:
        """Whether somebody has this mailbox selected."""
        return bool(self.listeners) and self._is_open()

    def tell(self) -> Deferred[None]:
        """Tell the listeners, if there are any, what is new."""
        return self.in_order(self._tell)

    def in_order(self, work: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """Do ``work`` when all that was asked before is done."""
        return self._order.run(lambda: Deferred.fromCoroutine(told(work())))

    async def learn(self) -> None:
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
            self.told.seq_of(update.message.uid): self.flags_of(update.message)
            for update in updates
            if isinstance(update, FlagsChanged)
        }
        for listener in tuple(self.listeners):
            if len(self.told) > len(known):
                listener.newMessages(len(self.told), self._selected.recent)
            if flagged:
                listener.flagsChanged(flagged)
        self._listen()

    def bury(self) -> list[int]:
        """Return what is to be told as EXPUNGE, in this order; it has no number now."""
        seqs, self.told = self.told.bury()
        return seqs

    def flags_of(self, row: Message) -> list[str]:
        """Return the names of a message's flags."""
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

    def _listen(self) -> None:
        if self._watch is None and self.are_told:
            self._watch = self._selected.changed()
            self._watch.addCallbacks(self._wake, lambda _: None)

    def _wake(self, _: object) -> None:
        self._watch = None
        self.tell().addErrback(self._not_told)

    async def _tell(self) -> None:
        if not self.are_told:
            return
        await self.learn()
        # The stock server takes responses between commands, too; EXPUNGE is
        # among them only while its client idles: RFC 3501 §7.4.1.
        if len(self.told.gone) and all(map(_idles, self.listeners)):
            seqs = self.bury()
            for listener in self.listeners:
                for seq in seqs:
                    listener.sendUntaggedResponse(b"%d EXPUNGE" % seq)

    def _not_told(self, failure: Any) -> None:
        # Whatever is asked next meets the same error, and can be refused.
        if not failure.check(MailboxException):
            self._log.failure("could not tell what is new", failure)


def _idles(listener: Any) -> bool:
    """Say whether this is a stock server whose client idles."""
    return getattr(listener, "parseState", None) == "idle"
