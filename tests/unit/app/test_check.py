"""`imapbox check`, on a real disk."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.index.damage import mark_damaged
from imapbox.index.settings import Settings
from imapbox.model.names import UserName
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.layout import account_directory
from tests.support.inbox import inbox_of
from tests.support.newer_format import of_newer_version

ANA = UserName("ana@example.org")
BOB = UserName("bob@example.org")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an account."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    filesystem = DiskFileSystem(str(store))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid, 1.0)
    perform(prepare_store(), filesystem)
    perform(create_account(ANA, settings), filesystem)
    return store


def check(store: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["check", "--store", str(store), *arguments])


def home(store: Path) -> Path:
    """Return the directory of the only user."""
    (user,) = store.glob("users/*/*")
    return user


def test_a_sound_store_is_sound(store: Path) -> None:
    """One line says what was looked at."""
    done = check(store)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("sound: 1 users, 6 mailboxes, ")
    assert check(store, "Ana@example.org").exit_code == 0


def test_a_mark_is_damage(store: Path) -> None:
    """The finding is a line with path and sentence, and the status is 1."""
    inbox = inbox_of(home(store))
    path = str(inbox.relative_to(store))
    perform(mark_damaged(path, "the disk\nburns"), DiskFileSystem(str(store)))
    done = check(store)
    assert done.exit_code == 1
    line, last = done.output.splitlines()
    assert line == f"damage: {path}/damaged: it was marked damaged: the disk?burns"
    assert last.startswith("damaged: ")


def test_json_says_the_same(store: Path) -> None:
    """One object: the store, the findings, what was looked at, the result."""
    inbox = inbox_of(home(store))
    (inbox / "notes.txt").touch(mode=0o600)
    (inbox / "head").write_bytes(b"torn")
    done = check(store, "--json")
    report = json.loads(done.output)
    assert report["store"] == str(store)
    assert report["result"] == "sound"
    assert [each["severity"] for each in report["findings"]] == ["note", "note"]
    assert report["findings"][0]["path"].endswith("/notes.txt")
    assert report["checked"]["mailboxes"] == 6
    empty = json.loads(check(store, "--json", "ana@example.org").output)
    assert set(empty) == {"store", "findings", "checked", "result"}


@pytest.mark.parametrize("name", ["", "account", "mailboxes", "account/log.1"])
def test_what_is_open_to_others_is_found(store: Path, name: str) -> None:
    """Files and directories that others may read are no sound store."""
    path = home(store) / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    done = check(store)
    assert done.exit_code == 1
    assert "it is open to other users" in done.output
    path.chmod(0o700 if path.is_dir() else 0o600)
    assert check(store).exit_code == 0


def test_a_link_is_no_file(store: Path) -> None:
    """A log that was put elsewhere, and a link in its place, is found."""
    log = inbox_of(home(store)) / "log.1"
    log.rename(store / "elsewhere")
    log.symlink_to(store / "elsewhere")
    done = check(store)
    assert done.exit_code == 1
    assert "log.1: this is no file" in done.output


def test_account_and_mailboxes_must_fit(store: Path) -> None:
    """A mailbox that is not there is damage; one that nobody knows is a note."""
    inbox = inbox_of(home(store))
    other = inbox.with_name("f" * 32)
    shutil.copytree(inbox, other)
    done = check(store)
    assert (done.exit_code, "no account has this mailbox" in done.output) == (0, True)
    shutil.rmtree(inbox)
    done = check(store)
    assert done.exit_code == 1
    assert "this is 'INBOX', and it is not there" in done.output
    other.rename(inbox)
    assert check(store).exit_code == 0
    archive = next(
        each for each in (home(store) / "mailboxes").iterdir() if each != inbox
    )
    shutil.rmtree(archive)
    shutil.copytree(inbox, archive)
    assert "another mailbox's log is in it" in check(store).output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_can_not_be_read_can_not_be_told(store: Path) -> None:
    """Then the status is 2."""
    (inbox_of(home(store)) / "log.1").chmod(0)
    done = check(store)
    assert done.exit_code == 2
    assert "it can not be read to its end: Permission denied" in done.output


@pytest.mark.parametrize("arguments", [["/nowhere"], ["..", "x", "\0"]])
def test_there_must_be_a_store(arguments: list[str]) -> None:
    """Wrong use can't tell anything either."""
    done = CliRunner().invoke(main, ["check", "--store", *arguments])
    assert done.exit_code == 2


def test_a_user_who_is_not_there(store: Path) -> None:
    """Of an account that was never made nothing can be told."""
    done = check(store, "bob")
    assert done.exit_code == 2
    assert "there is no account of this name" in done.output


def test_the_store_file_is_checked(store: Path) -> None:
    """Each flipped byte of it is found."""
    path = store / "imapbox-store"
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        path.write_bytes(bytes(damaged))
        assert check(store).exit_code == 1, at
    path.write_bytes(b"")
    assert check(store).exit_code == 1


def test_an_account_that_was_never_finished_is_a_note(store: Path) -> None:
    """A crash while it was made leaves nothing that is damaged."""
    account = home(store) / "account"
    (account / "head").unlink()
    (account / "log.1").write_bytes(b"")
    done = check(store)
    assert done.exit_code == 0
    assert "never made to the end" in done.output


def test_an_account_of_a_newer_imapbox(store: Path) -> None:
    """What it holds can't be told, and no more is said of it; others are looked at."""
    before = check(store).output
    filesystem = DiskFileSystem(str(store))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid, 1.0)
    perform(create_account(BOB, settings), filesystem)
    log = account_directory(BOB)
    of_newer_version(store / log / "log.1")
    done = check(store)
    why, _, counted = done.output.partition("\n")
    assert why.startswith(f"unknown: {log}: The mail store is of a format")
    assert why.endswith("it was written by a newer imapbox")
    assert counted == before.replace("sound: 1 users", "could not tell: 2 users")
    assert done.exit_code == 2


def test_a_directory_of_users_that_can_not_be_read(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and all others are looked at."""
    closed = store / "users" / "00"
    closed.mkdir(mode=0o700, exist_ok=True)
    list_directory = DiskFileSystem.list_directory

    def fail(self: DiskFileSystem, path: str) -> list[str]:
        if path == "users/00":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return list_directory(self, path)

    monkeypatch.setattr(DiskFileSystem, "list_directory", fail)
    done = check(store)
    said = "unknown: users/00: it can not be read: Permission denied\n"
    assert done.output.startswith(said)
    assert "could not tell: 1 users, " in done.output
    assert done.exit_code == 2
    closed.rmdir()
    closed.touch(mode=0o600)
    done = check(store)
    assert done.output.startswith("damage: users/00: this is no directory\ndamaged: 1 ")
