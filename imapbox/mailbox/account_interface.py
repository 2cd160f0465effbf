"""What the IMAP room sees of an account; what `interfaces` says holds here, too."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from imapbox.disk.spool import Spool
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.tree import Names
from imapbox.mailbox.values import Appended, Namespaces, NewMessage, Status
from imapbox.model.names import MailboxName, UserName
from imapbox.model.quota import NOTHING_USED, Quota, Usage
from imapbox.model.rights import Grantable, Rights, RightsChange


class UrlKeys(Protocol):
    """Keys of mailboxes, with which URLs are authorised. RFC 4467 §5."""

    async def find(self, name: MailboxName) -> bytes | None:
        """Return a mailbox's key, 32 octets; None if it has none.

        With its UIDVALIDITY it becomes another.

        Raises:
            NoSuchMailbox: There is none.
        """
        ...

    async def need(self, name: MailboxName) -> bytes:
        """Return a mailbox's key; the first time makes it, durably.

        Raises:
            NoSuchMailbox: There is none.
        """
        ...

    async def renew(self, name: MailboxName) -> None:
        """Give a mailbox another key, durably.

        Raises:
            NoSuchMailbox: There is none.
        """
        ...

    async def remove_all(self) -> None:
        """Remove all keys, durably."""
        ...


class Hints(NamedTuple):
    """What may have changed. Whoever wants to know looks.

    Attributes:
        tree: Whether names or subscriptions may have.
        mailboxes: Ids of those that may have.
    """

    tree: bool
    mailboxes: frozenset[bytes]


class AccountWatch(Protocol):
    """Tells that an account's tree, or one of some mailboxes, may have changed.

    What is committed after `Account.watch` and `follow` is told, sooner or later;
    some things are told in vain.
    """

    @property
    def has_hints(self) -> bool:
        """Say whether there is anything to be taken."""
        ...

    def take(self) -> Hints:
        """Return the hints that there are, each once."""
        ...

    def follow(self, mailbox_id: bytes) -> bool:
        """Listen to a mailbox, too, if not yet; say whether that can be."""
        ...

    def leave(self, mailbox_id: bytes) -> None:
        """Listen to a mailbox no more, if at all."""
        ...

    def close(self) -> None:
        """Give everything back. Calls nothing that may fail."""
        ...


class Account(Protocol):
    """One user's mail, and what of others' he may see.

    All raise `NoSuchMailbox` for what he may not know of, as for what is not there,
    and `NotPermitted` for what he has no right to do.
    """

    user: UserName

    @property
    def url_keys(self) -> UrlKeys:
        """The keys of its mailboxes."""
        ...

    async def other(self, user: UserName) -> "Account | None":
        """Return another user's mail; None if there is no such user.

        To be looked into only as far as that user lets others.
        """
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """Capabilities that it does not have, of all that a session knows."""
        ...

    def close(self) -> None:
        """Give everything back: its client is gone. Calls nothing that may fail."""
        ...

    async def namespaces(self) -> Namespaces:
        """Return with what names of mailboxes begin. RFC 2342 §3."""
        ...

    def new_spool(self) -> Spool:
        """Return an empty spool for an APPEND's octets."""
        ...

    async def mailboxes(self, within: MailboxName | None = None) -> Names:
        """Return the names as they are now; what others let one do, when it is told.

        Args:
            within: Only this one, and those below it.
        """
        ...

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        r"""Make a mailbox. Names above it need not exist.

        Args:
            name: Its name.
            uses: What it is for, such as ``\\Sent``: RFC 6154 §3.

        Returns:
            Its id, 16 octets: RFC 8474 §4.1. b"" if it has none.
        """
        ...

    async def delete(self, name: MailboxName) -> None:
        """Delete a mailbox. Names below it stay."""
        ...

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        """Rename a mailbox and the names below it.

        INBOX's messages are moved to ``new`` instead: RFC 9051 §6.3.6. Where
        that ends halfway, each message is in one of the two.
        """
        ...

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the subscriptions; it need not exist."""
        ...

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the subscriptions."""
        ...

    async def check_append(self, name: MailboxName) -> None:
        """Raise what `append` would raise now, before the octets come.

        Raises:
            NoSuchMailbox: Answered with TRYCREATE.
        """
        ...

    async def owner_of(self, name: MailboxName) -> UserName:
        """Return whose mail a mailbox of this name is, or would be, part of."""
        ...

    async def quota(self) -> tuple[Quota, Usage]:
        """Return what the account may hold, and what it holds. RFC 9208."""
        ...

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        """Return annotations by name, sorted. RFC 5464.

        Args:
            name: Of a mailbox; None: the account's own.

        Raises:
            NoSuchMailbox: There is none.
        """
        ...

    async def all_metadata(self) -> Mapping[bytes | None, Mapping[str, bytes]]:
        """Return those of the user's own mailboxes, by id; None: the account's."""
        ...

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Change annotations, all or none, durably; None removes one.

        Raises:
            NoSuchMailbox: There is none.
            TooManyAnnotations: There is no room for them.
        """
        ...

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        """Add messages, all or none, durably.

        Args:
            name: Where to.
            messages: In the order of the UIDs that they get.
            freed: What will be removed for them: RFC 8508 §3.

        Raises:
            NoSuchMailbox: Answered with TRYCREATE.
            QuotaExceeded: The account may not hold them.
        """
        ...

    async def status(
        self,
        name: MailboxName,
        *,
        deleted: bool = True,
        recent: bool = True,
        sizes: bool = False,
    ) -> Status:
        r"""Return the counts, as fresh as a NOOP's.

        Without ``deleted`` and ``recent`` a mailbox need not be opened.

        Args:
            name: Of the mailbox.
            deleted: Whether those with ``\Deleted`` are counted, for which
                all messages are looked at.
            recent: Whether those are that are recent.
            sizes: Whether the octets of those with ``\Deleted`` are.
        """
        ...

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        """Return what `status` does without ``deleted`` and ``recent``, of many.

        Left out are those that have to be opened for it, or that are none.
        """
        ...

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> SelectedMailbox:
        r"""Open a mailbox for a session.

        Args:
            name: Of the mailbox.
            read_only: Whether nothing is to be changed: EXAMINE.
            takes_recent: Whether what is ``\Recent`` here won't be so to the
                next session.
        """
        ...

    async def my_rights(self, name: MailboxName) -> Rights:
        """Return what the user may do with a mailbox. RFC 4314 §3.5."""
        ...

    async def access_list(self, name: MailboxName) -> Mapping[str, Rights]:
        """Return who has which rights to a mailbox. RFC 4314 §3.3."""
        ...

    async def grantable(self, name: MailboxName, identifier: str) -> Grantable:
        """Return which rights to a mailbox somebody can be given. RFC 4314 §3.4."""
        ...

    async def change_rights(
        self, name: MailboxName, identifier: str, change: RightsChange
    ) -> None:
        """Change somebody's rights to a mailbox, durably. RFC 4314 §3.1, §3.2.

        Args:
            name: Of the mailbox.
            identifier: A user's name, whether or not there is such a user, or
                `imapbox.model.rights.ANYONE`.
            change: Of his rights; without any left he is not in the list.

        Raises:
            NotPermitted: Not everybody can be given rights to one's own mailbox.
            RightsRefused: They can't be given to, or taken from, this one.
            TooManyRights: Too many have some.
        """
        ...

    def watch(self, wake: Callable[[], None]) -> AccountWatch | None:
        """Begin to listen to the account's tree.

        Args:
            wake: Called when there are hints where there were none.

        Returns:
            None if too many listen already.
        """
        ...
