"""One user's mail, and what of others' he may see, as a session sees it.

Names lead to accounts here, and nowhere else. What he may do there, `UserAccount`
asks `access.authorize`. The account of somebody who gave him no rights is not even
opened, so that it is as if there were none, whatever is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence

from twisted.logger import Logger

from imapbox.disk.spool import Spool
from imapbox.index.account_operations import Create
from imapbox.mailbox.access import Visitor
from imapbox.mailbox.account import UserAccount, account_made
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.transfer import Target
from imapbox.mailbox.tree import Branch, Names, Tree
from imapbox.mailbox.url_keys import UrlKeys
from imapbox.mailbox.values import Appended, Namespaces, NewMessage, Status
from imapbox.mailbox.watching import Watching
from imapbox.model.errors import (
    MailboxNameRefused,
    MailError,
    NoSuchMailbox,
    NoSuchUser,
    NotPermitted,
    StoreFailure,
)
from imapbox.model.names import DELIMITER, SHARED_USER, MailboxName, UserName
from imapbox.model.namespaces import (
    NOBODY,
    OTHERS,
    SHARED,
    Place,
    place_of,
    prefix_of,
)
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.model.rights import Grantable, Rights, RightsChange
from imapbox.store.account import AccountLog
from imapbox.store.shares import Shares, owners_for
from imapbox.store.store import Store

_log = Logger()


class SharingAccount:
    """See `account_interface.Account`.

    Args:
        store: Where the mail is.
        visitor: Whose session it is.
    """

    def __init__(self, store: Store, visitor: Visitor) -> None:
        self.user: UserName = visitor.user
        self._store = store
        self._visitor = visitor
        self._shares = Shares(store)
        self._account: AccountLog
        self._lacks: frozenset[str]  # each command asks
        self._owners: dict[bytes, UserName] = {}
        self._watches: set[Watching] = set()

    async def open(self) -> None:
        """Open the user's own account; the first time makes it.

        Raises:
            MailError: It can not be opened now.
        """
        self._account = await account_made(self._store, self.user)
        self._lacks = self._own.lacks

    @property
    def lacks(self) -> frozenset[str]:
        """Return the capabilities that it does not have."""
        return self._lacks

    @property
    def url_keys(self) -> UrlKeys:
        """Return the keys of the user's own mailboxes."""
        return self._own.url_keys

    async def other(self, user: UserName) -> UserAccount | None:
        """Return another user's mail, for what a URL lets one see of it."""
        return await self._own.other(user)

    async def namespaces(self) -> Namespaces:
        """Return where the user's own mailboxes are, and those of others."""
        return Namespaces(others=(OTHERS + DELIMITER,), shared=(SHARED + DELIMITER,))

    def new_spool(self) -> Spool:
        """Return an empty spool for an APPEND's octets."""
        return self._own.new_spool()

    async def mailboxes(self, within: MailboxName | None = None) -> Names:
        """Return the names; see `account_interface.Account.mailboxes`."""
        own = await self._own.branch(within)
        subscribed = self._account.state.subscribed_in_order.all(within)
        if within is not None:
            account, there = await self._find(within)
            return Tree(subscribed, await account.branch(there))
        others: list[Branch] = []
        shared = await self._shares.account()
        if shared is not None:
            for owner in (*sorted(owners_for(shared, self.user)), SHARED_USER):
                others += await self._branches_of(owner)
                for watching in self._watches:
                    watching.listen_to_tree(owner)
        return Tree(subscribed, own, *others)

    def watch(self, wake: Callable[[], None]) -> Watching | None:
        """Begin to listen; see `account_interface.Account.watch`.

        It listens to those accounts of others in which there was something to see.
        """
        watching = self._own.watch(wake, self._owners, self._watches.discard)
        if watching is not None:
            self._watches.add(watching)
        return watching

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        """Make a mailbox; see `account_interface.Account.create`."""
        account, there = await self._for_a_new_one(name)
        return await account.create(there, uses)

    async def delete(self, name: MailboxName) -> None:
        """Delete a mailbox."""
        account, there = await self._find(name)
        await account.delete(there)

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        """Rename a mailbox; only where it stays its owner's."""
        account, there = await self._find(old)
        goal = await self._place(new)
        if goal.owner != account.user or _hides_others(account, goal.name):
            raise MailboxNameRefused(new)
        await account.rename(there, goal.name)

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the user's own subscriptions."""
        await self._own.subscribe(_spelled(name))

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the user's own subscriptions."""
        await self._own.unsubscribe(_spelled(name))

    async def check_append(self, name: MailboxName) -> None:
        """Raise what `append` would raise now, before the octets come."""
        account, there = await self._find(name)
        await account.check_append(there)

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        """Add messages, all or none, durably."""
        account, there = await self._find(name)
        return await account.append(there, messages, freed)

    async def owner_of(self, name: MailboxName) -> UserName:
        """Return whose mail a mailbox is, or would be, part of."""
        return (await self._place(name)).owner

    async def quota(self) -> tuple[Quota, Usage]:
        """Return what the user's own account may hold, and what it holds."""
        return await self._own.quota()

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        """Return annotations; see `account_interface.Account.metadata`."""
        if name is None:
            return await self._own.metadata(None)
        account, there = await self._find(name)
        return await account.metadata(there)

    async def all_metadata(self) -> Mapping[bytes | None, Mapping[str, bytes]]:
        """Return the annotations of the user's own mailboxes, and of the account."""
        return await self._own.all_metadata()

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Change annotations, all or none, durably."""
        if name is None:
            await self._own.set_metadata(None, values)
            return
        account, there = await self._find(name)
        await account.set_metadata(there, values)

    async def status(
        self,
        name: MailboxName,
        *,
        deleted: bool = True,
        recent: bool = True,
        sizes: bool = False,
    ) -> Status:
        """Return the counts; see `account_interface.Account.status`."""
        account, there = await self._find(name)
        return await account.status(there, deleted=deleted, recent=recent, sizes=sizes)

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        """Return the counts of some of the user's own."""
        own = [name for name in names if place_of(name) is None]
        return await self._own.quick_status(own)

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> Selected:
        """Open a mailbox for a session."""
        account, there = await self._find(name)
        selected = await account.select(
            there, read_only=read_only, takes_recent=takes_recent
        )
        if account.user != self.user:
            self._owners[selected.mailbox_id] = account.user
        return selected

    async def target(self, name: MailboxName) -> Target:
        """Return a mailbox that messages may be brought into; see `Targets`."""
        account, there = await self._find(name)
        return await account.target(there)

    async def my_rights(self, name: MailboxName) -> Rights:
        """Return what the user may do; see `account_interface.Account`."""
        account, there = await self._find(name)
        return await account.my_rights(there)

    async def access_list(self, name: MailboxName) -> Mapping[str, Rights]:
        """Return who may do what, the owner first."""
        account, there = await self._find(name)
        return await account.access_list(there)

    async def grantable(self, name: MailboxName, identifier: str) -> Grantable:
        """Return which rights somebody can be given."""
        account, there = await self._find(name)
        return await account.grantable(there, identifier)

    async def change_rights(
        self, name: MailboxName, identifier: str, change: RightsChange
    ) -> None:
        """Change somebody's rights; see `account_interface.Account`."""
        account, there = await self._find(name)
        await account.change_rights(there, identifier, change)

    def close(self) -> None:
        """Do nothing: an account holds nothing of its own."""

    @property
    def _own(self) -> UserAccount:
        # Not kept: each would keep the other, and both the account's descriptors.
        return UserAccount(self._store, self._account, targets=self)

    async def _find(self, name: MailboxName) -> tuple[UserAccount, MailboxName]:
        """Return whose a mailbox is, and what it is called there.

        Raises:
            NoSuchMailbox: It is not his, and whose it is gave him no rights, or
                nobody has it.
        """
        owner, there = await self._place(name)
        if owner == self.user:
            return self._own, there
        shared = await self._shares.account()
        if shared is None:
            raise NoSuchMailbox(name)
        if owner == SHARED_USER:
            return self._visited(shared), there
        if owner not in owners_for(shared, self.user):
            raise NoSuchMailbox(name)
        return await self._account_of(owner), there

    async def _place(self, name: MailboxName) -> Place:
        """Return where a mailbox is, or would be.

        What the user has himself by a name that is others' now stays his. By the
        names that his mailboxes have for others he has none.
        """
        place = place_of(name)
        if place is None or await self._own.has(name):
            return Place(self.user, name)
        return place._replace(owner=NOBODY) if place.owner == self.user else place

    async def _for_a_new_one(
        self, name: MailboxName
    ) -> tuple[UserAccount, MailboxName]:
        """Return whose a new mailbox would be, and what it would be called there.

        Raises:
            MailboxNameRefused: Nobody's: it is the name of a namespace.
            NotPermitted: Somebody's who gave the user no rights, or nobody's.
        """
        place = place_of(name)
        is_shared = place is not None and place.owner == SHARED_USER
        if is_shared and self._visitor.administers:
            await self._shares.made_account()
        try:
            account, there = await self._find(name)
        except NoSuchMailbox:
            if place is not None and place.owner == NOBODY:
                raise MailboxNameRefused(name) from None
            raise NotPermitted(name) from None
        if account.user != self.user and _hides_others(account, there):
            raise NotPermitted(name)
        return account, there

    async def _branches_of(self, owner: UserName) -> Sequence[Branch]:
        """Return what somebody lets the user see; nothing, if that can't be read.

        What is wrong with it keeps nobody from seeing what is his. Whose those
        mailboxes are that he sees is known from then on to who listens.
        """
        try:
            account = await self._account_of(owner)
            branch = await account.branch()
        except NoSuchMailbox:
            return ()
        except StoreFailure:
            raise
        except MailError as error:
            _log.info(
                "can not show what {owner} has: {error!r}", owner=owner, error=error
            )
            return ()

        def rights(each: Create) -> Rights:
            found = branch.rights(each)
            if Rights.LOOKUP in found:
                self._owners[each.mailbox_id] = owner
            return found

        return (branch._replace(rights=rights),)

    async def _account_of(self, owner: UserName) -> UserAccount:
        """Return somebody's account, as the user may see it.

        Raises:
            NoSuchMailbox: There is none.
        """
        try:
            return self._visited(await self._store.account(owner))
        except NoSuchUser:
            raise NoSuchMailbox(owner) from None

    def _visited(self, account: AccountLog) -> UserAccount:
        prefix = prefix_of(account.user)
        if prefix is None:
            raise NoSuchMailbox(account.user)
        return UserAccount(
            self._store, account, self._visitor, prefix=prefix, targets=self
        )


async def open_sharing_account(store: Store, visitor: Visitor) -> SharingAccount:
    """Return the mail of a user whom somebody let in; the first time makes it.

    May be cancelled.

    Raises:
        MailError: It can not be opened now.
    """
    account = SharingAccount(store, visitor)
    await account.open()
    return account


def _hides_others(account: UserAccount, name: MailboxName) -> bool:
    """Say whether the owner of an account would find others' mailboxes by a name."""
    return account.user != SHARED_USER and place_of(name) is not None


def _spelled(name: MailboxName) -> MailboxName:
    """Return a name as LIST spells it."""
    place = place_of(name)
    prefix = None if place is None else prefix_of(place.owner)
    return name if place is None or prefix is None else MailboxName(prefix + place.name)
