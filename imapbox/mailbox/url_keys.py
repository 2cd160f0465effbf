"""The keys with which URLs of an account's mailboxes are authorised. RFC 4467 §5.

Each is a fact of the account: 32 random octets, which go with their mailbox. What is
given out is made of them and of the mailbox's UIDVALIDITY, so that no URL leads to
another message once UIDs mean something else.
"""

import hmac
from typing import Final

from imapbox.index.account_operations import AccountMeta
from imapbox.index.account_state import AccountState
from imapbox.model.errors import NoSuchMailbox
from imapbox.model.names import MailboxName
from imapbox.store.access_facts import URL_KEY
from imapbox.store.account import AccountLog
from imapbox.store.store import Store

_SIZE: Final = 32


class UrlKeys:
    """See `account_interface.UrlKeys`.

    Args:
        store: Where the account is.
        account: Whose mailboxes they are of.
    """

    def __init__(self, store: Store, account: AccountLog) -> None:
        self._store = store
        self._account = account

    async def find(self, name: MailboxName) -> bytes | None:
        """Return a mailbox's key; None if it has none."""
        await self._account.sync()
        mailbox = self._account.named(name)
        secret = self._account.meta(mailbox.mailbox_id).get(URL_KEY)
        if secret is None:
            return None
        return hmac.digest(secret, b"%d" % mailbox.uidvalidity, "sha256")

    async def need(self, name: MailboxName) -> bytes:
        """Return a mailbox's key; the first time makes it, durably."""
        key = await self.find(name)
        if key is None:
            await self._set(name, replace=False)
            key = await self.find(name)
        if key is None:
            raise NoSuchMailbox(name)  # somebody else has it now
        return key

    async def renew(self, name: MailboxName) -> None:
        """Give a mailbox another key, durably."""
        await self._account.sync()
        await self._set(name, replace=True)

    async def remove_all(self) -> None:
        """Remove all keys, durably."""

        def decide(state: AccountState) -> list[AccountMeta]:
            return [
                AccountMeta(mailbox_id, URL_KEY, b"")
                for mailbox_id, facts in state.meta.items()
                if URL_KEY in facts
            ]

        await self._account.sync()
        if decide(self._account.state):
            await self._account.note(decide)

    async def _set(self, name: MailboxName, *, replace: bool) -> None:
        mailbox_id = self._account.named(name).mailbox_id
        secret = self._store.drivers.filesystem.random(_SIZE)

        def decide(state: AccountState) -> list[AccountMeta]:
            if mailbox_id not in state.mailboxes:
                raise NoSuchMailbox(name)
            if URL_KEY in state.meta.get(mailbox_id, {}) and not replace:
                return []  # another session has just made it
            return [AccountMeta(mailbox_id, URL_KEY, secret)]

        await self._account.note(decide)
