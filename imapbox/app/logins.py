"""From a name and a password to an account, which is made if it is new."""

from collections.abc import Collection

from imapbox.auth.login import Login
from imapbox.mailbox.access import Visitor
from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.sharing_account import open_sharing_account
from imapbox.model.names import UserName
from imapbox.store.store import Store


class StoreLogins:
    """Lets users of a store in.

    Args:
        store: Theirs.
        login: Says who they are.
        administrators: Who may do everything with what is nobody's own.
    """

    lacks: frozenset[str] = frozenset()

    def __init__(
        self, store: Store, login: Login, administrators: Collection[UserName] = ()
    ) -> None:
        self._store = store
        self._login = login
        self._administrators = frozenset(administrators)

    async def login(self, user: bytes, password: bytes) -> Account:
        """Return the account; the first login makes it. May be cancelled.

        Raises:
            AuthenticationFailed: Nobody has this name and this password.
            AuthenticationUnavailable: That can not be found out now.
            MailError: The account can not be opened now.
        """
        name = await self._login.authenticate(user, password)
        visitor = Visitor(name, administers=name in self._administrators)
        return await open_sharing_account(self._store, visitor)
