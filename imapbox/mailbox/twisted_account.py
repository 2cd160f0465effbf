"""One user's mail, as twisted.mail's IMAP4Server wants it. One for each login.

The stock server waits for select and listMailboxes, and for nothing else:
what create, delete, rename and their like return, it takes for the result.
So they keep the reactor waiting, unless `answerWithDeferreds` was called; see
docs/decisions/stock-server-blocks.md.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from weakref import WeakSet

from twisted.internet.defer import Deferred
from twisted.mail.imap4 import MailboxException
from twisted.mail.interfaces import (
    IAccountIMAP,
    IMailboxIMAPInfo,
    INamespacePresenter,
)
from zope.interface import implementer

from imapbox.disk.blocking import result_of
from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.twisted_interfaces import IDeferringAccount
from imapbox.mailbox.twisted_mailbox import TwistedMailbox
from imapbox.mailbox.values import Listed
from imapbox.model.errors import MailboxNameRefused, NoSuchMailbox
from imapbox.model.names import DELIMITER, MailboxName, mailbox_name, parents
from imapbox.wire.imap.mailbox_names import ListPattern, decode_utf7

_NOSELECT: Final = "\\Noselect"


@implementer(IAccountIMAP, INamespacePresenter, IDeferringAccount)
class TwistedAccount:
    """The avatar.

    Args:
        mail: The user's.
        at_once: The same, but what its coroutines do is done when they return.
        clock: An `IReactorTime`.
    """

    def __init__(self, mail: Account, at_once: Account, clock: Any) -> None:
        self._mail = mail
        self._clock = clock
        self._tree = at_once
        self._defers = False
        self._subscribed: frozenset[MailboxName] = frozenset()
        self._open: WeakSet[TwistedMailbox] = WeakSet()

    def logout(self) -> None:
        """Give everything back. The stock server closes no mailbox itself."""
        for mailbox in tuple(self._open):
            mailbox.close()

    def answerWithDeferreds(self) -> None:
        """See `IDeferringAccount`."""
        self._tree = self._mail
        self._defers = True

    def select(
        self, name: str | bytes, rw: bool | None = None
    ) -> Deferred[TwistedMailbox | None]:
        r"""Open a mailbox; None if there is none.

        Args:
            name: Of the mailbox.
            rw: Whether it may be changed. If it is left out, it may, and what
                is ``\Recent`` stays so: that is how the stock server opens
                the target of APPEND and COPY.
        """
        return Deferred.fromCoroutine(told(self._select(name, rw)))

    async def _select(
        self, name: str | bytes, rw: bool | None
    ) -> TwistedMailbox | None:
        try:
            known = _name(name)
            selected = await self._mail.select(
                known, read_only=rw is not None and not rw, takes_recent=bool(rw)
            )
        except (NoSuchMailbox, MailboxNameRefused):
            return None
        mailbox = TwistedMailbox(self._mail, selected, self._listened, self._clock)
        self._open.add(mailbox)
        return mailbox

    def _listened(self) -> TwistedMailbox | None:
        """Return the mailbox that the connection has selected, if any."""
        return next((each for each in self._open if each.news.are_told), None)

    def create(self, pathspec: str | bytes) -> Deferred[bool] | bool:
        """Make a mailbox. A "/" at the end is ignored."""
        return self._change(lambda: self._tree.create(_name(pathspec, wishes=True)))

    def addMailbox(
        self, name: str | bytes, mbox: object = None
    ) -> Deferred[bool] | bool:
        """Make a mailbox.

        Raises:
            MailboxException: ``mbox`` was given: only our own can be added.
        """
        if mbox is not None:
            raise MailboxException("Only mailboxes of this store can be added.")
        return self.create(name)

    def delete(self, name: str | bytes) -> Deferred[bool] | bool:
        """Delete a mailbox; those below it stay."""
        return self._change(lambda: self._tree.delete(_name(name)))

    def rename(
        self, oldname: str | bytes, newname: str | bytes
    ) -> Deferred[bool] | bool:
        """Rename a mailbox, and those below it; of INBOX, move the messages."""
        return self._change(
            lambda: self._tree.rename(_name(oldname), _name(newname, wishes=True))
        )

    def subscribe(self, name: str | bytes) -> Deferred[bool] | bool:
        """Add a name to the subscriptions; it need not exist."""
        return self._change(lambda: self._tree.subscribe(_name(name)))

    def unsubscribe(self, name: str | bytes) -> Deferred[bool] | bool:
        """Remove a name from the subscriptions."""
        return self._change(lambda: self._tree.unsubscribe(_name(name)))

    def isSubscribed(self, name: str | bytes) -> bool:
        """Say whether a name was subscribed when `listMailboxes` was called."""
        try:
            return not name or _name(name) in self._subscribed
        except MailboxNameRefused:
            return False

    def listMailboxes(
        self, ref: str | bytes, wildcard: str | bytes
    ) -> Deferred[list[tuple[str, "MailboxInfo"]]]:
        """Return the mailboxes that match, with what LIST says of them.

        For no pattern, return what tells the delimiter: RFC 3501 §6.3.8.
        """
        return Deferred.fromCoroutine(told(self._list(_text(ref), _text(wildcard))))

    async def _list(self, ref: str, wildcard: str) -> list[tuple[str, "MailboxInfo"]]:
        listed = await self._mail.mailboxes()
        self._subscribed = frozenset(listed.subscribed)
        if not wildcard:
            return [("", MailboxInfo((_NOSELECT,)))]
        pattern = ListPattern(ref + wildcard)
        asks_levels = wildcard.endswith("%")
        return [
            (each.name, MailboxInfo(_attributes(each)))
            for each in listed
            if (each.exists or (each.has_children and asks_levels))
            and pattern.matches(each.name)
        ]

    def listSubscribed(
        self, ref: str | bytes, wildcard: str | bytes
    ) -> Deferred[list[tuple[str, object]]]:
        """See `IDeferringAccount`."""
        names = _text(ref), _text(wildcard)
        return Deferred.fromCoroutine(told(self._list_subscribed(*names)))

    async def _list_subscribed(
        self, ref: str, wildcard: str
    ) -> list[tuple[str, object]]:
        subscribed = (await self._mail.mailboxes()).subscribed
        above = {name for each in subscribed for name in parents(each)}
        wanted = {name: (_NOSELECT,) for name in above if wildcard.endswith("%")}
        attributes = wanted | dict.fromkeys(subscribed, ())
        pattern = ListPattern(ref + wildcard)
        return [
            (name, MailboxInfo(attributes[name]))
            for name in sorted(attributes)
            if pattern.matches(name)
        ]

    def getPersonalNamespaces(self) -> list[list[bytes]]:
        """Return the one there is: RFC 2342 §5."""
        return [[b"", DELIMITER.encode()]]

    def getSharedNamespaces(self) -> None:
        """Return None: there are no shared mailboxes."""

    def getUserNamespaces(self) -> None:
        """Return None: nobody sees another's mail."""

    def _change(self, change: Callable[[], Awaitable[object]]) -> Deferred[bool] | bool:
        async def true() -> bool:
            await change()
            return True

        done = Deferred.fromCoroutine(told(true()))
        return done if self._defers else result_of(done)


