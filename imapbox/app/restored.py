"""`imapbox restored`: after a restore of the whole store, new UIDVALIDITYs."""

from pathlib import Path
from typing import Final

from imapbox.app.offline import become_owner
from imapbox.app.one_mailbox import TRY_AGAIN, passes, reason, refusal_at, say
from imapbox.app.presence import absent, find_store, in_the_way, of_another_format
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform, perform_patiently
from imapbox.index.settings import Settings
from imapbox.model.errors import MailError, UnknownFormat
from imapbox.model.names import UserName
from imapbox.store.format import NotAStore, read_store_file
from imapbox.store.restored import Renewed, begin_run, end_run, renew_mailboxes
from imapbox.store.users import InTheWay, users_with_account

ALL: Final = 0
NOT_ALL: Final = 1


def run_restored(store: Path) -> int:
    """Do it, print what came of it, and return the status to end with.

    Raises:
        click.ClickException: There is no store, or it can't be written to.
    """
    find_store(store)
    become_owner(store)
    try:
        job = _Job(DiskFileSystem(str(store)))
        return job.run()
    except NotAStore as error:
        raise absent(store) from error
    except UnknownFormat as error:
        raise of_another_format(store, error) from error
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except (MailError, OSError) as error:
        raise refusal_at(store, error) from error


class _Job:
    """One run over a store."""

    def __init__(self, filesystem: DiskFileSystem) -> None:
        self._filesystem = filesystem
        self._settings = Settings(filesystem.boot, filesystem.node, filesystem.pid)
        self._status = ALL
        self._given = 0
        self._before = 0

    def run(self) -> int:
        """Renew everybody's mailboxes; what fails keeps nothing else from it."""
        if not perform(read_store_file(), self._filesystem):
            raise NotAStore
        found = perform(users_with_account(), self._filesystem)
        run = perform(begin_run(), self._filesystem)
        for path, error in found.closed.items():
            self._failed(path, error)
        for user in found.users:
            self._renew(user, run)
        said = f"{len(found.users)} users: new UIDVALIDITY for {self._given} mailboxes"
        if self._before:
            said += f", {self._before} had theirs already"
        say(said)
        if self._status == ALL:
            perform(end_run(), self._filesystem)
        else:
            say("not finished: mend what is wrong, and run it again")
        return self._status

    def _renew(self, user: UserName, run: bytes) -> None:
        steps = renew_mailboxes(user, run, self._settings)
        try:
            done: Renewed = perform_patiently(steps, self._filesystem)
        except (MailError, OSError) as error:
            self._failed(user, error)
            return
        self._given += len(done.given)
        self._before += done.before
        for name, why in done.failed.items():
            self._failed(f"{user} {name}", why)

    def _failed(self, title: str, error: MailError | OSError) -> None:
        self._status = (self._status or TRY_AGAIN) if passes(error) else NOT_ALL
        say(f"{title}: left as it is: {reason(error)}")
