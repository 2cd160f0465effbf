"""Annotations of mailboxes and of the account: RFC 5464.

They are facts of the account's log: ``metadata <entry>`` for a shared one,
``metadata <entry> <user>`` for a private one, whose value is "=" and the
annotation's octets, which may be none.

Private ones are for the account's owner: what others noted for themselves would be
his to keep, and nobody could tell him of it. Those that others have from before can
be read and removed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from imapbox.index.account_operations import NO_MAILBOX, AccountMeta
from imapbox.index.account_state import AccountState
from imapbox.mailbox.access import Access, authorize
from imapbox.model.errors import NoPrivateAnnotations, NotPermitted, TooManyAnnotations
from imapbox.model.names import MailboxName, UserName
from imapbox.model.rights import ANY_THAT_ANNOTATES, Rights
from imapbox.store.account import AccountLog
from imapbox.store.tree_changes import Check, changed_facts

_PREFIX: Final = "metadata "
PRIVATE: Final = "/private/"
SHARED: Final = "/shared/"
# What a mailbox is for: it is said when it is made, and noted nowhere else.
SPECIAL_USE: Final = "/private/specialuse"
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

    def of(self, mailbox_id: bytes) -> dict[str, bytes]:
        """Return the annotations of a mailbox, sorted, as of the account's last sync.

        What it is for is among them, for its owner: RFC 6154 §4.

        Args:
            mailbox_id: Whose; `NO_MAILBOX`: the account's.
        """
        noted = self._noted(mailbox_id)
        mailbox = self._account.state.mailboxes.get(mailbox_id)
        if mailbox and mailbox.special_use and self._user == self._account.user:
            noted[SPECIAL_USE] = mailbox.special_use.encode()
        return dict(sorted(noted.items()))

    def _noted(self, mailbox_id: bytes) -> dict[str, bytes]:
        found = (
            (self._entry(fact), value[1:])
            for fact, value in self._account.meta(mailbox_id).items()
            if fact.startswith(_PREFIX)
        )
        return {entry: value for entry, value in found if entry}

    async def every(self) -> dict[bytes | None, dict[str, bytes]]:
        """Return those of all mailboxes, by their ids; None: of the account."""
        await self._account.sync()
        return {
            None if mailbox_id == NO_MAILBOX else mailbox_id: self._noted(mailbox_id)
            for mailbox_id in self._account.state.meta
        }

    async def set(
        self, mailbox_id: bytes, values: Mapping[str, bytes | None], check: Check
    ) -> None:
        """Change some, all or none, durably; None removes one.

        Args:
            mailbox_id: Of which mailbox; `NO_MAILBOX`: of the account.
            values: By entry.
            check: Raises unless that may be done, asked under the lock.

        Raises:
            NoSuchMailbox: It is no more.
            NoPrivateAnnotations: It is another's, and one of them is private.
            TooManyAnnotations: There are, or they are too large together.
        """

        def decide(state: AccountState) -> list[AccountMeta]:
            check(state)
            kept = (entry for entry, value in values.items() if value is not None)
            if any(map(self._is_anothers, kept)):
                raise NoPrivateAnnotations
            wanted = {
                self._fact(entry): b"" if value is None else b"=" + value
                for entry, value in values.items()
            }
            changes = changed_facts(state, mailbox_id, wanted)
            _check_room(state, changes, self._account.user)
            return changes

        await self._account.note(decide)

    def _is_anothers(self, entry: str) -> bool:
        """Say whether an entry would be private in an account of somebody else."""
        return entry.startswith(PRIVATE) and self._user != self._account.user

    def _fact(self, entry: str) -> str:
        whose = f" {self._user}" if entry.startswith(PRIVATE) else ""
        return f"{_PREFIX}{entry}{whose}"

    def _entry(self, fact: str) -> str:
        """Return the entry's name, or nothing if it is not to be told."""
        entry, user = _split(fact)
        return entry if user in {"", self._user} and entry != SPECIAL_USE else ""


def _split(fact: str) -> tuple[str, str]:
    """Return an entry's name, and whose it is; nothing where all see it."""
    entry, _, user = fact.removeprefix(_PREFIX).partition(" ")
    return entry, user


def check_may_annotate(
    access: Access, more: Rights, name: MailboxName, state: AccountState
) -> None:
    """Return if somebody may know of a mailbox's notes: RFC 5464 §3.

    Args:
        access: Who, and which mailbox.
        more: Which right he needs besides, to change them.
        name: What he called it.
        state: The account's.

    Raises:
        NoSuchMailbox: He may not, and may not know that there is such a mailbox.
        NotPermitted: He may not.
    """
    authorize(access, Rights.LOOKUP | more, name, state)
    if not access.rights_in(state) & ANY_THAT_ANNOTATES:
        raise NotPermitted(name)


def _check_room(
    state: AccountState, changes: Sequence[AccountMeta], owner: UserName
) -> None:
    """See that there is room for a mailbox's annotations; removing some is right.

    What others have noted for themselves, before that was refused, takes none.

    Raises:
        TooManyAnnotations: There is none.
    """
    if not any(change.value for change in changes):
        return
    all_facts = {
        (each, fact): value
        for each, facts in state.meta.items()
        for fact, value in facts.items()
        if fact.startswith(_PREFIX) and _split(fact)[1] in {"", owner}
    }
    all_facts |= {(each.mailbox_id, each.name): each.value for each in changes}
    held = [(each, len(value)) for (each, _), value in all_facts.items() if value]
    of_mailbox = sum(each == changes[0].mailbox_id for each, _ in held)
    if of_mailbox > MOST_ANNOTATIONS or sum(size for _, size in held) > MOST_OCTETS:
        raise TooManyAnnotations
