"""What `imapbox snapshot` does where a user can not be copied."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import perform
from imapbox.disk.two_roots import TwoRoots
from imapbox.index.settings import Settings
from imapbox.model.names import UserName
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.layout import STORE_FILE, UNFINISHED, account_directory
from imapbox.store.layout import USERS as USERS_DIRECTORY
from imapbox.store.store_copy import there
from tests.support.newer_format import of_newer_version

USERS = UserName("ana"), UserName("bob")
LOG = f"{account_directory(USERS[0])}/log.1"
COPY = there(LOG)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which two users have accounts."""
    store = tmp_path / "store"
    store.mkdir()
    disk = DiskFileSystem(str(store))
    perform(prepare_store(), disk)
    for user in USERS:
        settings = Settings(disk.boot, disk.node, disk.pid)
        perform(create_account(user, settings, {}), disk)
    return store


class Failing(TwoRoots):
    """A file system on which a file can not be opened."""

    where = LOG
    error = errno.EACCES

    def open(self, path: str, mode: Mode) -> int:
        if path == self.where:
            raise OSError(self.error, os.strerror(self.error), path)
        return super().open(path, mode)


def snapshot(
    store: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: int
) -> Result:
    """Copy a store of which something fails."""
    shutil.rmtree(store.parent / "copy", ignore_errors=True)
    monkeypatch.setattr(Failing, "where", where)
    monkeypatch.setattr(Failing, "error", error)
    monkeypatch.setattr("imapbox.app.snapshot.TwoRoots", Failing)
    words = ["snapshot", "--store", str(store), str(store.parent / "copy")]
    return CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    ("error", "why"),
    [(errno.EACCES, "Permission denied (uid "), (errno.EIO, "Input/output error.")],
)
def test_who_is_left_out(
    store: Path, monkeypatch: pytest.MonkeyPatch, error: int, why: str
) -> None:
    """Nothing of him is in the copy, which is whole without him: status 1."""
    done = snapshot(store, monkeypatch, LOG, error)
    copy = store.parent / "copy"
    assert done.output.startswith(f"ana is left out: {LOG}: {why}")
    assert f"{copy}: 1 users, 1 mailboxes" in done.output
    assert done.exit_code == 1
    assert [path.name for path in copy.glob("users/*/*")] == ["bob"]
    assert not (copy / UNFINISHED).exists()


@pytest.mark.parametrize("command", ["snapshot", "restored"])
def test_whose_account_a_newer_imapbox_wrote(store: Path, command: str) -> None:
    """He is named with the reason, and all others are gone on with: status 1."""
    of_newer_version(store / LOG)
    copy = store.parent / "copy"
    where = [str(copy)] if command == "snapshot" else []
    done = CliRunner().invoke(main, [command, "--store", str(store), *where])
    how = "is left out" if where else "left as it is"
    assert done.output.startswith("ana")
    assert f"{how}: The mail store is of a format" in done.output
    assert done.output.count("1 users" if where else "for 1 mailboxes") == 1
    assert done.exit_code == 1
    assert [path.name for path in copy.glob("users/*/*")] == ["bob"] * len(where)


