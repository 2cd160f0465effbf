"""Changing who may do what with a mailbox: SETACL. RFC 4314 §3.1."""

from collections.abc import Mapping
from typing import Final

from imapbox.index.account_operations import AccountMeta
from imapbox.index.account_state import AccountState
from imapbox.mailbox.access import Access, authorize
from imapbox.model.errors import (
    NoSuchMailbox,
    NotPermitted,
    RightsRefused,
    TooManyRights,
)
from imapbox.model.names import SHARED_USER, MailboxName
from imapbox.model.namespaces import prefix_of
from imapbox.model.rights import (
    ALL_RIGHTS,
    ANYONE,
    NO_RIGHTS,
    Grantable,
    Rights,
    RightsChange,
)
from imapbox.store.access_facts import access_fact, is_access_fact, rights_given
from imapbox.store.shares import Shares, has_any_rights

# So many have rights to one mailbox, and to any of an account.
MOST_OF_MAILBOX: Final = 100
MOST_OF_ACCOUNT: Final = 1000


def access_list(access: Access) -> Mapping[str, Rights]:
    """Return who has which rights to a mailbox, the owner first."""
    account = access.account
    given = sorted(rights_given(account.meta(access.mailbox_id)).items())
    if account.user == SHARED_USER:
        return dict(given)
    return {account.user: ALL_RIGHTS, **dict(given)}


def grantable(access: Access, identifier: str) -> Grantable:
    """Return which rights somebody can be given. RFC 4314 §3.4."""
    if identifier == access.account.user:
        return Grantable(ALL_RIGHTS, NO_RIGHTS)
    try:
        _check_can_be_given(access, identifier)
    except (NotPermitted, RightsRefused):
        return Grantable(NO_RIGHTS, NO_RIGHTS)
    return Grantable(NO_RIGHTS, ALL_RIGHTS)


async def change_rights(
    shares: Shares,
    access: Access,
    name: MailboxName,
    identifier: str,
    change: RightsChange,
) -> None:
    """Change somebody's rights to a mailbox, durably.

    Args:
        shares: Where it is entered.
        access: Who does that, and with which mailbox.
        name: What he called it.
        identifier: A user's name, or `ANYONE`.
        change: Of his rights.

    Raises:
        NoSuchMailbox: It is gone, or he may not know of it any more.
        NotPermitted: He may not do that any more; or not everybody can be given
            rights to one's own mailbox.
        RightsRefused: They can't be given to, or taken from, this one.
        TooManyRights: Too many others have some.
    """
    account = access.account
    _check_can_be_given(access, identifier)

    def decide(state: AccountState) -> list[AccountMeta]:
        if access.mailbox_id not in state.mailboxes:
            raise NoSuchMailbox(name)
        authorize(access, Rights.ADMINISTER, name, state)
        given = rights_given(state.meta.get(access.mailbox_id, {}))
        before = given.get(identifier, NO_RIGHTS)
        after = change.of(before)
        if after == before:
            return []
        if identifier not in given:
            _check_room(state, given, identifier)
        return [AccountMeta(access.mailbox_id, *access_fact(identifier, after))]

    is_entered = account.user != SHARED_USER
    if is_entered and change.of(NO_RIGHTS) != NO_RIGHTS:
        await shares.enter(account.user, identifier)
    try:
        await account.note(decide)
    finally:
        if is_entered and not has_any_rights(account, identifier):
            await shares.strike(account, [identifier])


def _check_can_be_given(access: Access, identifier: str) -> None:
    owner = access.account.user
    if identifier == ANYONE:
        if owner != SHARED_USER:
            raise NotPermitted(identifier)
        return
    # RFC 4314 §2: rights to be taken away from what others give. Nobody needs them.
    is_negative = identifier.startswith("-")
    if is_negative or identifier == owner or prefix_of(owner) is None:
        raise RightsRefused(identifier)


def _check_room(
    state: AccountState, given: Mapping[str, Rights], identifier: str
) -> None:
    """See that rights can be given to one more.

    Raises:
        TooManyRights: They can't be.
    """
    if len(given) >= MOST_OF_MAILBOX:
        raise TooManyRights(identifier)
    names = {name for facts in state.meta.values() for name in facts}
    everybody = {name for name in names if is_access_fact(name)}
    fact, _ = access_fact(identifier, NO_RIGHTS)
    if len(everybody | {fact}) > MOST_OF_ACCOUNT:
        raise TooManyRights(identifier)
