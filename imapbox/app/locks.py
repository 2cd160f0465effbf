"""`imapbox locks`: which locks are held now, by whom, and who waits.

That a lock is held is what the kernel says; by whom is what stands in the file
``lock``, a hint. Only looks: it takes no lock and writes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click

from imapbox.app.presence import find_store, unreadable
from imapbox.disk.filesystem import DiskFileSystem, FileSystem, Mode
from imapbox.disk.steps import Steps, perform
from imapbox.index.account_state import AccountState
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
from imapbox.model.errors import MailboxDamaged
from imapbox.model.names import UserName
from imapbox.store.layout import account_directory, mailboxes_directory
from imapbox.store.users import users_with_directory

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


def run_locks(store: Path) -> None:
    """Print the locks that are held.

    Raises:
        Refused: There is no store, or it can not be read.
    """
    find_store(store)
    try:
        rows = [_TITLES, *held_locks(DiskFileSystem(str(store)))]
    except OSError as error:
        raise unreadable(store, error) from error
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def held_locks(filesystem: FileSystem) -> Iterator[HeldLock]:
    """Return the locks that somebody holds, as they are met."""
    for user in perform(users_with_directory(), filesystem).users:
        yield from _held_by_user(filesystem, user)


def _held_by_user(filesystem: FileSystem, user: UserName) -> Iterator[HeldLock]:
    account = account_directory(user)
    hints = _hints_if_held(filesystem, account)
    if hints is not None:
        yield _line(filesystem, user, _ACCOUNT, hints)
    names: dict[str, str] | None = None
    mailboxes = mailboxes_directory(user)
    for mailbox_id in _names(filesystem, mailboxes):
        hints = _hints_if_held(filesystem, f"{mailboxes}/{mailbox_id}")
        if hints is not None:
            names = names or _mailbox_names(filesystem, account)
            mailbox = names.get(mailbox_id, mailbox_id)
            yield _line(filesystem, user, mailbox, hints)


def _names(filesystem: FileSystem, directory: str) -> list[str]:
    try:
        return filesystem.list_directory(directory)
    except FileNotFoundError:  # an account that is being made
        return []


def _hints_if_held(filesystem: FileSystem, directory: str) -> LockHints | None:
    """Return what stands in a lock file whose lock is held."""
    try:
        fd = filesystem.open(f"{directory}/lock", Mode.READ)
    except (FileNotFoundError, NotADirectoryError):
        return None  # it is being made, was removed just now, or is no mailbox
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
    except (OSError, LogBroken, MailboxDamaged):
        return {}
    return {each.mailbox_id.hex(): name for name, each in state.names.items()}


def _printable(text: str) -> str:
    """Return ``text`` so that it can not do anything to a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
