"""What commands do where the owner of a store may not use all that lies in it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from tests.support.command import IMAPBOX, run
from tests.support.inbox import inbox_of

NOBODY = 65534


@pytest.fixture
def store(
    store_of_two: Path, open_directory: Path, require_root: Callable[[], None]
) -> Path:
    """A store like it, which is nobody's."""
    require_root()
    open_directory.chmod(0o755)
    store = shutil.copytree(store_of_two, open_directory / "store")
    for path in (store, *store.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    return store


def deny(path: Path) -> None:
    """Let a path be root's alone."""
    os.chown(path, 0, 0)
    path.chmod(0o700 if path.is_dir() else 0o600)


def home(store: Path, user: str) -> Path:
    """Return a user's directory."""
    (found,) = store.glob(f"users/*/{user}")
    return found


def check(store: Path) -> str:
    """Return what it comes to."""
    checked = CliRunner().invoke(main, ["check", "--store", str(store)])
    return checked.output.splitlines()[-1]


@pytest.mark.parametrize("what", ["ana/account/log.1", ""])
def test_who_can_not_be_read_is_left_out(store: Path, what: str) -> None:
    """He is named, and the file, and why; with others all is done: status 1."""
    path = home(store, "ana").parent / what
    deny(path)
    name = path.relative_to(store)
    who = "ana" if what else str(name)
    copy = store.parent / "copy"
    for command, arguments, how, others in (
        ("snapshot", [str(copy)], "is left out: ", f"{copy}: 1 users, 6 mailboxes"),
        ("compact", ["--verbose"], ": left as it is: ", "bob Sent: "),
        ("restored", [], ": left as it is: ", "new UIDVALIDITY for 6 mailboxes"),
    ):
        status, said = run(command, store, *arguments)
        assert f"{who}{' ' if how[0] == 'i' else ''}{how}{name}" in said
        assert f": Permission denied (uid {NOBODY}).\n" in said
        assert others in said
        assert (status, said.count("\nError")) == (1, 0)
    assert check(copy).startswith("sound: 1 users, 6 mailboxes, ")


def test_a_mailbox_that_can_not_be_read_is_named(store: Path) -> None:
    """Others of its owner are compacted and renewed, and copied."""
    inbox = inbox_of(home(store, "ana"))
    deny(inbox / "log.1")
    why = f"{inbox.relative_to(store)}/log.1: Permission denied (uid {NOBODY}).\n"
    status, said = run("compact", store, "--verbose")
    assert f"ana INBOX: left as it is: {why}" in said
    assert "ana Sent: " in said
    assert status == 1
    status, said = run("restored", store)
    assert said.startswith(f"ana INBOX: left as it is: {why}")
    assert "2 users: new UIDVALIDITY for 11 mailboxes\n" in said
    assert status == 1
    copy = store.parent / "copy"
    status, said = run("snapshot", store, str(copy))
    where = inbox.relative_to(store)
    assert said.startswith(f"ana: {where} is left out: {why}{copy}: 2 users, 11 mail")
    assert status == 1
    assert len(list((copy / where.parent).iterdir())) == 5
    assert not (copy / where).exists()


@pytest.mark.parametrize("command", ["compact ana", "log ana", "quota ana"])
def test_an_account_that_can_not_be_read(store: Path, command: str) -> None:
    """Who asks for it is told the file and why; to try again is no help: status 2."""
    log = home(store, "ana") / "account" / "log.1"
    deny(log)
    name, *arguments = command.split()
    where = f"the mail store at {store} as uid {NOBODY}: {log.relative_to(store)}"
    said = f"Error: Can not use {where}: Permission denied.\n"
    assert run(name, store, *arguments) == (2, said)


@pytest.mark.parametrize("command", ["compact", "restored", "snapshot"])
def test_nobody_can_be_found(store: Path, command: str) -> None:
    """Where not even users can be looked for, nothing is begun: status 2."""
    deny(store / "users")
    copy = [str(store.parent / "copy")] if command == "snapshot" else []
    status, said = run(command, store, *copy)
    assert "users can not be read: Permission denied" in said
    assert (status, "Traceback" in said) == (2, False)
    assert not (store / "restoring").exists()
    assert list(store.parent.glob("copy/*")) == []


@pytest.mark.parametrize("path", ["account/lock", "mailboxes"])
def test_locks_of_others_are_shown(store: Path, path: str) -> None:
    """Whose can't be looked at is said beside the table: status 1."""
    deny(home(store, "ana") / path)
    filesystem = DiskFileSystem(str(store))
    lock = inbox_of(home(store, "bob")).relative_to(store) / "lock"
    assert filesystem.try_lock(filesystem.open(str(lock), Mode.WRITE))
    became = ("--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
    done = subprocess.run(
        ["setpriv", *became, IMAPBOX, "locks", "--store", store],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    title, held = done.stdout.splitlines()
    assert title.split()[:2] == ["USER", "MAILBOX"]
    assert held.split()[:2] == ["bob", "INBOX"]
    assert done.stderr.startswith("ana: not looked at: users/")
    assert done.stderr.endswith(": Permission denied.\n")
    assert done.returncode == 1
