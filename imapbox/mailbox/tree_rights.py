"""Who may change the tree of an account: RFC 4314 §4, CREATE, DELETE and RENAME.

What is returned here is asked before the account's lock is waited for, and again
under it. The owner may do everything.
"""

from typing import NamedTuple

from imapbox.index.account_state import AccountState
from imapbox.mailbox.access import Access, Visitor, authorize
from imapbox.model.errors import MailboxNameRefused, NoSuchMailbox, NotPermitted
from imapbox.model.names import INBOX, SHARED_USER, MailboxName
from imapbox.model.rights import Rights
from imapbox.store.account import AccountLog
from imapbox.store.tree_changes import Check, mailbox_above, owner_may


class TreeRights(NamedTuple):
    """What somebody may do with an account's tree.

    Attributes:
        account: The account.
        visitor: Who.
    """

    account: AccountLog
    visitor: Visitor

    @property
    def is_owner(self) -> bool:
        """Whether the account is his own."""
        return self.visitor.user == self.account.user

    def creating(self, name: MailboxName, *, has_uses: bool) -> Check:
        """Return what raises unless he may make a mailbox.

        It raises `NotPermitted` whether or not there is one.
        """
        if self.is_owner:
            return owner_may

        def check(state: AccountState) -> None:
            self._check_may_create(state, name)
            if has_uses:  # what mail goes where is the owner's affair
                raise NotPermitted(name)

        return check

    def deleting(self, name: MailboxName, mailbox_id: bytes) -> Check:
        """Return what raises unless he may delete this mailbox, by its name."""

        def check(state: AccountState) -> None:
            mailbox = state.names.get(name)
            if mailbox is None or mailbox.mailbox_id != mailbox_id:
                raise NoSuchMailbox(name)  # it has another name now
            access = Access(self.visitor, self.account, mailbox_id)
            authorize(access, Rights.DELETE, name, state)

        return check

    def renaming(self, old: MailboxName, new: MailboxName) -> Check:
        """Return what raises unless he may rename a mailbox."""
        if self.is_owner:
            return owner_may

        def check(state: AccountState) -> None:
            if old not in state.names:
                raise NoSuchMailbox(old)
            mailbox_id = state.names[old].mailbox_id
            access = Access(self.visitor, self.account, mailbox_id)
            authorize(access, Rights.DELETE, old, state)
            self._check_may_create(state, new)
            if old == INBOX:
                raise MailboxNameRefused(old)

        return check

    def _check_may_create(self, state: AccountState, name: MailboxName) -> None:
        above = mailbox_above(state, name)
        if above is None:
            if self.account.user == SHARED_USER and self.visitor.administers:
                return
        else:
            access = Access(self.visitor, self.account, above.mailbox_id)
            if Rights.CREATE in access.rights_in(state):
                return
        raise NotPermitted(name)
