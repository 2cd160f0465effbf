"""One user's mail, as a session sees it."""

from collections.abc import Mapping, Sequence

import numpy as np

from imapbox.disk.spool import Spool
from imapbox.index.columns import Columns
from imapbox.index.head import Counts
from imapbox.index.known import Known
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
)
from imapbox.index.rows_taken_along import take_along
from imapbox.mailbox.annotations import Annotations
from imapbox.mailbox.full_text import FullText
from imapbox.mailbox.interfaces import (
    Appended,
    Listed,
    Namespaces,
    NewMessage,
    Status,
)
from imapbox.mailbox.recent import Recent, recent_after
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.transfer import Transfer
from imapbox.mailbox.url_keys import UrlKeys
from imapbox.model.errors import (
    MailboxGone,
    NoSuchMailbox,
    NoSuchUser,
    StoreReadOnly,
)
from imapbox.model.flags import Flag, split_flags
from imapbox.model.names import INBOX, MailboxName, UserName, parents
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.store.account import AccountLog
from imapbox.store.incoming import incoming
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.quotas import check_room, quota_of, usage_of
from imapbox.store.store import Store


class UserAccount:
    """See `account_interface.Account`.

    Args:
        store: Where the mail is.
        account: Whose it is.
    """

    def __init__(self, store: Store, account: AccountLog) -> None:
        self.user: UserName = account.user
        self._store = store
        self._account = account
        self._transfer = Transfer(store, account)
        self._annotations = Annotations(account, account.user)
        self.url_keys = UrlKeys(store, account)
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

    async def mailboxes(self) -> Sequence[Listed]:
        """Return all names, sorted, INBOX first."""
        await self._account.sync()
        state = self._account.state
        above = {parent for name in state.names for parent in parents(name)}
        names = set(state.names) | above | state.subscribed
        return [
            Listed(
                name=name,
                subscribed=name in state.subscribed,
                exists=name in state.names,
                has_children=name in above,
                special_use=_special_use(self._account, name),
            )
            for name in sorted(names, key=lambda name: (name != INBOX, name))
        ]

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        """Make a mailbox; see `account_interface.Account.create`."""
        return await self._account.create(name, " ".join(uses))

    async def delete(self, name: MailboxName) -> None:
        """Delete a mailbox."""
        await self._account.delete(name)

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        """Rename a mailbox; of INBOX, move the messages."""
        if old == INBOX:
            await self._account.create(new)
            await self._transfer.move_all(INBOX, new)
        else:
            await self._account.rename(old, new)

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the subscriptions."""
        await self._account.subscribe(name)

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the subscriptions."""
        await self._account.unsubscribe(name)

    async def check_append(self, name: MailboxName) -> None:
        """Raise `NoSuchMailbox`, or `StoreReadOnly`, if it can't be appended to."""
        await self._account.sync()
        self._account.named(name)
        if await self._store.is_read_only():
            raise StoreReadOnly

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        """Add messages, all or none, durably."""
        ready = [await self._incoming(message) for message in messages]
        await self._account.sync()
        mailbox = self._transfer.named(name)
        more = Usage(sum(message.size for message in ready), len(ready))
        await check_room(self._store, self._account, more.minus(freed))
        known = None
        if any(message.keywords for message in ready):
            await self._sync(mailbox, name)
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
        return Appended(append.uidvalidity, append.uids)

    async def take_back(self, name: MailboxName, where: Appended) -> None:
        """Remove what was just appended, durably."""
        mailbox = self._transfer.named(name)
        await self._sync(mailbox, name)
        uids = mailbox.state.roll.now.among(np.array(where.uids, np.uint32))
        known = take_along(mailbox.state, uids)
        wish = ExpungeMessages(known, only_deleted=False)
        await mailbox.submit(wish, command="replace")

    async def quota(self) -> tuple[Quota, Usage]:
        """Return what the account may hold, and what it holds."""
        usage = await usage_of(self._store, self._account)
        return quota_of(self._account.meta(), self._store.quota), usage

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        """Return annotations; see `account_interface.Account.metadata`."""
        return await self._annotations.all(name)

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Change annotations, all or none, durably."""
        await self._annotations.set(name, values)

    async def status(
        self, name: MailboxName, *, deleted: bool = True, recent: bool = True
    ) -> Status:
        """Return the counts; see `account_interface.Account.status`."""
        await self._account.sync()
        bound = self._account.named(name)
        if not (deleted or recent):
            found = await self._store.glimpses(self._account, [bound])
            if bound.mailbox_id in found:
                return _status(bound.mailbox_id, found[bound.mailbox_id])
        mailbox = self._transfer.named(name)
        await self._sync(mailbox, name)
        state = mailbox.state
        uids = state.roll.now
        return _status(
            bound.mailbox_id,
            state.counts,
            deleted=_deleted(state.columns) if deleted else None,
            recent=len(uids) - uids.count_below(recent_after(mailbox) + 1),
        )

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        """Return the counts of some; see `account_interface.Account.quick_status`."""
        await self._account.sync()
        tree = self._account.state.names
        bound = [tree[name] for name in names if name in tree]
        found = await self._store.glimpses(self._account, bound)
        return {
            each.name: _status(each.mailbox_id, found[each.mailbox_id])
            for each in bound
            if each.mailbox_id in found
        }

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> Selected:
        """Open a mailbox for a session."""
        await self._account.sync()
        mailbox = self._transfer.named(name)
        await self._sync(mailbox, name)
        if mailbox.log.damaged or await self._store.is_read_only():
            read_only = True
        recent = Recent(mailbox, takes=takes_recent and not read_only)
        return Selected(
            name,
            self._account,
            mailbox,
            self._transfer,
            recent,
            read_only=read_only,
            full_text=self._full_text,
        )

    async def _sync(self, mailbox: OpenMailbox, name: MailboxName) -> None:
        try:
            await mailbox.sync()
        except MailboxGone:
            raise NoSuchMailbox(name) from None

    async def _incoming(self, message: NewMessage) -> Incoming:
        flags, keywords = split_flags(message.flags)
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

    May be cancelled.

    Raises:
        MailError: It can not be opened now.
    """
    try:
        account = await store.account(user)
    except NoSuchUser:
        await store.create_account(user)
        account = await store.account(user)
    return UserAccount(store, account)


def _status(
    mailbox_id: bytes,
    counts: Counts,
    *,
    deleted: Usage | None = None,
    recent: int | None = None,
) -> Status:
    return Status(
        messages=counts.exists,
        recent=recent,
        uidnext=counts.uidnext,
        uidvalidity=counts.uidvalidity,
        unseen=counts.unseen,
        deleted=deleted and deleted.messages,
        deleted_size=deleted and deleted.octets,
        size=counts.live,
        highestmodseq=counts.modseq,
        mailbox_id=mailbox_id,
    )


def _deleted(columns: Columns) -> Usage:
    r"""Return what ``\Deleted`` messages there are."""
    uids = columns.uids_with(Flag.DELETED)
    sizes = columns["size"][columns.rows_of(uids)]
    return Usage(int(sizes.sum(dtype=np.int64)), len(uids))


def _special_use(account: AccountLog, name: MailboxName) -> str | None:
    mailbox = account.state.names.get(name)
    return mailbox.special_use or None if mailbox else None
