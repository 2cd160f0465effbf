"""Whether there is a mail store: one look for all commands.

What is not there and what can't be looked at are told apart: a mount that is
dead, or a directory that one may not enter, is no reason to believe that a
store is gone.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from imapbox.app.refused import Refused
from imapbox.model.errors import UnknownFormat
from imapbox.store.layout import STORE_FILE, UNFINISHED, USERS
from imapbox.store.users import InTheWay


def find_store(
    root: Path, *, what: str = "mail store", perhaps_damaged: bool = False
) -> None:
    """Look whether there is a store.

    Args:
        root: Its directory.
        what: What is said to be missing where there is none.
        perhaps_damaged: Whether one counts that has lost its store file, or is a
            copy that is not finished.

    Raises:
        Refused: There is none, or nobody can tell; says which, and where.
    """
    try:
        damaged = perhaps_damaged and is_a(stat.S_ISDIR, root / USERS)
        found = damaged or is_a(stat.S_ISREG, root / STORE_FILE)
        begun = not damaged and _is_there(root / UNFINISHED)
    except OSError as error:
        raise unreadable(root, error) from error
    if begun:
        raise unfinished(root)
    if not found:
        raise absent(root, what)


def is_a(kind: Callable[[int], bool], path: Path) -> bool:
    """Say whether there is something of a kind, as `stat.S_ISDIR` is one.

    Raises:
        OSError: That can't be told.
    """
    try:
        # Not Path.is_file: which errors it swallows depends on Python's version.
        return kind(os.stat(path).st_mode)  # noqa: PTH116 - see above
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_there(path: Path) -> bool:
    """Say whether there is anything, be it a link to nothing.

    Raises:
        OSError: That can't be told.
    """
    try:
        os.stat(path, follow_symlinks=False)  # noqa: PTH116 - as above
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def absent(root: Path, what: str = "mail store") -> Refused:
    """Return what a command ends with where there is no store."""
    return Refused(f"There is no {what} at {root}.")


def unfinished(root: Path) -> Refused:
    """Return what a command ends with where a copy is not whole."""
    sentence = f"The copy at {root} is not finished"
    return Refused(f"{sentence}; if nobody is making it, remove it and begin anew.")


def of_another_format(root: Path, error: UnknownFormat) -> Refused:
    """Return what a command ends with where another imapbox made the store."""
    return Refused(f"At {root}: {error.sentence()}")


def something_else(root: Path) -> Refused:
    """Return what a command ends with that makes no store where other things are."""
    return Refused(f"There is something else at {root}, and no mail store.")


def in_the_way(root: Path, error: InTheWay) -> Refused:
    """Return what a command ends with that can't begin."""
    denied = isinstance(error.__cause__, PermissionError)
    who = f" (uid {os.geteuid()})" if denied else ""
    return Refused(f"{root / error.path} {error.what}{who}.")


def unreadable(root: Path, error: OSError) -> Refused:
    """Return what a command ends with that can't look whether there is one."""
    return Refused(f"Can not look at {root}: {error.strerror}.")


def file_and_why(error: OSError) -> str:
    """Return which file it was, if that is known, and what the system said."""
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return f"{where}{error.strerror or error}"
