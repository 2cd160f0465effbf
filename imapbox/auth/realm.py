"""A Twisted realm whose avatars are mail accounts."""

from collections.abc import Callable
from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.mail.interfaces import IAccountIMAP
from zope.interface import Interface, implementer

from imapbox.mailbox.account import UserAccount, open_account
from imapbox.mailbox.twisted_account import TwistedAccount
from imapbox.model.names import user_name
from imapbox.store.store import Store


@implementer(IRealm)
class MailboxRealm:
    """Gives whoever the checkers let in an `IAccount` for their mail.

    ``Portal(MailboxRealm(store), [checker])`` is what
    `twisted.mail.imap4.IMAP4Server` wants as its ``portal``. The first login
    makes the account. A login that comes before the store is open waits.

    Args:
        store: Where the mail is. Start it, or make it a service.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def requestAvatar(
        self, avatarId: bytes | str | tuple[()], mind: object, *interfaces: Any
    ) -> Deferred[tuple[type[Interface], object, Callable[[], None]]]:
        """Return the account, and what gives back what it took.

        Fails with UnauthorizedLogin if this is no name for a user (the
        anonymous have no mail), and with `MailError` if the account can't be
        opened now.

        Raises:
            NotImplementedError: No IAccount is wanted.
        """
        del mind
        if IAccountIMAP not in interfaces:
            raise NotImplementedError("The only interface is IAccount.")
        return Deferred.fromCoroutine(self._open(avatarId))

    async def _open(
        self, avatar_id: bytes | str | tuple[()]
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        if isinstance(avatar_id, bytes):
            avatar_id = avatar_id.decode(errors="surrogateescape")
        user = user_name(avatar_id) if isinstance(avatar_id, str) else None
        if user is None:
            raise UnauthorizedLogin
        await self._store.opened()
        mail = await open_account(self._store, user)
        at_once = UserAccount(self._store, self._store.blocking_account(user))
        avatar = TwistedAccount(mail, at_once, self._store.drivers.reactor)
        return IAccountIMAP, avatar, avatar.logout
