"""Who has mail in a store: one walk for all who need to know."""

import errno
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.steps import Steps
from imapbox.model.names import UserName
from imapbox.store.create import account_is_made
from imapbox.store.layout import USERS, decode_user, is_shard, user_directory

# What a name stands for that is no directory, or went just now.
_NO_DIRECTORY: Final = frozenset({errno.ENOTDIR, errno.ELOOP, errno.ENOENT})


class Found(NamedTuple):
    """Who was found.

    Attributes:
        users: Whose mail is here.
        closed: Directories that can't be looked into, where there may be more of
            them; and why.
    """

    users: list[UserName]
    closed: dict[str, OSError]


def users_with_account() -> Steps[Found]:
    """Find the users whose account was made; what is no user's is passed over.

    Of whom that can't be told, he is one: whoever goes on with him says why.

    Raises:
        OSError: Nobody can be found at all.
    """
    found = yield from users_with_directory()
    users: list[UserName] = []
    for user in found.users:
        users += [user] if (yield from _may_be(account_is_made(user))) else []
    return found._replace(users=users)


def users_with_directory() -> Steps[Found]:
    """Find the users of whom there is anything; what is no user's is passed over.

    Raises:
        OSError: Nobody can be found at all.
    """
    found = Found([], {})
    for shard in (yield from steps.list_directory(USERS)):
        if not is_shard(shard):
            continue
        path = f"{USERS}/{shard}"
        try:
            names = yield from steps.list_directory(path)
        except OSError as error:
            _check_there(error)
            if error.errno not in _NO_DIRECTORY:
                found.closed[path] = error
            continue
        for name in names:
            user = _whose(name)
            if user is None or user_directory(user) != f"{path}/{name}":
                continue
            if (yield from _may_be(_is_directory(f"{path}/{name}"))):
                found.users.append(user)
    return found


def _whose(name: str) -> UserName | None:
    try:
        return decode_user(name)
    except UnicodeError:
        return None


def _is_directory(path: str) -> Steps[bool]:
    try:
        return (yield from steps.status(path)).is_directory
    except FileNotFoundError:
        return False


def _may_be(telling: Steps[bool]) -> Steps[bool]:
    """Return what is told, or True where the file system does not tell."""
    try:
        return (yield from telling)
    except OSError as error:
        _check_there(error)
        return True


def _check_there(error: OSError) -> None:
    """Raise what is said of the whole file system, and of no user."""
    if error.errno in CUT_OFF:
        raise error
