"""All the user directories at hand, as one."""

from collections.abc import Iterable

from zope.interface import implementer

from imapbox.auth.interfaces import IUserDirectory
from imapbox.model.names import UserName


@implementer(IUserDirectory)
class Directories:
    """Whoever one directory knows exists."""

    def __init__(self, checkers: Iterable[object]) -> None:
        """Take those of ``checkers`` that are directories too."""
        self._directories = [
            IUserDirectory(each) for each in checkers if IUserDirectory.providedBy(each)
        ]

    async def knows(self, user: UserName) -> bool | None:
        """Say whether ``user`` exists; None if nobody can tell.

        Raises:
            StoreFailure: A directory can usually tell, but not now.
        """
        answer: bool | None = None
        for directory in self._directories:
            said = await directory.knows(user)
            if said:
                return True
            if said is not None:
                answer = False
        return answer
