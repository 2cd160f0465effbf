"""Why somebody could not log in."""


class AuthenticationFailed(Exception):
    """The name or the password is wrong; which of them is not said."""


class AuthorizationRefused(AuthenticationFailed):
    """The password may be right, but not for acting as somebody else."""


class AuthenticationUnavailable(Exception):
    """It can not be found out now who is asking; the client may try again."""
