"""Who has mail in a store: one walk for all who need to know.

A link or a file where a shard or a user's directory could be may stand for mail, as
where somebody moved a shard to another disk: it is never passed over in silence.
"""

import errno
import os
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.steps import Steps
from imapbox.model.errors import UnknownFormat
from imapbox.model.names import UserName
from imapbox.store.create import account_is_made
from imapbox.store.layout import USERS, decode_user, is_shard, user_directory

NOT_THERE: Final = "is not there, with all mail; bring it back from a backup"
NO_DIRECTORY: Final = "is no directory; move it away"
# With a link, the second is what a system says that looks at one name at a time.
_IS_NONE: Final = frozenset({errno.ENOTDIR, errno.ELOOP})


class InTheWay(Exception):
    """Before anything is done, a person has to put this right.

    Attributes:
        path: Of what it is, below the store.
        what: What is the matter with it, and what to do.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what


class Found(NamedTuple):
    """Who was found.

    Attributes:
        users: Whose mail is here.
        closed: Where there may be more of them, and that can't be looked into;
            and why. What should be a directory and is none is a
            `NotADirectoryError`, also where it is a link.
    """

    users: list[UserName]
    closed: dict[str, OSError]


def users_with_account() -> Steps[Found]:
    """Find the users whose account was made; what is no user's is passed over.

    Of whom that can't be told, he is one: whoever goes on with him says why.

    Raises:
        InTheWay: There is no directory with anybody's mail, or it can't be read.
        OSError: The file system is gone.
    """
    found = yield from users_with_directory()
    users: list[UserName] = []
    for user in found.users:
        users += [user] if (yield from may_be_made(user)) else []
    return found._replace(users=users)


def may_be_made(user: UserName) -> Steps[bool]:
    """Say whether a user's account was made, or nobody can tell.

    Raises:
        OSError: The file system is gone.
    """
    return (yield from _may_be(account_is_made(user)))


def users_with_directory() -> Steps[Found]:
    """Find the users of whom there is anything; what is no user's is passed over.

    Raises:
        InTheWay: There is no directory with anybody's mail, or it can't be read.
        OSError: The file system is gone.
    """
    found = Found([], {})
    for path in (yield from find_shards()):
        try:
            yield from _look_in(path, found)
        except FileNotFoundError:
            continue  # it was removed just now
        except OSError as error:
            _check_there(error)
            found.closed[path] = error
    return found


def find_shards() -> Steps[list[str]]:
    """Return what could be a directory above users'.

    Raises:
        InTheWay: There is no directory with anybody's mail, or it can't be read.
        OSError: The file system is gone.
    """
    try:
        names = yield from steps.list_directory(USERS)
    except FileNotFoundError as error:
        raise InTheWay(USERS, NOT_THERE) from error
    except OSError as error:
        if error.errno in _IS_NONE:
            raise InTheWay(USERS, NO_DIRECTORY) from error
        _check_there(error)
        raise InTheWay(USERS, f"can not be read: {error.strerror}") from error
    return [f"{USERS}/{name}" for name in names if is_shard(name)]


def _look_in(shard: str, found: Found) -> Steps[None]:
    """Find the users of a shard."""
    if not (yield from _may_be(_is_directory(shard))):
        raise _no_directory(shard)
    for name in (yield from steps.list_directory(shard)):
        path = f"{shard}/{name}"
        user = _whose(name)
        if user is None or user_directory(user) != path:
            continue
        try:
            if (yield from _may_be(_is_directory(path))):
                found.users.append(user)
            else:
                found.closed[path] = _no_directory(path)
        except FileNotFoundError:
            continue  # likewise


def _whose(name: str) -> UserName | None:
    try:
        return decode_user(name)
    except UnicodeError:
        return None


def _no_directory(path: str) -> OSError:
    return OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)


def _is_directory(path: str) -> Steps[bool]:
    return (yield from steps.status(path)).is_directory


def _may_be(telling: Steps[bool]) -> Steps[bool]:
    """Return what is told, or True where nobody can tell.

    Raises:
        FileNotFoundError: There is nothing.
        OSError: The file system is gone.
    """
    try:
        return (yield from telling)
    except FileNotFoundError:
        raise
    except UnknownFormat:
        return True  # whoever wrote it knows
    except OSError as error:
        _check_there(error)
        return True


def _check_there(error: OSError) -> None:
    """Raise what is said of the whole file system, and of no user."""
    if error.errno in CUT_OFF:
        raise error
