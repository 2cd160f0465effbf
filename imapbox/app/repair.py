"""`imapbox repair`: what is damaged is mended from what is left of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from imapbox.app.offline import become_owner
from imapbox.app.one_mailbox import (
    TRY_AGAIN,
    chosen_mailbox,
    chosen_user,
    passes,
    refusal,
    say,
)
from imapbox.app.presence import (
    absent,
    find_store,
    in_the_way,
    of_another_format,
    unfinished,
    unreadable,
)
from imapbox.app.refused import Refused
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.failures import in_words
from imapbox.disk.steps import perform, perform_patiently, status
from imapbox.index.repair import Job, Mending
from imapbox.index.settings import Settings
from imapbox.model.errors import MailError, NoSuchMailbox, UnknownFormat
from imapbox.model.names import SHARED_USER, MailboxName, UserName
from imapbox.store.format import NotAStore, UnfinishedCopy
from imapbox.store.layout import user_directory, user_shard
from imapbox.store.repair import mend_user
from imapbox.store.repair_root import (
    check_ways,
    leave_access_of_root,
    mend_spool,
    mend_store_file,
)
from imapbox.store.users import InTheWay, users_with_directory

SOUND: Final = 0
DAMAGED: Final = 1
CAN_NOT_TELL: Final = 2
# Seconds for which it waits for a lock.
PATIENCE: Final = 30.0
# Each counts for more than those before it.
_WORSE: Final = (SOUND, TRY_AGAIN, CAN_NOT_TELL, DAMAGED)
# What is damage, also where it is only met while something is mended.
_WRONG: Final = (MailError, IsADirectoryError, NotADirectoryError)
_RESULTS: Final = {
    SOUND: "sound",
    DAMAGED: "damaged",
    CAN_NOT_TELL: "could not tell",
    TRY_AGAIN: "try again",
}


def run_repair(
    store: Path, chosen: Sequence[str], *, apply: bool, deep: bool, as_json: bool
) -> int:
    """Mend a store, or say what there is to mend; return the status to end with.

    Args:
        store: Where it is.
        chosen: Nothing; or a user; or a user and one of his mailboxes.
        apply: Whether to do it.
        deep: Whether to read all messages.
        as_json: Whether to print one JSON object.

    Raises:
        click.UsageError: Too much is named.
        click.ClickException: There is no store, or it can't be looked at or written
            to; or no user or mailbox of that name.
    """
    if len(chosen) > len(("USER", "MAILBOX")):
        sentence = f"What is {chosen[-1]!r}? At most a user and a mailbox are named."
        raise click.UsageError(sentence)
    users = [chosen_user(each) for each in chosen[:1]]
    name = chosen_mailbox(chosen[1]) if chosen[1:] else None
    find_store(store, perhaps_damaged=True)
    become_owner(store)
    try:
        filesystem = DiskFileSystem(str(store))
        run = _Run(store, filesystem, apply=apply, deep=deep, as_json=as_json)
        return run.run(users, name)
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except UnfinishedCopy as error:
        raise unfinished(store) from error
    except NotAStore as error:
        raise absent(store) from error
    except UnknownFormat as error:
        raise of_another_format(store, error) from error
    except OSError as error:
        if passes(error):
            raise refusal(in_words(error)) from error
        raise unreadable(store, error) from error


def _find_user(store: Path, filesystem: DiskFileSystem, user: UserName) -> None:
    for path in (user_shard(user), user_directory(user)):
        try:
            found = perform(status(path), filesystem)
        except FileNotFoundError as error:
            sentence = f"There is no account of {user!r}."
            raise Refused(sentence) from error
        except OSError as error:
            raise unreadable(store / path, error) from error
        if not found.is_directory:
            sentence = f"{store / path} is no directory, and should be one."
            raise Refused(sentence)


class _Run:
    """One run over a store."""

    def __init__(
        self,
        store: Path,
        filesystem: DiskFileSystem,
        *,
        apply: bool,
        deep: bool,
        as_json: bool,
    ) -> None:
        self._store = store
        self._filesystem = filesystem
        self._settings = Settings(
            filesystem.boot, filesystem.node, filesystem.pid, PATIENCE
        )
        self._apply = apply
        self._deep = deep
        self._as_json = as_json
        self._status = SOUND
        self._said: list[dict[str, str]] = []
        self._users = 0
        self._mailboxes = 0
        self._owner = perform(status("."), filesystem).owner

    def run(self, users: Sequence[UserName], mailbox: MailboxName | None) -> int:
        """Mend; what can't be mended keeps nothing else from it.

        Raises:
            Refused: There is no such user or mailbox.
            InTheWay: Something has to be put right first.
            UnfinishedCopy: It is one, and is left alone.
            NotAStore: This is none, and nobody's mail is here.
            UnknownFormat: An imapbox of another format made it.
            OSError: It can't be looked at, or written to.
        """
        try:
            self._mend_root()
            for each in users:
                _find_user(self._store, self._filesystem, each)
            chosen = list(users) or self._everybody()
            # What is shared comes first: others' rights are entered there.
            for user in sorted(chosen, key=lambda each: each != SHARED_USER):
                self._mend(user, mailbox)
        except Exception as error:
            again = isinstance(error, OSError) and passes(error)
            self._worsen(TRY_AGAIN if again else CAN_NOT_TELL)
            if self._as_json:
                self._report()  # something may have been mended
            raise
        self._report()
        return self._status

    def _mend_root(self) -> None:
        """Mend what belongs to no user."""
        job = Job(self._settings, self._apply)
        try:
            perform(check_ways(), self._filesystem)
            perform(mend_store_file(job), self._filesystem)
            perform(mend_spool(job), self._filesystem)
            perform(leave_access_of_root(job, self._owner), self._filesystem)
        finally:
            self._tell(job)

    def _report(self) -> None:
        """Say what it comes to."""
        result = _RESULTS[self._status]
        if self._as_json:
            report = {
                "store": str(self._store),
                "applied": self._apply,
                "mended": self._said,
                "checked": {"users": self._users, "mailboxes": self._mailboxes},
                "result": result,
            }
            click.echo(json.dumps(report, indent=1))
            return
        say(f"{result}: {self._users} users, {self._mailboxes} mailboxes")
        if self._status == DAMAGED and not self._apply:
            say("nothing was changed; --apply does it")

    def _everybody(self) -> list[UserName]:
        found = perform(users_with_directory(), self._filesystem)
        job = Job(self._settings, self._apply)
        for path, error in found.closed.items():
            if isinstance(error, NotADirectoryError):
                job.leave(path, "this is no directory, and should be one")
            else:
                job.fail(path, error)
        self._tell(job)
        return found.users

    def _mend(self, user: UserName, mailbox: MailboxName | None) -> None:
        self._users += 1
        job = Job(self._settings, self._apply)
        work = mend_user(user, job, self._owner, mailbox=mailbox, deep=self._deep)
        try:
            self._mailboxes += perform_patiently(work, self._filesystem)
        except NoSuchMailbox as error:
            self._tell(job)
            sentence = f"There is no mailbox {mailbox!r}."
            raise Refused(sentence) from error
        except (MailError, OSError) as error:
            job.fail(user_directory(user), error)
        self._tell(job)

    def _tell(self, job: Job) -> None:
        for each in job.mended:
            self._say(each)
            self._worsen(self._meaning(each))

    def _worsen(self, status: int) -> None:
        self._status = max(self._status, status, key=_WORSE.index)

    def _meaning(self, each: Mending) -> int:
        """Return the status to end with for it alone."""
        if each.error is None:
            return DAMAGED if each.left or not self._apply else SOUND
        if passes(each.error):
            return TRY_AGAIN
        if isinstance(each.error, UnknownFormat):
            return CAN_NOT_TELL
        return DAMAGED if isinstance(each.error, _WRONG) else CAN_NOT_TELL

    def _say(self, each: Mending) -> None:
        state = each.state.value
        row = {"state": state, "path": each.path, "sentence": each.sentence}
        self._said.append(row)
        if not self._as_json:
            say(f"{state}: {each.path}: {each.sentence}")
