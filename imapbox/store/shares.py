"""Who gave rights to whom: a register, in the log of the account of `SHARED_USER`.

It is read to learn whose accounts a user may look into; no other's is ever opened
for him. What he may do there, those say themselves: a name in the register that
leads to no rights does no harm. So it is written before rights are given, and
after the last ones were taken.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from imapbox.index.account_operations import NO_MAILBOX, AccountMeta
from imapbox.index.account_state import AccountState
from imapbox.model.errors import NoSuchUser
from imapbox.model.names import SHARED_USER, UserName
from imapbox.model.rights import NO_RIGHTS
from imapbox.store.access_facts import rights_of
from imapbox.store.account import AccountLog
from imapbox.store.store import Store
from imapbox.store.tree_changes import changed_facts

_PREFIX: Final = "shares "
_NONE: Final[frozenset[UserName]] = frozenset()


class Shares:
    """The register, and the account that has the mailboxes that are nobody's own.

    Args:
        store: Whose.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def account(self) -> AccountLog | None:
        """Return the account, read and current; None where nothing is shared."""
        try:
            return await self._store.account(SHARED_USER)
        except NoSuchUser:
            return None

    async def made_account(self) -> AccountLog:
        """Return the account; the first time, make it."""
        await self._store.create_account(SHARED_USER)
        return await self._store.account(SHARED_USER)

    async def enter(self, owner: UserName, user: str) -> None:
        """Note that somebody gives rights to a user, durably."""
        account = await self.account()
        if account is None or owner not in owners_for(account, user):
            account = await self.made_account()
            await self._change(account, owner, user, is_there=True)

    async def strike(self, owner: AccountLog, users: Iterable[str]) -> None:
        """Note that somebody's rights are gone, of those of whom it is true."""
        for user in users:
            account = await self.account()
            if account is None or has_any_rights(owner, user):
                continue
            await self._change(account, owner.user, user, is_there=False)
            # He may have been given some meanwhile.
            await owner.sync()
            if has_any_rights(owner, user):
                await self._change(account, owner.user, user, is_there=True)

    async def _change(
        self, account: AccountLog, owner: UserName, user: str, *, is_there: bool
    ) -> None:
        decide = partial(entered, owner=owner, user=user, is_there=is_there)
        await account.note(decide)


def entered(
    state: AccountState, *, owner: UserName, user: str, is_there: bool
) -> list[AccountMeta]:
    """Return what enters in the register that somebody gives rights, or doesn't."""
    facts = state.meta.get(NO_MAILBOX, {})
    owners = owners_in(facts, user)
    owners = owners | {owner} if is_there else owners - {owner}
    fact = {_PREFIX + user: "\n".join(sorted(owners)).encode()}
    return changed_facts(state, NO_MAILBOX, fact)


def owners_for(account: AccountLog, user: str) -> frozenset[UserName]:
    """Return who may have given rights to a user, as the register says.

    Args:
        account: That has it.
        user: Whom.
    """
    return owners_in(account.meta(), user)


def owners_in(facts: Mapping[str, bytes], user: str) -> frozenset[UserName]:
    """Return the same, from the facts of the account that has the register."""
    value = facts.get(_PREFIX + user)
    return frozenset(map(UserName, value.decode().split("\n"))) if value else _NONE


def has_any_rights(owner: AccountLog, user: str) -> bool:
    """Say whether somebody gives rights to a user, as of the account's last sync."""
    facts = owner.state.meta.items()
    return any(rights_of(user, each) != NO_RIGHTS for _, each in facts)