def test_a_store_that_can_not_be_read(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not said of the copy, which is not begun."""
    done = snapshot(store, monkeypatch, STORE_FILE, errno.EACCES)
    assert done.output == f"Error: Can not look at {store}: Permission denied.\n"
    assert done.exit_code == 2
    assert list((store.parent / "copy").iterdir()) == []


@pytest.mark.parametrize("begun", [False, True])
def test_users_that_can_not_be_listed(
    store: Path, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    """It is said of the store; where it only fails later, the copy is not finished."""
    looks = iter([begun, False])
    list_directory = TwoRoots.list_directory

    def fail(self: TwoRoots, path: str) -> list[str]:
        if path == USERS_DIRECTORY and not next(looks):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return list_directory(self, path)

    monkeypatch.setattr(TwoRoots, "list_directory", fail)
    done = snapshot(store, monkeypatch, "", 0)
    said = f"{store / USERS_DIRECTORY} can not be read: Input/output error.\n"
    assert done.output.startswith(f"{'not finished' if begun else 'Error'}: {said}")
    assert done.exit_code == 2
    assert (store.parent / "copy" / UNFINISHED).exists() == begun


@pytest.mark.parametrize(
    ("where", "error", "why"),
    [
        (LOG, errno.ESTALE, "The file system of {store} is gone for now."),
        (LOG, errno.EROFS, "Nothing can be written now on the disk of {store}."),
        (LOG, errno.ENOSPC, "There is no room for this now on the disk of {store}."),
        (COPY, errno.ESTALE, "The file system of {copy} is gone for now."),
        (COPY, errno.ENOTCONN, "The file system of {copy} is gone for now."),
        (COPY, errno.EROFS, "Nothing can be written now on the disk of {copy}."),
        (COPY, errno.ENOSPC, "There is no room for this now on the disk of {copy}."),
        (COPY, errno.EDQUOT, "There is no room for this now on the disk of {copy}."),
        (COPY, errno.EACCES, "{at}/" + LOG + ": Permission denied (uid "),
        (COPY, errno.EIO, "{at}/" + LOG + ": Input/output error."),
    ],
)
def test_what_ends_it(
    store: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: int, why: str
) -> None:
    """What concerns all who are still to be copied is said once, and of which disk."""
    done = snapshot(store, monkeypatch, where, error)
    copy = store.parent / "copy"
    names = {"store": f"the mail store at {store}", "copy": f"the copy at {copy}"}
    assert done.output.startswith(f"not finished: {why.format(**names, at=copy)}")
    assert done.exit_code == (2 if error in {errno.EACCES, errno.EIO} else 75)
    assert (copy / UNFINISHED).exists()


def test_nobody_knows_which_of_the_two_is_gone(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copying from one to the other does not say it, and both are named."""

    def gone(*_: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "copy_file_range", gone)
    done = snapshot(store, monkeypatch, "", 0)
    both = f"the mail store at {store} or of the copy at {store.parent / 'copy'}"
    said = f"not finished: The file system of {both} is gone for now.\n"
    assert done.output.startswith(said)
    assert done.exit_code == 75


@pytest.mark.parametrize("at_once", [True, False])
def test_a_copy_that_is_being_made(
    store: Path, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    """Somebody else may be at work on it, also where that began in this moment."""
    copy = store.parent / "copy"
    mark = there(UNFINISHED)
    if at_once:
        done = snapshot(store, monkeypatch, mark, errno.EEXIST)
    else:
        copy.mkdir()
        (copy / UNFINISHED).touch()
        words = ["snapshot", "--store", str(store), str(copy)]
        done = CliRunner().invoke(main, words)
    sentence = f"The copy at {copy} is not finished"
    then = "if nobody is making it, remove it and begin anew"
    assert done.output == f"Error: {sentence}; {then}.\n"
    assert done.exit_code == 2


def test_what_is_open_already(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that can't be read, or written, is named then, too."""
    head = next(store.glob("users/*/ana/mailboxes/*/head"))
    head.unlink()
    head.mkdir()
    done = snapshot(store, monkeypatch, "", 0)
    where = head.relative_to(store)
    said = f"ana: {where.parent} is left out: {where}: Is a directory.\n"
    assert said in done.output
    assert done.exit_code == 1

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", broken)
    done = snapshot(store, monkeypatch, "", 0)
    copy = store.parent / "copy"
    assert done.output == f"Error: Can not copy to {copy}: Input/output error.\n"
    assert done.exit_code == 2


def test_a_mailbox_that_a_newer_imapbox_wrote(store: Path) -> None:
    """It alone is left out where it has to be settled, and it is said why."""
    log = next(store.glob("users/*/ana/mailboxes/*/log.1"))
    of_newer_version(log)
    (log.parent / "head").unlink()
    copy = store.parent / "copy"
    words = ["snapshot", "--store", str(store), str(copy)]
    done = CliRunner().invoke(main, words)
    where = log.parent.relative_to(store)
    said = f"ana: {where} is left out: The mail store is of a format"
    assert done.output.startswith(said)
    assert f"{copy}: 2 users, 1 mailboxes" in done.output
    assert done.exit_code == 1
    assert not (copy / where).exists()


@pytest.mark.parametrize("what", ["account", "mailboxes"])
def test_what_is_not_there_is_said(store: Path, what: str) -> None:
    """It is not said of it that it was copied; what is left is, with status 1."""
    user = next(store.glob("users/*/ana"))
    log = next(user.glob("mailboxes/*/log.1"))
    if what == "account":
        with log.open("ab") as file:
            file.write(bytes(20_000))  # so that it is no account that is being made
    else:
        (user / "account" / "damaged").touch()
    shutil.rmtree(user / what)
    copy = store.parent / "copy"
    words = ["snapshot", "--store", str(store), str(copy)]
    done = CliRunner().invoke(main, words)
    where = user.relative_to(store)
    assert f"ana: not there: {where / what}\n" in done.output
    assert f"{copy}: 2 users" in done.output
    assert done.exit_code == 1
    left = "account/log.1" if what == "mailboxes" else log.relative_to(user)
    assert (copy / where / left).exists()
