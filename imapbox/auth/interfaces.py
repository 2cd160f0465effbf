"""What other rooms need to know about users."""

from zope.interface import Interface

from imapbox.model.names import UserName


class IUserDirectory(Interface):
    """Knows who there is, whether or not they ever logged in.

    A credentials checker may provide it; one that can only check passwords
    does not.
    """

    async def knows(user: UserName) -> bool | None:  # noqa: N805 - zope's way
        """Say whether ``user`` exists; None if it can not tell.

        Raises:
            StoreFailure: It can usually tell, but not now.
        """
