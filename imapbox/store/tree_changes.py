"""Changes of an account's tree, each decided on what is true under the lock."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from imapbox.index.account_operations import AccountOperation, Create, Rename
from imapbox.index.account_state import AccountState
from imapbox.model.errors import MailboxExists, NoSuchMailbox
from imapbox.model.names import DELIMITER, MailboxName, mailbox_name

Decision: TypeAlias = Callable[[AccountState], Sequence[AccountOperation]]


class Overtaken(Exception):
    """Another mailbox was given this UIDVALIDITY or a greater one meanwhile."""


def creation(mailbox: Create) -> Decision:
    """Return what binds a mailbox whose log is made.

    It raises `MailboxExists` if there is one of its name, and `Overtaken`.
    """

    def decide(state: AccountState) -> list[AccountOperation]:
        if mailbox.name in state.names:
            raise MailboxExists(mailbox.name)
        if mailbox.uidvalidity <= state.highest_uidvalidity:
            raise Overtaken
        return [mailbox]

    return decide


def renaming(old: MailboxName, new: MailboxName) -> Decision:
    """Return what gives a mailbox, and those below it, another name.

    It raises `NoSuchMailbox`, `MailboxExists` if one of the new names is taken,
    and `MailboxNameRefused` if one becomes too deep.
    """

    def decide(state: AccountState) -> list[AccountOperation]:
        moved = {
            name: MailboxName(new + name[len(old) :])
            for name in state.names
            if name == old or name.startswith(old + DELIMITER)
        }
        if not moved:
            raise NoSuchMailbox(old)
        # One of them may take the place of another.
        if old == new or (state.names.keys() - moved.keys()) & set(moved.values()):
            raise MailboxExists(new)
        for name in moved.values():
            mailbox_name(name)  # it may be too deep now
        return [Rename(state.names[name].mailbox_id, to) for name, to in moved.items()]

    return decide
