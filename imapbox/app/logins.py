"""From a name and a password to an account, which is made if it is new."""

from imapbox.auth.login import Login
from imapbox.mailbox.account import open_account
from imapbox.mailbox.account_interface import Account
from imapbox.store.store import Store


class StoreLogins:
    """Lets users of a store in."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, store: Store, login: Login) -> None:
        self._store = store
        self._login = login

    async def login(self, user: bytes, password: bytes) -> Account:
        """Return the account; the first login makes it. May be cancelled.

        Raises:
            AuthenticationFailed: Nobody has this name and this password.
            AuthenticationUnavailable: That can not be found out now.
            MailError: The account can not be opened now.
        """
        name = await self._login.authenticate(user, password)
        return await open_account(self._store, name)
