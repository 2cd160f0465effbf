"""One user's mail, as a session sees it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np

from imapbox.disk.spool import Spool
from imapbox.index.account_operations import NO_MAILBOX, Create
from imapbox.index.account_state import AccountState
from imapbox.index.known import Known
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
)
from imapbox.index.rows_taken_along import take_along
from imapbox.mailbox.access import (
    Access,
    Visitor,
    authorize,
    current_mailbox,
    told_uids,
)
from imapbox.mailbox.access_list import access_list, change_rights, grantable
from imapbox.mailbox.annotations import SHARED, Annotations, check_may_annotate
from imapbox.mailbox.counts import deleted_of, status_of
from imapbox.mailbox.full_text import FullText
from imapbox.mailbox.recent import Recent, recent_after
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.transfer import Target, Targets, Transfer
from imapbox.mailbox.tree import Branch, Names, Tree
from imapbox.mailbox.tree_rights import TreeRights
from imapbox.mailbox.url_keys import UrlKeys
from imapbox.mailbox.values import Appended, Namespaces, NewMessage, Status
from imapbox.mailbox.watching import Watching
from imapbox.model.errors import (
    MailboxGone,
    NoSuchMailbox,
    NoSuchUser,
    StoreReadOnly,
)
from imapbox.model.flags import FlagScope, split_flags
from imapbox.model.names import INBOX, SHARED_USER, MailboxName, UserName
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.model.rights import (
    ANY_THAT_CHANGES,
    ANY_THAT_TELLS,
    NO_RIGHTS,
    Grantable,
    Rights,
    RightsChange,
    settable_flags,
)
from imapbox.store.access_facts import rights_given
from imapbox.store.account import AccountLog
from imapbox.store.incoming import incoming
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.quotas import check_day, check_room, quota_of, usage_of
from imapbox.store.shares import Shares
from imapbox.store.store import Store
from imapbox.store.tree_changes import Check, owner_may


class UserAccount:
    """See `account_interface.Account`. Names are those in the account's own tree.

    Args:
        store: Where the mail is.
        account: Whose it is.
        visitor: Who looks at it; None: the owner.
        prefix: What he has before the names.
        targets: Where he can copy messages to; None: into this account.
    """

    def __init__(
        self,
        store: Store,
        account: AccountLog,
        visitor: Visitor | None = None,
        *,
        prefix: str = "",
        targets: Targets | None = None,
    ) -> None:
        self.user: UserName = account.user
        self._store = store
        self._account = account
        self.url_keys = UrlKeys(store, account)
        self._visitor = visitor or Visitor(account.user)
        self._tree_rights = TreeRights(account, self._visitor)
        self._prefix = prefix
        self._shares = Shares(store)
        self._targets = targets
        self._annotations = Annotations(account, self._visitor.user)
        self._full_text: FullText | None = None
        if store.full_text is not None:
            self._full_text = FullText(store.full_text, self.user)

    @property
    def lacks(self) -> frozenset[str]:
        """Return the capabilities that it does not have."""
        return frozenset() if self._full_text else frozenset({"SEARCH=FUZZY"})

    def close(self) -> None:
        """Give everything back: there is nothing to be given."""

    async def namespaces(self) -> Namespaces:
        """Return with what names begin: all are the user's own."""
        return Namespaces()

    def new_spool(self) -> Spool:
        """Return an empty spool for an APPEND's octets."""
        return self._store.new_spool()

    async def other(self, user: UserName) -> "UserAccount | None":
        """Return another user's mail; None if there is no such user."""
        try:
            return UserAccount(self._store, await self._store.account(user))
        except NoSuchUser:
            return None

    async def mailboxes(self, within: MailboxName | None = None) -> Names:
        """Return the names; see `account_interface.Account.mailboxes`."""
        branch = await self.branch(within)
        return Tree(self._account.state.subscribed_in_order.all(within), branch)

    async def branch(self, within: MailboxName | None = None) -> Branch:
        """Return the mailboxes, with what the visitor may do with each."""
        await self._account.sync()
        return Branch(
            self._prefix,
            self._account.state.in_order.all(within),
            lambda each: self._access_to(each).rights,
            is_personal=self._is_owner,
        )

    async def has(self, name: MailboxName) -> bool:
        """Say whether there is a mailbox of this name."""
        await self._account.sync()
        return name in self._account.state.names

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        """Make a mailbox; see `account_interface.Account.create`."""
        check = self._tree_rights.creating(name, has_uses=bool(uses))
        return await self._make(name, " ".join(uses), check)

    async def delete(self, name: MailboxName) -> None:
        """Delete a mailbox."""
        access = await self._access(name, Rights.DELETE)
        had_rights = list(rights_given(self._account.meta(access.mailbox_id)))
        check = self._tree_rights.deleting(name, access.mailbox_id)
        await self._account.delete(name, check)
        if self.user != SHARED_USER:
            await self._shares.strike(self._account, had_rights)

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        """Rename a mailbox; of INBOX, move the messages."""
        if self._is_owner and old == INBOX:
            await self._make(new)
            await self._transfer().move_all(INBOX, new)
        else:
            check = self._tree_rights.renaming(old, new)
            await self._account.rename(old, new, check)

    async def _make(
        self, name: MailboxName, uses: str = "", check: Check = owner_may
    ) -> bytes:
        limits = self._store.day_limits
        now = self._store.drivers.filesystem.monotonic()

        def check_all(state: AccountState) -> None:
            check(state)
            limits.check_mailbox(self.user, now)

        made = await self._account.create(name, uses, check_all)
        limits.count_mailbox(self.user, now)
        return made

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the subscriptions."""
        await self._account.subscribe(name)

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the subscriptions."""
        await self._account.unsubscribe(name)

    async def check_append(self, name: MailboxName) -> None:
        """Raise what `append` would raise now, before the octets come."""
        await self._access(name, Rights.INSERT)
        if await self._store.is_read_only():
            raise StoreReadOnly

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        """Add messages, all or none, durably."""
        access, mailbox = await self.target(name)
        scope = settable_flags(access.rights)
        ready = [await self._incoming(message, scope) for message in messages]
        more = Usage(sum(message.size for message in ready), len(ready))
        await check_room(self._store, self._account, more.minus(freed))
        check_day(self._store, self._account, more.octets)
        known = None
        if any(message.keywords for message in ready):
            mailbox = await current_mailbox(self._store, access, name)
            state = mailbox.state
            known = Known(state.position, list(state.facts.keywords))
        append = AppendMessages(ready, known)
        contents = [message.content for message in messages]
        try:
            await mailbox.submit(append, command="append", contents=contents)
        except MailboxGone:
            raise NoSuchMailbox(name) from None
        if append.uidvalidity is None:
            raise NoSuchMailbox(name)
        take_back = partial(self._take_back, access, name, append)
        return Appended(append.uidvalidity, told_uids(access, append.uids), take_back)

    async def _take_back(
        self, access: Access, name: MailboxName, append: AppendMessages
    ) -> None:
        """Remove what was appended; see `interfaces.Appended`.

        What the name means now does not matter, nor which rights are left: it is
        the end of what was begun with those that were needed.
        """
        mailbox = await current_mailbox(self._store, access, name)
        if mailbox.state.uidvalidity != append.uidvalidity:
            return  # `imapbox restored` gave it a new one: UIDs mean others now
        uids = mailbox.state.roll.now.among(np.array(append.uids, np.uint32))
        known = take_along(mailbox.state, uids)
        wish = ExpungeMessages(known, only_deleted=False)
        await mailbox.submit(wish, command="replace")

    async def owner_of(self, name: MailboxName) -> UserName:
        """Return whose mail a mailbox is, or would be, part of."""
        del name
        return self.user

    async def quota(self) -> tuple[Quota, Usage]:
        """Return what the account may hold, and what it holds."""
        usage = await usage_of(self._store, self._account)
        return quota_of(self._account.meta(), self._store.quota), usage

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        """Return annotations; see `account_interface.Account.metadata`."""
        mailbox_id, _ = await self._annotated(name, NO_RIGHTS)
        return self._annotations.of(mailbox_id)

    async def all_metadata(self) -> Mapping[bytes | None, Mapping[str, bytes]]:
        """Return all annotations, by the ids of mailboxes; None: the account's own."""
        return await self._annotations.every()

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Change annotations, all or none, durably."""
        is_shared = any(entry.startswith(SHARED) for entry in values)
        more = Rights.WRITE if is_shared else NO_RIGHTS
        mailbox_id, check = await self._annotated(name, more)
        await self._annotations.set(mailbox_id, values, check)

    async def status(
        self,
        name: MailboxName,
        *,
        deleted: bool = True,
        recent: bool = True,
        sizes: bool = False,
    ) -> Status:
        """Return the counts; see `account_interface.Account.status`."""
        access = await self._access(name, Rights.READ)
        bound = self._account.named(name)
        if not (deleted or recent or self._store.is_open(self._account, bound)):
            found = await self._store.glimpses(self._account, [bound])
            if bound.mailbox_id in found:
                return status_of(bound.mailbox_id, found[bound.mailbox_id])
        mailbox = await current_mailbox(self._store, access, name)
        state = mailbox.state
        uids = state.roll.now
        return status_of(
            access.mailbox_id,
            state.counts,
            deleted=deleted_of(state.columns, sizes=sizes) if deleted else None,
            recent=len(uids) - uids.count_below(recent_after(mailbox) + 1),
        )

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        """Return the counts of some; see `account_interface.Account.quick_status`."""
        await self._account.sync()
        there = self._account.state.names
        bound = [
            each
            for each in map(there.get, names)
            if each is not None and Rights.READ in self._access_to(each).rights
        ]
        found = await self._store.glimpses(self._account, bound)
        return {
            each.name: status_of(each.mailbox_id, found[each.mailbox_id])
            for each in bound
            if each.mailbox_id in found
        }

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> Selected:
        """Open a mailbox for a session."""
        access = await self._access(name, Rights.READ)
        mailbox = await current_mailbox(self._store, access, name)
        if mailbox.log.damaged or await self._store.is_read_only():
            read_only = True
        if not access.rights & ANY_THAT_CHANGES:
            read_only = True
        recent = Recent(mailbox, takes=takes_recent and not read_only)
        full_name = MailboxName(self._prefix + name)
        return Selected(
            full_name,
            access,
            mailbox,
            self._transfer(),
            recent,
            read_only=read_only,
            full_text=self._full_text,
        )

    def watch(
        self,
        wake: Callable[[], None],
        owners: Mapping[bytes, UserName] = MappingProxyType({}),
        closed: Callable[[Watching], None] = lambda _: None,
    ) -> Watching | None:
        """Begin to listen; see `account_interface.Account.watch`.

        Args:
            wake: As there.
            owners: Whose mailboxes of others are, by id, as it is then.
            closed: Called with it when it is closed.
        """
        heads = self._store.head_watches
        watching = Watching(heads, self.user, wake, owners, closed)
        return watching if watching.listen_to_tree(self.user) else None

    async def target(self, name: MailboxName) -> Target:
        """Return a mailbox that messages may be brought into; see `Targets`."""
        access = await self._access(name, Rights.INSERT)
        return Target(access, self._opened(access))

    async def my_rights(self, name: MailboxName) -> Rights:
        """Return what the visitor may do; see `account_interface.Account`."""
        access = await self._access(name, NO_RIGHTS)
        if not access.rights & ANY_THAT_TELLS:
            raise NoSuchMailbox(name)
        return access.rights

    async def access_list(self, name: MailboxName) -> Mapping[str, Rights]:
        """Return who may do what, the owner first."""
        return access_list(await self._access(name, Rights.ADMINISTER))

    async def grantable(self, name: MailboxName, identifier: str) -> Grantable:
        """Return which rights somebody can be given."""
        return grantable(await self._access(name, Rights.ADMINISTER), identifier)

    async def change_rights(
        self, name: MailboxName, identifier: str, change: RightsChange
    ) -> None:
        """Change somebody's rights; see `account_interface.Account`."""
        access = await self._access(name, Rights.ADMINISTER)
        await change_rights(self._shares, access, name, identifier, change)

    def _transfer(self) -> Transfer:
        # Not kept: each would keep the other, and both the account's descriptors.
        return Transfer(self._store, self._targets or self)

    @property
    def _is_owner(self) -> bool:
        return self._tree_rights.is_owner

    async def _access(self, name: MailboxName, needed: Rights) -> Access:
        """Return what the visitor may do with a mailbox: at least ``needed``.

        Raises:
            NoSuchMailbox: There is none, or he may not know of it.
            NotPermitted: He may not do that.
        """
        await self._account.sync()
        access = self._access_to(self._account.named(name))
        authorize(access, needed, name)
        return access

    def _access_to(self, mailbox: Create) -> Access:
        return Access(self._visitor, self._account, mailbox.mailbox_id)

    async def _annotated(
        self, name: MailboxName | None, more: Rights
    ) -> tuple[bytes, Check]:
        """Return the id of what notes are wanted of, and what sees that they may be.

        Args:
            name: A mailbox's; None: the account, which is the visitor's own.
            more: What he needs besides; see `annotations.check_may_annotate`.
        """
        await self._account.sync()
        if name is None:
            return NO_MAILBOX, owner_may
        access = self._access_to(self._account.named(name))
        check = partial(check_may_annotate, access, more, name)
        check(self._account.state)
        return access.mailbox_id, check

    def _opened(self, access: Access) -> OpenMailbox:
        return self._store.mailbox(self._account, access.mailbox_id)

    async def _incoming(self, message: NewMessage, scope: FlagScope) -> Incoming:
        flags, keywords = scope.of(*split_flags(message.flags))
        return await incoming(
            self._store.drivers.read,
            b"",
            message.content,
            date=message.date,
            flags=flags,
            keywords=keywords,
        )


async def open_account(store: Store, user: UserName) -> UserAccount:
    """Return the mail of a user whom somebody let in; the first time makes it.

    That of others is not in it: see `sharing_account`. May be cancelled.

    Raises:
        MailError: It can not be opened now.
    """
    return UserAccount(store, await account_made(store, user))


async def account_made(store: Store, user: UserName) -> AccountLog:
    """Return a user's account, read and current; the first time, make it.

    Raises:
        MailError: It can not be opened now.
    """
    try:
        return await store.account(user)
    except NoSuchUser:
        await store.create_account(user)
    return await store.account(user)
