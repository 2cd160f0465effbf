"""Letting in whom a portal of twisted.cred lets in."""

from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed, UnhandledCredentials
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.logger import Logger
from twisted.mail.interfaces import IAccountIMAP

from imapbox.auth.errors import AuthenticationFailed, AuthenticationUnavailable
from imapbox.foreign.account import ForeignAccount
from imapbox.foreign.capabilities import LACKS
from imapbox.mailbox.account_interface import Account
from imapbox.model.errors import MailError
from imapbox.model.names import UserName, user_name


class ForeignLogins:
    """Leads to the accounts of a Twisted application.

    ``IMAPFactory(ForeignLogins(portal, reactor), reactor)`` serves them.

    Args:
        portal: Its avatars provide twisted.mail's `IAccount`.
        reactor: Twisted's.

    Attributes:
        lacks: What is not offered: see `capabilities`.
    """

    _log = Logger()
    lacks = LACKS

    def __init__(self, portal: Portal, reactor: Any) -> None:
        self._portal = portal
        self._reactor = reactor

    async def login(self, user: bytes, password: bytes) -> Account:
        """Return the account. May be cancelled.

        Raises:
            AuthenticationFailed: The portal lets nobody in with these.
            AuthenticationUnavailable: It failed, which is logged.
        """
        # Nothing that holds passwords expects one.
        if b"\0" in user + password:
            raise AuthenticationFailed
        credentials = UsernamePassword(user, password)
        try:
            _, avatar, logout = await maybeDeferred(
                self._portal.login, credentials, None, IAccountIMAP
            )
        except (LoginFailed, UnhandledCredentials):
            raise AuthenticationFailed from None
        except (CancelledError, MailError):
            raise
        except Exception:  # noqa: BLE001 - logged, and answered
            self._log.failure("the portal failed")
            raise AuthenticationUnavailable from None
        text = user.decode(errors="replace")
        name = user_name(text) or UserName(ascii(text))
        return ForeignAccount(name, avatar, logout, self._reactor)
