"""``--auth passwd:FILE``."""

from pathlib import Path

from twisted.cred.strcred import InvalidAuthArgumentString
from twisted.internet import reactor  # noqa: TID251 - strcred gives us none

from imapbox.auth.checker import PasswdChecker
from imapbox.auth.threads import AuthThreads


def passwd_checker(argstring: str) -> PasswdChecker:
    """Return a checker over the passwd-file that ``argstring`` names.

    The file need not exist yet, but its directory must: it may well be made by
    the first `imapbox user add`.

    Raises:
        InvalidAuthArgumentString: No file, or one that can not be there.
    """
    # twistd changes its directory when it becomes a daemon.
    path = Path(argstring).absolute()
    if not argstring or path.is_dir() or not path.parent.is_dir():
        raise InvalidAuthArgumentString(argstring)
    return PasswdChecker(path, AuthThreads(reactor), reactor)
