"""What a session needs besides mailboxes: somebody who knows who may log in."""

from typing import Protocol

from imapbox.mailbox.account_interface import Account


class Logins(Protocol):
    """Leads from a name and a password to an account.

    Attributes:
        lacks: Capabilities that none of the accounts has.
    """

    lacks: frozenset[str]

    async def login(self, user: bytes, password: bytes) -> Account:
        """Return the account. May be cancelled.

        Raises:
            AuthenticationFailed: Nobody has this name and this password.
            AuthenticationUnavailable: That can not be found out now.
            MailError: It was the right password, but the account can not be
                opened now.
        """
        ...
