"""`imapbox locks`: which locks are held now, by whom, and who waits.

That a lock is held is what the kernel says; by whom is what stands in the file
``lock``, a hint. Only looks: it takes no lock and writes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click

from imapbox.app.presence import file_and_why, find_store, in_the_way, unreadable
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import FileSystem, Mode
from imapbox.disk.steps import Steps, perform
from imapbox.index.account_state import AccountState
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head_file import head_of
from imapbox.index.opening import follow_all
from imapbox.index.read import LogBroken
from imapbox.locks.lock_file import (
    LOCK_FILE_SIZE,
    LockHints,
    Waiter,
    decode_hints,
    slot_node,
)
from imapbox.model.errors import MailError
from imapbox.model.names import UserName
from imapbox.store.layout import account_directory, mailboxes_directory
from imapbox.store.users import InTheWay, users_with_directory

ALL: Final = 0
NOT_ALL: Final = 1
_TITLES: Final = ("USER", "MAILBOX", "HOST", "PID", "COMMAND", "SINCE", "WAITERS")
_UNKNOWN: Final = "?"
_ACCOUNT: Final = "-"


class HeldLock(NamedTuple):
    """A line of the table."""

    user: str
    mailbox: str
    host: str
    pid: str
    command: str
    since: str
    waiters: str


def run_locks(store: Path) -> int:
    """Print the locks that are held; return the status to end with.

    Raises:
        Refused: There is no store, or it can not be read.
    """
    find_store(store)
    try:
        look = _Look(DiskFileSystem(str(store)))
        rows = [_TITLES, *look.held_locks()]
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except OSError as error:
        raise unreadable(store, error) from error
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    for what, why in look.unknown.items():
        sentence = f"{what}: not looked at: {file_and_why(why)}."
        click.echo(_printable(sentence), err=True)
    return NOT_ALL if look.unknown else ALL


class _Look:
    """One look at all locks.

    Attributes:
        unknown: Of whom and what could not be told who holds it, and why.
    """

    def __init__(self, filesystem: FileSystem) -> None:
        self.unknown: dict[str, OSError] = {}
        self._filesystem = filesystem

    def held_locks(self) -> Iterator[HeldLock]:
        """Return the locks that somebody holds, as they are met."""
        found = perform(users_with_directory(), self._filesystem)
        self.unknown.update(found.closed)
        for user in found.users:
            yield from self._held_by_user(user)

    def _held_by_user(self, user: UserName) -> Iterator[HeldLock]:
        account = account_directory(user)
        hints = self._hints_if_held(user, account)
        if hints is not None:
            yield _line(self._filesystem, user, _ACCOUNT, hints)
        names: dict[str, str] | None = None
        mailboxes = mailboxes_directory(user)
        for mailbox_id in self._names(user, mailboxes):
            hints = self._hints_if_held(user, f"{mailboxes}/{mailbox_id}")
            if hints is not None:
                names = names or _mailbox_names(self._filesystem, account)
                mailbox = names.get(mailbox_id, mailbox_id)
                yield _line(self._filesystem, user, mailbox, hints)

    def _names(self, user: UserName, directory: str) -> list[str]:
        try:
            return self._filesystem.list_directory(directory)
        except FileNotFoundError:  # an account that is being made
            return []
        except OSError as error:
            self._note(user, error)
            return []

    def _hints_if_held(self, user: UserName, directory: str) -> LockHints | None:
        """Return what stands in a lock file whose lock is held."""
        try:
            return _hints_if_held(self._filesystem, f"{directory}/lock")
        except (FileNotFoundError, NotADirectoryError):
            return None  # it is being made, was removed just now, or is no mailbox
        except OSError as error:
            self._note(user, error)
            return None

    def _note(self, user: UserName, error: OSError) -> None:
        """Keep the first that is wrong with a user, unless all of it is gone."""
        if error.errno in CUT_OFF:
            raise error
        self.unknown.setdefault(user, error)


def _hints_if_held(filesystem: FileSystem, path: str) -> LockHints | None:
    fd = filesystem.open(path, Mode.READ)
    try:
        if not filesystem.is_locked(fd):
            return None
        return decode_hints(filesystem.pread(fd, LOCK_FILE_SIZE, 0))
    finally:
        filesystem.close(fd)


def _line(
    filesystem: FileSystem, user: UserName, mailbox: str, hints: LockHints
) -> HeldLock:
    note = hints.note
    waiters = [each for each in hints.waiters if _may_live(filesystem, each)]
    return HeldLock(
        user=_printable(user),
        mailbox=_printable(mailbox),
        host=_printable(note.node) if note else _UNKNOWN,
        pid=str(note.pid) if note else _UNKNOWN,
        command=_printable(note.command) if note else _UNKNOWN,
        since=_moment(note.since) if note else _UNKNOWN,
        waiters=str(len(waiters)),
    )


def _moment(since: float) -> str:
    try:
        moment = datetime.fromtimestamp(since, UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # whatever bytes may be there
        return _UNKNOWN
    return moment.isoformat(" ", "seconds")


def _may_live(filesystem: FileSystem, waiter: Waiter) -> bool:
    """Say whether a slot's owner may still wait: its process is not known dead."""
    elsewhere = slot_node(waiter.node) != slot_node(filesystem.node)
    return elsewhere or filesystem.is_alive(waiter.pid)


def _mailbox_names(filesystem: FileSystem, account: str) -> dict[str, str]:
    """Return the names of an account's mailboxes by id; none if it can't be read."""
    state = AccountState()

    def read() -> Steps[None]:
        head = yield from head_of(account)
        if head is not None:
            yield from follow_all(account, head.position, state.apply)

    try:
        perform(read(), filesystem)
    except (OSError, LogBroken, DamagedOperations, MailError):
        return {}
    return {each.mailbox_id.hex(): name for name, each in state.names.items()}


def _printable(text: str) -> str:
    """Return ``text`` so that it can not do anything to a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
