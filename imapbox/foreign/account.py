"""A foreign `IAccount`, as our sessions see an account."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger
from twisted.mail.interfaces import INamespacePresenter

from imapbox.disk.spool import Spool
from imapbox.foreign.calls import ask, text_of
from imapbox.foreign.capabilities import LACKS
from imapbox.foreign.mailbox import ForeignMailbox, opened
from imapbox.foreign.names import Names
from imapbox.foreign.spool import FileContent, FileSpool
from imapbox.mailbox import tree
from imapbox.mailbox.account_interface import UrlKeys
from imapbox.mailbox.twisted_interfaces import IDeferringAccount
from imapbox.mailbox.values import Appended, Listed, Namespaces, NewMessage, Status
from imapbox.model.errors import MailboxExists, NoSuchMailbox
from imapbox.model.names import MailboxName, UserName, parents
from imapbox.model.numbers import ModSeq, UidValidity
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.model.rights import Grantable, Rights, RightsChange
from imapbox.wire.imap.dates import render_date_time

_COUNTS: Final = ("MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN")
_NOSELECT: Final = "\\noselect"


class ForeignAccount:
    """See `mailbox.account_interface.Account`.

    Args:
        user: Who logged in.
        account: The application's `IAccount`.
        logout: What twisted.cred wants to be called in the end.
        clock: For delays.
    """

    _log = Logger()
    lacks = LACKS

    def __init__(
        self, user: UserName, account: Any, logout: Callable[[], Any], clock: Any
    ) -> None:
        self.user = user
        self._account = account
        self._logout = logout
        self._clock = clock
        self._known_names: Names | None = None
        # What an account of imapbox's own can do besides; others may, too.
        self._deferring: Any = IDeferringAccount(account, None)
        if self._deferring is not None:
            self._deferring.answerWithDeferreds()

    def close(self) -> None:
        """Log out; what the application says to it is logged."""

        def failed(failure: Any) -> None:
            self._log.failure("the logout of {user} failed", failure, user=self.user)

        maybeDeferred(self._logout).addErrback(failed)

    def new_spool(self) -> Spool:
        """Return an empty spool for an APPEND's octets."""
        return FileSpool()

    async def namespaces(self) -> Namespaces:
        """Return what an `INamespacePresenter` presents; else the one there is."""
        presenter: Any = INamespacePresenter(self._account, None)
        if presenter is None:
            return Namespaces()
        names = await self._names()

        async def prefixes(method: Callable[[], Any]) -> list[str]:
            return [names.prefix(each[0]) for each in await ask(method) or ()]

        return Namespaces(
            await prefixes(presenter.getPersonalNamespaces),
            await prefixes(presenter.getUserNamespaces),
            await prefixes(presenter.getSharedNamespaces),
        )

    async def mailboxes(self, within: MailboxName | None = None) -> tree.Names:
        """Return the names that our clients can know, INBOX first."""
        infos = await self._infos()
        above = {parent for name in infos for parent in parents(name)}
        names = {*infos, *above}
        subscribed = await self._subscribed(names)
        listed = []
        for name in names | subscribed:
            if within not in {None, name, *parents(name)}:
                continue
            flags = infos[name].getFlags() if name in infos else (_NOSELECT,)
            exists = _NOSELECT not in {text_of(flag).lower() for flag in flags}
            listed.append(Listed(name, name in subscribed, exists, name in above))
        return tree.FewNames(listed)

    async def _subscribed(self, names: set[MailboxName]) -> set[MailboxName]:
        """Return what is subscribed: of these names, unless others can be known."""
        ours = await self._names()
        if self._deferring is not None:
            listed = await ask(self._deferring.listSubscribed, "", "*")
            known = {ours.ours(name) for name, _ in listed}
            return {name for name in known if name is not None}
        return {
            name
            for name in names
            if await ask(self._account.isSubscribed, ours.theirs(name))
        }

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        """Make a mailbox; it has no id."""
        del uses  # nobody may ask for them
        done = await ask(self._account.create, await self._theirs(name))
        if done is not None and not done:
            raise MailboxExists(name)
        return b""

    async def delete(self, name: MailboxName) -> None:
        """Delete a mailbox."""
        await ask(self._account.delete, await self._theirs(name))

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        """Rename a mailbox."""
        theirs = await self._theirs(old), await self._theirs(new)
        await ask(self._account.rename, *theirs)

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the subscriptions."""
        await ask(self._account.subscribe, await self._theirs(name))

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the subscriptions."""
        await ask(self._account.unsubscribe, await self._theirs(name))

    async def check_append(self, name: MailboxName) -> None:
        """Raise `NoSuchMailbox` if it can't be appended to."""
        await self._open(name)

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        """Add a message; nobody knows its UID."""
        del freed
        box = await self._open(name)
        for message in messages:
            if not isinstance(message.content, FileContent):
                raise TypeError(message.content)
            date = None if message.date is None else render_date_time(message.date)
            message.content.file.seek(0)
            file, flags = message.content.file, sorted(message.flags)
            await ask(box.addMessage, file, flags, date)
        uidvalidity = UidValidity(int(await ask(box.getUIDValidity)))
        return Appended(uidvalidity, (), self._take_back)

    async def status(
        self,
        name: MailboxName,
        *,
        deleted: bool = True,
        recent: bool = True,
        sizes: bool = False,
    ) -> Status:
        """Return the counts that there are."""
        del deleted, recent, sizes
        box = await self._open(name, False)  # noqa: FBT003 - as Twisted asks
        told = await ask(box.requestStatus, list(_COUNTS))
        counts = {text_of(item).upper(): int(count) for item, count in told.items()}
        messages, new, uidnext, uidvalidity, unseen = (counts[item] for item in _COUNTS)
        return Status(
            messages=messages,
            recent=new,
            uidnext=uidnext,
            uidvalidity=UidValidity(uidvalidity),
            unseen=unseen,
            deleted=None,
            deleted_size=None,
            size=0,
            highestmodseq=ModSeq(0),
            mailbox_id=b"",
        )

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        """Return nothing: each mailbox has to be asked."""
        del names
        return {}

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> ForeignMailbox:
        """Open a mailbox for a session."""
        del takes_recent  # the application's own affair
        box = await self._open(name, not read_only)
        return await opened(name, box, self._clock, self._open, read_only=read_only)

    async def _take_back(self) -> None:
        """Be asked by nobody: REPLACE is not offered."""
        raise NotImplementedError

    @property
    def url_keys(self) -> UrlKeys:
        """Be asked by nobody: URLAUTH is not offered."""
        raise NotImplementedError

    async def other(self, user: UserName) -> None:
        """Be asked by nobody: URLAUTH is not offered."""
        raise NotImplementedError

    async def quota(self) -> tuple[Quota, Usage]:
        """Be asked by nobody: QUOTA is not offered."""
        raise NotImplementedError

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        """Be asked by nobody: METADATA is not offered."""
        raise NotImplementedError

    async def all_metadata(self) -> Mapping[bytes | None, Mapping[str, bytes]]:
        """Be asked by nobody: METADATA is not offered."""
        raise NotImplementedError

    def watch(self, _wake: Callable[[], None]) -> None:
        """Be asked by nobody: NOTIFY is not offered."""
        raise NotImplementedError

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Be asked by nobody: METADATA is not offered."""
        raise NotImplementedError

    async def owner_of(self, name: MailboxName) -> UserName:
        """Say that all is the user's: nobody knows."""
        del name
        return self.user

    async def my_rights(self, name: MailboxName) -> Rights:
        """Be asked by nobody: ACL is not offered."""
        raise NotImplementedError

    async def access_list(self, name: MailboxName) -> Mapping[str, Rights]:
        """Be asked by nobody: ACL is not offered."""
        raise NotImplementedError

    async def grantable(self, name: MailboxName, identifier: str) -> Grantable:
        """Be asked by nobody: ACL is not offered."""
        raise NotImplementedError

    async def change_rights(
        self, name: MailboxName, identifier: str, change: RightsChange
    ) -> None:
        """Be asked by nobody: ACL is not offered."""
        raise NotImplementedError

    async def _open(self, name: MailboxName, *writable: bool) -> Any:
        """Return a mailbox of the application's.

        Args:
            name: Its name.
            writable: Whether it is to be written; left out, as the stock server does,
                where messages are put into it.
        """
        theirs = await self._theirs(name)
        box = await ask(self._account.select, theirs, *writable)
        if box is None:
            raise NoSuchMailbox(name)
        return box

    async def _infos(self) -> dict[MailboxName, Any]:
        """Return what the application lists, by our names."""
        listed = list(await ask(self._account.listMailboxes, "", "*"))
        if listed and self._known_names is None:
            delimiter = text_of(listed[0][1].getHierarchicalDelimiter())
            self._known_names = Names(delimiter)
        names = self._known_names or Names()
        infos = {names.ours(name): info for name, info in listed}
        return {name: info for name, info in infos.items() if name is not None}

    async def _names(self) -> Names:
        if self._known_names is None:
            await self._infos()
        return self._known_names or Names()

    async def _theirs(self, name: MailboxName) -> str:
        return (await self._names()).theirs(name)
