"""From a name and a password to a user."""

from collections.abc import Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import LoginFailed, UnhandledCredentials
from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.logger import Logger

from imapbox.auth.errors import AuthenticationFailed, AuthenticationUnavailable
from imapbox.model.names import UserName, user_name

_log = Logger()


class Login:
    """Asks one checker after the other."""

    def __init__(self, checkers: Sequence[ICredentialsChecker]) -> None:
        """Take those of ``checkers`` that can check a password."""
        self._checkers = [
            checker
            for checker in checkers
            if IUsernamePassword in checker.credentialInterfaces
        ]

    async def authenticate(self, user: bytes, password: bytes) -> UserName:
        """Say who this is. May be cancelled.

        Checkers are given the normalized name, so that "Ana" and "ana" of some
        foreign directory can not be two people with one account.

        Raises:
            AuthenticationFailed: Nobody knows this name with this password.
            AuthenticationUnavailable: Nobody does, but not everybody could be
                asked.
        """
        name = user_name(user.decode(errors="surrogateescape"))
        # No mechanism of ours can carry a NUL, and C libraries stop at one.
        if b"\0" in password:
            raise AuthenticationFailed
        # A name that can not be one is asked for like any other: same time.
        asked = name.encode() if name is not None else user
        unavailable = False
        for checker in self._checkers:
            try:
                found = await maybeDeferred(
                    checker.requestAvatarId, UsernamePassword(asked, password)
                )
            except (LoginFailed, UnhandledCredentials):
                continue
            except CancelledError:
                raise
            except AuthenticationUnavailable:
                unavailable = True
                continue
            except Exception:  # noqa: BLE001 - a broken checker is one that can't tell
                _log.failure("a credentials checker failed")
                unavailable = True
                continue
            if (known := _name_of(found)) is not None:
                return known
        if unavailable:
            raise AuthenticationUnavailable
        raise AuthenticationFailed


def _name_of(avatar_id: bytes | str | tuple[()]) -> UserName | None:
    """Return whom a checker means; nobody, if it means the anonymous."""
    if isinstance(avatar_id, bytes):
        return user_name(avatar_id.decode(errors="surrogateescape"))
    return user_name(avatar_id) if isinstance(avatar_id, str) else None
