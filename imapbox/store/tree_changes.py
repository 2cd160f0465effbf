"""Changes of an account's tree, each decided on what is true under the lock."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from imapbox.index.account_operations import (
    NO_MAILBOX,
    AccountMeta,
    AccountOperation,
    Create,
    Rename,
    Subscribe,
)
from imapbox.index.account_state import AccountState
from imapbox.model.errors import (
    MailboxExists,
    NoSuchMailbox,
    TooManyMailboxes,
    TooManySubscriptions,
)
from imapbox.model.names import MailboxName, check_new, is_below, parents
from imapbox.store.access_facts import is_access_fact

# Of one account. Every process that has it open holds their names.
MOST_MAILBOXES: Final = 10_000
MOST_SUBSCRIPTIONS: Final = 20_000

Decision: TypeAlias = Callable[[AccountState], Sequence[AccountOperation]]
# Raises a `MailError` unless something may be done, by what is true under the lock.
Check: TypeAlias = Callable[[AccountState], None]


class Overtaken(Exception):
    """Another mailbox was given this UIDVALIDITY or a greater one meanwhile."""


def owner_may(state: AccountState) -> None:
    """Check nothing: what is one's own one may change."""
    del state


def creation(mailbox: Create, check: Check = owner_may) -> Decision:
    """Return what binds a mailbox whose log is made.

    It raises `MailboxExists` if there is one of its name, `MailboxNameRefused` if
    none may have it, `TooManyMailboxes`, and `Overtaken`.
    """

    def decide(state: AccountState) -> list[AccountOperation]:
        check(state)
        check_may_create(state, mailbox.name)
        if mailbox.uidvalidity <= state.highest_uidvalidity:
            raise Overtaken
        return [mailbox, *inherited(state, mailbox)]

    return decide


def check_may_create(state: AccountState, name: MailboxName) -> None:
    """Raise what keeps a mailbox of this name from being made: see `creation`."""
    if name in state.names:
        raise MailboxExists(name)
    check_new(name)
    if len(state.mailboxes) >= MOST_MAILBOXES:
        raise TooManyMailboxes


def subscription(name: MailboxName) -> Decision:
    """Return what adds a name to the subscriptions.

    It raises `MailboxNameRefused` if none may have it, and `TooManySubscriptions`.
    """

    def decide(state: AccountState) -> list[AccountOperation]:
        if name in state.subscribed:
            return []
        if name not in state.names:  # whose name may be from before there were limits
            check_new(name)
        if len(state.subscribed) >= MOST_SUBSCRIPTIONS:
            raise TooManySubscriptions
        return [Subscribe(name)]

    return decide


def changed_facts(
    state: AccountState, mailbox_id: bytes, facts: Mapping[str, bytes]
) -> list[AccountMeta]:
    """Return what makes facts be so, of those that are not.

    Args:
        state: As it is under the lock.
        mailbox_id: Of the mailbox; `NO_MAILBOX`: they are the account's.
        facts: By name; an empty value removes one.

    Raises:
        NoSuchMailbox: The mailbox is no more.
    """
    if mailbox_id != NO_MAILBOX and mailbox_id not in state.mailboxes:
        raise NoSuchMailbox(mailbox_id.hex())
    known = state.meta.get(mailbox_id, {})
    return [
        AccountMeta(mailbox_id, name, value)
        for name, value in facts.items()
        if known.get(name, b"") != value
    ]


def mailbox_above(state: AccountState, name: MailboxName) -> Create | None:
    """Return the nearest mailbox above a name."""
    above = (state.names.get(each) for each in reversed(parents(name)))
    return next(filter(None, above), None)


def inherited(state: AccountState, mailbox: Create) -> list[AccountMeta]:
    """Return the rights that come from the mailbox above: RFC 4314 §4, CREATE."""
    above = mailbox_above(state, mailbox.name)
    facts = state.meta.get(above.mailbox_id, {}) if above else {}
    return [
        AccountMeta(mailbox.mailbox_id, name, value)
        for name, value in facts.items()
        if is_access_fact(name)
    ]


def renaming(old: MailboxName, new: MailboxName, check: Check = owner_may) -> Decision:
    """Return what gives a mailbox, and those below it, another name.

    It raises `NoSuchMailbox`, `MailboxExists` if one of the new names is taken, and
    `MailboxNameRefused` if one becomes too deep or too long.
    """

    def decide(state: AccountState) -> list[AccountOperation]:
        check(state)
        moved = {
            name: MailboxName(new + name[len(old) :])
            for name in state.names
            if name == old or is_below(name, old)
        }
        if not moved:
            raise NoSuchMailbox(old)
        # One of them may take the place of another.
        if old == new or (state.names.keys() - moved.keys()) & set(moved.values()):
            raise MailboxExists(new)
        for name in moved.values():
            check_new(name)  # it may be too deep now
        return [Rename(state.names[name].mailbox_id, to) for name, to in moved.items()]

    return decide
