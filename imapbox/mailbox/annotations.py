"""Annotations of mailboxes and of the account: RFC 5464.

They are facts of the account's log: ``metadata <entry>`` for a shared one,
``metadata <entry> <user>`` for a private one, whose value is "=" and the
annotation's octets, which may be none.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from imapbox.index.account_operations import NO_MAILBOX, AccountMeta
from imapbox.index.account_state import AccountState
from imapbox.model.errors import NoSuchMailbox, TooManyAnnotations
from imapbox.model.names import MailboxName, UserName
from imapbox.store.account import AccountLog
from imapbox.store.tree_changes import changed_facts

_PREFIX: Final = "metadata "
PRIVATE: Final = "/private/"
SHARED: Final = "/shared/"
# Every process that has the account open holds them.
MOST_ANNOTATIONS: Final = 200
MOST_OCTETS: Final = 1024 * 1024


class Annotations:
    """What a user can know and note of an account's mailboxes.

    Args:
        account: Whose mailboxes they are.
        user: Who asks.
    """

    def __init__(self, account: AccountLog, user: UserName) -> None:
        self._account = account
        self._user = user

    async def all(self, name: MailboxName | None) -> dict[str, bytes]:
        """Return the annotations of a mailbox, None: of the account; sorted.

        Raises:
            NoSuchMailbox: There is none.
        """
        await self._account.sync()
        return self._of(self._id_of(self._account.state, name))

    async def every(self) -> dict[bytes | None, dict[str, bytes]]:
        """Return those of all mailboxes, by their ids; None: of the account."""
        await self._account.sync()
        return {
            None if mailbox_id == NO_MAILBOX else mailbox_id: self._of(mailbox_id)
            for mailbox_id in self._account.state.meta
        }

    def _of(self, mailbox_id: bytes) -> dict[str, bytes]:
        found = (
            (self._entry(fact), value[1:])
            for fact, value in self._account.meta(mailbox_id).items()
            if fact.startswith(_PREFIX)
        )
        return dict(sorted((entry, value) for entry, value in found if entry))

    async def set(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Change some, all or none, durably; None removes one.

        Raises:
            NoSuchMailbox: There is none.
            TooManyAnnotations: There are, or they are too large together.
        """

        def decide(state: AccountState) -> list[AccountMeta]:
            mailbox_id = self._id_of(state, name)
            wanted = {
                self._fact(entry): b"" if value is None else b"=" + value
                for entry, value in values.items()
            }
            changes = changed_facts(state, mailbox_id, wanted)
            _check_room(state, changes)
            return changes

        await self._account.note(decide)

    def _fact(self, entry: str) -> str:
        whose = f" {self._user}" if entry.startswith(PRIVATE) else ""
        return f"{_PREFIX}{entry}{whose}"

    def _entry(self, fact: str) -> str:
        """Return the entry's name, or nothing if it is another user's."""
        entry, _, user = fact.removeprefix(_PREFIX).partition(" ")
        return entry if user in {"", self._user} else ""

    @staticmethod
    def _id_of(state: AccountState, name: MailboxName | None) -> bytes:
        if name is None:
            return NO_MAILBOX
        if name not in state.names:
            raise NoSuchMailbox(name)
        return state.names[name].mailbox_id


def _check_room(state: AccountState, changes: Sequence[AccountMeta]) -> None:
    """See that there is room for a mailbox's annotations; removing some is right.

    Raises:
        TooManyAnnotations: There is none.
    """
    if not any(change.value for change in changes):
        return
    all_facts = {
        (each, fact): value
        for each, facts in state.meta.items()
        for fact, value in facts.items()
        if fact.startswith(_PREFIX)
    }
    all_facts |= {(each.mailbox_id, each.name): each.value for each in changes}
    held = [(each, len(value)) for (each, _), value in all_facts.items() if value]
    of_mailbox = sum(each == changes[0].mailbox_id for each, _ in held)
    if of_mailbox > MOST_ANNOTATIONS or sum(size for _, size in held) > MOST_OCTETS:
        raise TooManyAnnotations
