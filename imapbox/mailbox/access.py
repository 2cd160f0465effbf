"""Who may do what: every path to a mailbox goes through `authorize`.

What is true is read from the log of the owner's account, as of its last sync. The
owner may do everything, and so may administrators with what is nobody's own.
Whoever may not even see that a mailbox is there is told what he is told of names
that nobody has.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from imapbox.index.account_state import AccountState
from imapbox.model.errors import MailboxGone, NoSuchMailbox, NotPermitted
from imapbox.model.names import INBOX, SHARED_USER, MailboxName, UserName
from imapbox.model.numbers import Uid
from imapbox.model.rights import ALL_RIGHTS, ANYONE, NO_RIGHTS, Rights
from imapbox.store.access_facts import rights_of
from imapbox.store.account import AccountLog
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store

# Whoever has one of these knows that the mailbox is there.
_KNOWS: Final = Rights.LOOKUP | Rights.READ


class Visitor(NamedTuple):
    """Somebody who wants to do something.

    Attributes:
        user: Who.
        administers: Whether he may do everything with what is nobody's own.
    """

    user: UserName
    administers: bool = False


class Access(NamedTuple):
    """What somebody may do with one mailbox.

    Attributes:
        visitor: Who.
        account: Of the owner.
        mailbox_id: Which mailbox; it need not exist.
    """

    visitor: Visitor
    account: AccountLog
    mailbox_id: bytes

    @property
    def is_owners(self) -> bool:
        """Whether the mailbox is his own, and nobody can take it from him."""
        return self.visitor.user == self.account.user

    @property
    def rights(self) -> Rights:
        """What he may do, as of the account's last sync."""
        return self.rights_in(self.account.state)

    def rights_in(self, state: AccountState) -> Rights:
        """Return what he may do, as of a state of the account."""
        if self.is_owners:
            return ALL_RIGHTS
        mailbox = state.mailboxes.get(self.mailbox_id)
        if mailbox is None:
            return NO_RIGHTS
        facts = self.account.meta(self.mailbox_id, state)
        rights = rights_of(self.visitor.user, facts)
        if self.account.user != SHARED_USER:
            return rights
        if mailbox.name == INBOX:
            return NO_RIGHTS  # the account has one, as any, and no use for it
        if self.visitor.administers:
            return ALL_RIGHTS
        return rights | rights_of(ANYONE, facts)


def told_uids(access: Access, uids: Sequence[Uid]) -> Sequence[Uid]:
    """Return the UIDs of messages that somebody brought, as far as he may know them.

    They are for who can select the mailbox: RFC 4315 §3.
    """
    return uids if Rights.READ in access.rights else ()


async def current_mailbox(
    store: Store, access: Access, name: MailboxName
) -> OpenMailbox:
    """Return a mailbox as it is now.

    Args:
        store: Where it is.
        access: Which one.
        name: What it was called.

    Raises:
        NoSuchMailbox: It is no more.
        MailError: It can't be read.
    """
    try:
        return await store.current_mailbox(access.account, access.mailbox_id)
    except MailboxGone:
        raise NoSuchMailbox(name) from None


def authorize(
    access: Access,
    needed: Rights,
    name: MailboxName,
    state: AccountState | None = None,
) -> None:
    """Return if somebody may do something; he needs all rights that are named.

    What changes the account is authorized before its lock is waited for, so that
    nobody waits in vain, and once more by what is true under the lock, so that
    nothing is done with rights that were taken meanwhile.

    Args:
        access: Who, and with which mailbox.
        needed: Rights.
        name: What he called the mailbox.
        state: The account's, under its lock; None: as of the last sync.

    Raises:
        NoSuchMailbox: He may not, and may not know that there is such a mailbox.
        NotPermitted: He may not.
    """
    rights = access.rights if state is None else access.rights_in(state)
    if needed in rights:
        return
    if rights & _KNOWS:
        raise NotPermitted(name)
    raise NoSuchMailbox(name)
