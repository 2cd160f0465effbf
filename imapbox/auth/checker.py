"""A credentials checker over a passwd-file, for imapbox or any Twisted portal."""

from pathlib import Path

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from imapbox.auth.cache import LoginCache
from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.auth.hashes import verify
from imapbox.auth.interfaces import IUserDirectory
from imapbox.auth.passwd_file import PasswdFile
from imapbox.auth.threads import AuthThreads
from imapbox.model.errors import StoreFailure
from imapbox.model.names import UserName, user_name


@implementer(ICredentialsChecker, IUserDirectory)
class PasswdChecker:
    """Checks passwords against a passwd-file, beside the reactor.

    A name that does not exist gets the same refusal as a wrong password, and
    waits as long for it: its password is checked against somebody's hash, as
    most users have it, and the answer is thrown away.
    """

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted reads it

    def __init__(self, path: Path, threads: AuthThreads, clock: IReactorTime) -> None:
        self._threads = threads
        self._cache = LoginCache(clock)
        self._file = PasswdFile(path, threads, changed=self._cache.forget)

    def requestAvatarId(
        self, credentials: IUsernamePassword
    ) -> Deferred[bytes | tuple[()]]:
        """Answer with the user's normalized name, in UTF-8.

        Fails with `UnauthorizedLogin`, or with `AuthenticationUnavailable` if
        the file can not be read or too many logins are waiting.
        """
        return Deferred.fromCoroutine(
            self._check(credentials.username, credentials.password)
        )

    async def knows(self, user: UserName) -> bool | None:
        """Say whether the file names ``user``, able to log in or not.

        Raises:
            StoreFailure: The file can not be read now.
        """
        try:
            return user in (await self._file.users()).hashes
        except AuthenticationUnavailable as error:
            raise StoreFailure from error

    async def _check(self, username: bytes, password: bytes) -> bytes | tuple[()]:
        users = await self._file.users()
        user = user_name(username.decode(errors="surrogateescape"))
        stored = users.hashes.get(user) if user is not None else None
        if user is None or stored is None:
            if users.decoy is not None:
                await self._threads.run(verify, password, users.decoy)
            raise UnauthorizedLogin
        if not self._cache.knows(user, stored, password):
            if not await self._threads.run(verify, password, stored):
                raise UnauthorizedLogin
            self._cache.remember(user, stored, password)
        return user.encode()
