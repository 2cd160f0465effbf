"""`imapbox snapshot`: a consistent copy of a store that is in use."""

import os
from collections import Counter
from pathlib import Path
from typing import Final

from imapbox.app.offline import become_owner
from imapbox.app.one_mailbox import TRY_AGAIN, passes, say
from imapbox.app.presence import (
    absent,
    find_store,
    in_the_way,
    of_another_format,
    unfinished,
    unreadable,
)
from imapbox.app.refused import Refused
from imapbox.app.sizes import size_in_words
from imapbox.app.two_stores import TwoStores
from imapbox.disk.failures import in_words, unworded
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.steps import perform, perform_patiently
from imapbox.disk.two_roots import TwoRoots, is_there
from imapbox.index.lost_found import LOST_FOUND
from imapbox.index.settings import Settings
from imapbox.model.errors import (
    DiskFull,
    MailError,
    StoreFenced,
    StoreReadOnly,
    UnknownFormat,
)
from imapbox.model.names import UserName
from imapbox.store.format import NotAStore
from imapbox.store.layout import STORE_FILE, UNFINISHED, USERS
from imapbox.store.left_out import leave_out
from imapbox.store.store_copy import (
    CopiedUser,
    NotEmpty,
    Unfinished,
    begin_copy,
    copy_user,
    end_copy,
)
from imapbox.store.store_moment import Moment, begin_moment
from imapbox.store.users import InTheWay, find_shards, users_with_account

WHOLE: Final = 0
NOT_WHOLE: Final = 1
CAN_NOT: Final = 2
# Where nothing can be written, nobody's mail can be copied.
_ENDS: Final = (DiskFull, StoreReadOnly, StoreFenced)


def run_snapshot(store: Path, target: Path) -> int:
    """Copy a store, print what came of it, and return the status to end with.

    Raises:
        Refused: There is no store, or something is in the way.
    """
    find_store(store)
    if _real(target).is_relative_to(_real(store)):
        raise Refused("A copy can not lie within the store itself.")
    try:
        _make_for_owner(store, target)
        become_owner(store)
        job = _Job(TwoStores(store, target))
        # Where nobody can be found, nothing is begun.
        perform(find_shards(), job.filesystem)
        perform(begin_copy(), job.filesystem)
        return job.run()
    except Unfinished as error:
        raise unfinished(target) from error
    except NotEmpty as error:
        sentence = f"There is something at {target} already."
        raise Refused(sentence) from error
    except NotAStore as error:
        raise absent(store) from error
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except UnknownFormat as error:
        raise of_another_format(store, error) from error
    except OSError as error:
        raise _can_not(store, target, error) from error


def _can_not(store: Path, target: Path, error: OSError) -> Refused:
    """Return what it ends with that can't begin."""
    if isinstance(error, FileExistsError) and is_there(error):
        return unfinished(target)  # somebody began in this moment
    if error.filename in {str(store), STORE_FILE, UNFINISHED, USERS}:
        return unreadable(store, error)
    return Refused(f"Can not copy to {target}: {error.strerror}.")


def _real(path: Path) -> Path:
    """Return a path without links; unlike `Path.resolve` it always can."""
    return Path(os.path.realpath(path))


def _make_for_owner(store: Path, target: Path) -> None:
    """Make the directory, for the user whose store it is."""
    target.mkdir(mode=0o700, exist_ok=True)
    held = {each.name for each in target.iterdir()} - {LOST_FOUND}
    if os.geteuid() == 0 and not held:
        owner = store.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
        target.chmod(0o700)


class _Job:
    """One copy."""

    def __init__(self, roots: TwoStores) -> None:
        files = TwoRoots(str(roots.store), str(roots.copy))
        self.filesystem: FileSystem = files
        self._roots = roots
        self._settings = Settings(files.boot, files.node, files.pid)
        self._sum: Counter[str] = Counter()
        self._status = WHOLE

    def run(self) -> int:
        """Copy everybody's mail, and make a store of the copy."""
        try:
            moment = perform(begin_moment(self.filesystem.boot), self.filesystem)
            found = perform(users_with_account(), self.filesystem)
            for path, error in found.closed.items():
                self._left_out(path, error)
            for user in found.users:
                self._copy(user, moment)
            perform(end_copy(), self.filesystem)
        except (MailError, OSError) as error:
            self._leave_unfinished(self._roots.reason(error))
            return TRY_AGAIN if passes(error) else CAN_NOT
        except InTheWay as error:
            self._leave_unfinished(in_the_way(self._roots.store, error).message)
            return CAN_NOT
        counted = [f"{self._sum[word]} {word}" for word in ("users", "mailboxes")]
        counted.append(f"{self._sum['messages']} messages")
        counted.append(size_in_words(self._sum["octets"]))
        say(f"{self._roots.copy}: {', '.join(counted)}")
        return self._status

    def _leave_unfinished(self, why: str) -> None:
        say(f"not finished: {why}")
        target = self._roots.copy
        say(f"{target}/{UNFINISHED} says so; remove {target} and begin anew.")

    def _copy(self, user: UserName, moment: Moment) -> None:
        steps = copy_user(user, self._settings, moment)
        try:
            done = perform_patiently(steps, self.filesystem)
        except (MailError, OSError) as error:
            if _ends(error):
                raise
            perform(leave_out(user), self.filesystem)
            self._left_out(user, error)
            return
        self._count(user, done)

    def _left_out(self, what: str, error: MailError | OSError) -> None:
        self._status = (self._status or TRY_AGAIN) if passes(error) else NOT_WHOLE
        say(f"{what} is left out: {self._roots.reason(error)}")

    def _count(self, user: UserName, done: CopiedUser) -> None:
        self._sum["users"] += 1
        for word in ("mailboxes", "messages", "octets"):
            self._sum[word] += getattr(done, word)
        for directory in done.damaged:
            self._status = NOT_WHOLE
            say(f"{user}: damaged, and copied as it is: {directory}")
        for directory in done.missing:
            self._status = NOT_WHOLE
            say(f"{user}: not there: {directory}")
        for directory, error in done.left_out.items():
            self._left_out(f"{user}: {directory}", error)


def _ends(error: MailError | OSError) -> bool:
    """Say whether it concerns all who are still to be copied, too."""
    said = unworded(error)
    if said is None:
        return isinstance(in_words(error), _ENDS)
    return is_there(said)
