"""The table of held locks."""

import errno
import math
import os
import socket
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import perform
from imapbox.index.account_operations import Delete
from imapbox.index.encoding import join_operations
from imapbox.index.head import Head
from imapbox.index.settings import Settings
from imapbox.index.settle import settle_all
from imapbox.locks.lock_file import NOTE, SLOT_SIZE, SLOTS, Note, Waiter
from imapbox.model.names import UserName
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from tests.support.inbox import inbox_of
from tests.support.newer_format import of_newer_version
from tests.unit.index.test_settle import written_by_a_bug

SINCE = 1_790_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an account whose INBOX lock is ours to hold."""
    store = tmp_path / "store"
    store.mkdir()
    filesystem = DiskFileSystem(str(store))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid, 1.0)
    perform(prepare_store(), filesystem)
    perform(create_account(UserName("ana@example.org"), settings), filesystem)
    return store


def shown(store: Path) -> list[list[str]]:
    """Return the table that is printed, in cells."""
    done = CliRunner().invoke(main, ["locks", "--store", str(store)])
    assert done.exit_code == 0, done.output
    title, *lines = done.output.splitlines()
    assert title.split() == [
        "USER",
        "MAILBOX",
        "HOST",
        "PID",
        "COMMAND",
        "SINCE",
        "WAITERS",
    ]
    starts = [*(title.index(word) for word in title.split()), None]
    return [[line[a:b].strip() for a, b in pairwise(starts)] for line in lines]


def test_who_holds_a_lock_is_shown(store: Path) -> None:
    """A held lock is a line: whose, who holds it, since when, who waits."""
    assert shown(store) == []
    (user,) = store.glob("users/*/*")
    path = inbox_of(user) / "lock"
    here = socket.gethostname()
    filesystem = DiskFileSystem(str(store))
    fd = filesystem.open(str(path.relative_to(store)), Mode.WRITE)
    assert filesystem.try_lock(fd)
    assert shown(store) == [
        ["ana@example.org", "INBOX", "?", "?", "?", "?", "0"],
    ]
    note = Note(4711, SINCE, "far.example", "deliver \x1b[2J")
    filesystem.pwrite(fd, note.encode(), NOTE)
    dead = next(
        pid for pid in range(99_999, 0, -1) if not Path(f"/proc/{pid}").exists()
    )
    for number, (pid, node) in enumerate(
        [(os.getpid(), here), (dead, here), (dead, "far.example")]
    ):
        waiter = Waiter(number, pid, SINCE, node)
        filesystem.pwrite(fd, waiter.encode(), SLOTS + number * SLOT_SIZE)
    ((user, mailbox, host, pid, command, since, waiters),) = shown(store)
    assert (user, mailbox, host, pid) == (
        "ana@example.org",
        "INBOX",
        "far.example",
        "4711",
    )
    assert command == "deliver ?[2J"
    assert since.startswith("2026-09-")
    assert waiters == "2"
    filesystem.unlock(fd)
    assert shown(store) == []


@pytest.mark.parametrize("since", [math.nan, math.inf, -1e300, 1e300])
def test_nonsense_in_a_lock_is_shown_as_unknown(store: Path, since: float) -> None:
    """Whatever a lock's file says, it is printed or a question mark is."""
    (user,) = store.glob("users/*/*")
    filesystem = DiskFileSystem(str(store))
    path = inbox_of(user) / "lock"
    fd = filesystem.open(str(path.relative_to(store)), Mode.WRITE)
    assert filesystem.try_lock(fd)
    note = Note(2**32 - 1, since, socket.gethostname(), "deliver")
    filesystem.pwrite(fd, note.encode(), NOTE)
    waiter = Waiter(0, 2**32 - 1, since, socket.gethostname())
    filesystem.pwrite(fd, waiter.encode(), SLOTS)
    ((_, _, _, pid, _, shown_since, waiters),) = shown(store)
    assert (pid, shown_since, waiters) == (str(2**32 - 1), "?", "0")


def test_an_accounts_lock_is_shown(store: Path) -> None:
    """The lock of an account belongs to no mailbox."""
    (path,) = (store / "users").glob("*/*/account/lock")
    filesystem = DiskFileSystem(str(store))
    fd = filesystem.open(str(path.relative_to(store)), Mode.WRITE)
    assert filesystem.try_lock(fd)
    assert [line[:2] for line in shown(store)] == [["ana@example.org", "-"]]


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ENOTCONN])
def test_a_lock_that_can_not_be_looked_at(
    store: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Whose it is is said beside the table, unless the whole store is gone."""
    (account,) = (store / "users").glob("*/*/account")
    path = f"{account.relative_to(store)}/lock"
    real = DiskFileSystem.open

    def fail(self: DiskFileSystem, name: str, mode: Mode) -> int:
        if name == path:
            raise OSError(error, os.strerror(error), name)
        return real(self, name, mode)

    monkeypatch.setattr(DiskFileSystem, "open", fail)
    done = CliRunner().invoke(main, ["locks", "--store", str(store)])
    why = os.strerror(error)
    if error == errno.ENOTCONN:
        assert done.stderr == f"Error: Can not look at {store}: {why}.\n"
        assert done.exit_code == 2
        return
    assert done.stderr == f"ana@example.org: not looked at: {path}: {why}.\n"
    assert done.stdout.startswith("USER ")
    assert done.exit_code == 1


def test_looking_changes_nothing(store: Path) -> None:
    """Looking at locks takes none and writes nothing."""

    def state() -> dict[Path, tuple[bytes, int]]:
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in store.rglob("*")
            if path.is_file()
        }

    before = state()
    shown(store)
    assert state() == before


def without_segment(account: Path) -> None:
    """Put zeros in the place of the log."""
    (account / "log.1").write_bytes(struct.pack("<64x"))


def without_sense(account: Path) -> None:
    """Let a bug have written a whole frame that says what can't be, and its head."""
    head = Head.decode((account / "head").read_bytes())
    assert head is not None
    nonsense = join_operations([Delete(b"x" * 16).encode()])
    frame = written_by_a_bug(head.position, head.counts, nonsense)
    log = account / "log.1"
    log.write_bytes(log.read_bytes()[: head.position.offset] + frame)
    filesystem = DiskFileSystem(str(account.parent))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid)
    perform(settle_all(account.name, settings), filesystem)


def of_another_format(account: Path) -> None:
    """Let a newer imapbox have written the segment."""
    of_newer_version(account / "log.1")


@pytest.mark.parametrize("harm", [without_segment, without_sense, of_another_format])
def test_an_unreadable_account_has_mailboxes_without_names(
    store: Path, harm: Callable[[Path], None]
) -> None:
    """Where the account can't be read, a mailbox is named by its id."""
    (user,) = store.glob("users/*/*")
    path = inbox_of(user) / "lock"
    harm(user / "account")
    filesystem = DiskFileSystem(str(store))
    fd = filesystem.open(str(path.relative_to(store)), Mode.WRITE)
    assert filesystem.try_lock(fd)
    assert [line[:2] for line in shown(store)] == [
        ["ana@example.org", path.parent.name]
    ]