@implementer(IMailboxIMAPInfo)
class MailboxInfo:
    """What LIST says of a mailbox."""

    def __init__(self, attributes: Sequence[str]) -> None:
        self._attributes = list(attributes)

    def getFlags(self) -> list[str]:
        """Return the attributes: so the stock server takes them."""
        return self._attributes

    def getHierarchicalDelimiter(self) -> str:
        """Return "/"."""
        return DELIMITER


def _attributes(listed: Listed) -> Sequence[str]:
    children = "\\HasChildren" if listed.has_children else "\\HasNoChildren"
    uses = (listed.special_use or "").split()
    return (*(() if listed.exists else (_NOSELECT,)), children, *uses)


def _text(name: str | bytes) -> str:
    """Return a name as text. The server passes text, its interfaces say bytes.

    Raises:
        MailboxNameRefused: It is not modified UTF-7.
    """
    return decode_utf7(name) if isinstance(name, bytes) else name


def _name(name: str | bytes, *, wishes: bool = False) -> MailboxName:
    """Return the name of a mailbox, normalized.

    Args:
        name: As it was given.
        wishes: Whether a "/" at its end says that there will be names below:
            RFC 3501 §6.3.3.

    Raises:
        MailboxNameRefused: No mailbox can have this name.
    """
    text = _text(name)
    return mailbox_name(text.removesuffix(DELIMITER) if wishes else text)
