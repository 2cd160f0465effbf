"""What each command says where there is no store, or nobody can tell."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from twisted.internet.testing import MemoryReactor
from twisted.python.usage import UsageError

from imapbox.app.command import main
from imapbox.app.options import ServerOptions
from imapbox.app.presence import find_store
from imapbox.app.refused import Refused
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.store.format import prepare_store
from imapbox.store.layout import STORE_FILE, UNFINISHED, USERS
from imapbox.store.users import users_with_account

# Whatever else each of them needs.
COMMANDS = {
    "acl": ["ana"],
    "check": [],
    "compact": [],
    "deliver": ["ana"],
    "locks": [],
    "log": ["ana"],
    "quota": ["ana"],
    "repair": [],
    "restore": ["--from", "/", "--in-place", "ana"],
    "restored": [],
    "snapshot": ["/copy"],
    "undo": ["--to", "1", "ana"],
}


def ask(command: str, store: Path) -> tuple[int, str]:
    """Run a command; return its status and what it said, and no traceback."""
    words = [command, "--store", str(store), *COMMANDS[command]]
    done = CliRunner().invoke(main, words)
    assert isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def refusal(command: str) -> int:
    """Return the status of a command that was refused: no mail bounces."""
    return 75 if command == "deliver" else 2


def dead(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a path be a mount whose server is gone."""
    real: Callable[..., Any] = os.stat

    def stat(name: Any, *args: Any, **options: Any) -> Any:
        if isinstance(name, (str, Path)) and str(name).startswith(str(path)):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(name))
        return real(name, *args, **options)

    monkeypatch.setattr(os, "stat", stat)


def test_the_table_is_whole() -> None:
    """All commands that take a store are below, but one, which makes it."""

    def takers(group: click.Group) -> Iterator[str]:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from takers(command)
            elif any(each.name == "store" for each in command.params):
                yield name

    assert set(takers(main)) == {*COMMANDS, "add"}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_store_is_told(command: str, tmp_path: Path) -> None:
    """Where there is none, also in a directory or below a file, that is said."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("missing", "empty", "file"):
        status, said = ask(command, tmp_path / name)
        assert f"There is no mail store at {tmp_path / name}." in said
        assert status == refusal(command)
    assert not (tmp_path / "missing").exists()
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_what_can_not_be_looked_at_is_not_called_missing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead mount, a loop of links, a name that is too long: why, and status 2."""
    too_long, loop, mount = (tmp_path / name for name in ("x" * 300, "loop", "mount"))
    loop.symlink_to(loop)
    dead(mount, monkeypatch)
    for path, why in (
        (too_long, "File name too long"),
        (loop, "Too many levels of symbolic links"),
        (mount, "Transport endpoint is not connected"),
    ):
        status, said = ask(command, path)
        assert f"Can not look at {path}: {why}." in said
        assert status == refusal(command)


def test_nor_is_the_store_that_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`user add` says the same of where it can make none."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # who looks before the reactor runs
    store = tmp_path / ("x" * 300)
    done = CliRunner().invoke(main, ["user", "add", "--store", str(store), "ana"])
    assert isinstance(done.exception, SystemExit), done.exception
    assert f"Can not look at {store}: File name too long." in done.output
    assert done.exit_code == 2


def test_a_copy_that_can_not_be_looked_at(tmp_path: Path) -> None:
    """Of a copy to restore from, and of a place for one, the same is said."""
    (tmp_path / STORE_FILE).touch()
    copy = tmp_path.parent / ("x" * 300)
    store = ["--store", str(tmp_path)]
    for words, said in (
        (["restore", *store, "--from", str(copy), "--in-place", "a"], "Can not look"),
        (["snapshot", *store, str(copy)], "Can not copy to"),
    ):
        done = CliRunner().invoke(main, words)
        assert isinstance(done.exception, SystemExit), done.exception
        assert said in done.output
        assert done.exit_code == 2


def test_a_store_that_lost_its_file(tmp_path: Path) -> None:
    """Who mends stores finds one by the mail in it, all others by its file."""
    (tmp_path / USERS).mkdir()
    find_store(tmp_path, perhaps_damaged=True)
    with pytest.raises(Refused):
        find_store(tmp_path)
    (tmp_path / STORE_FILE).touch()
    find_store(tmp_path)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (errno.EIO, "Input/output error."),
        (errno.EACCES, f"Permission denied (uid {os.geteuid()})."),
    ],
)
@pytest.mark.parametrize("command", ["compact", "locks", "repair", "restored"])
def test_users_that_can_not_be_listed(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: int,
    why: str,
) -> None:
    """Nobody's mail can be looked for then; nothing is done, and the status is 2."""
    perform(prepare_store(), DiskFileSystem(str(tmp_path)))
    list_directory = DiskFileSystem.list_directory

    def fail(self: DiskFileSystem, path: str) -> list[str]:
        if path == USERS:
            raise OSError(error, os.strerror(error), path)
        return list_directory(self, path)

    def look(root: Path, _: object) -> None:
        perform(users_with_account(), DiskFileSystem(str(root)))

    monkeypatch.setattr(DiskFileSystem, "list_directory", fail)
    monkeypatch.setattr("imapbox.app.compact.on_store", look)  # without a reactor
    status, said = ask(command, tmp_path)
    assert said == f"Error: {tmp_path / USERS} can not be read: {why}\n"
    assert status == 2


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"check"}))
@pytest.mark.parametrize(
    "put", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")]
)
def test_a_copy_that_is_not_finished(
    command: str, put: Callable[[Path], None], tmp_path: Path
) -> None:
    """It is no store, not to repair either, whatever of it is there already."""
    for name in (UNFINISHED, USERS, STORE_FILE):
        path = tmp_path / name
        {UNFINISHED: put, USERS: Path.mkdir, STORE_FILE: Path.touch}[name](path)
        before = sorted(tmp_path.iterdir())
        status, said = ask(command, tmp_path)
        assert f"The copy at {tmp_path} is not finished; " in said
        assert status == refusal(command)
        assert sorted(tmp_path.iterdir()) == before


def test_a_server_says_it_of_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """twistd, too, says in a sentence what it can't look at; root may be told later."""
    dead(tmp_path / "mount", monkeypatch)

    def complaint(store: Path) -> str:
        try:
            ServerOptions(MemoryReactor()).parseOptions(
                ["--store", str(store), "--lmtp", "tcp:24"]
            )
        except UsageError as error:
            return str(error)
        return ""

    assert complaint(tmp_path / "x" / ".." / "y") == ""
    assert complaint(tmp_path / ("x" * 300)).endswith(": File name too long.")
    assert complaint(tmp_path / "mount").endswith("endpoint is not connected.")
    (tmp_path / "file").touch()
    assert complaint(tmp_path / "file").endswith("it is a file, not a directory.")

    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for user, said in ((0, ""), (1000, "can not look at it: Permission denied.")):
        with monkeypatch.context() as patch:
            patch.setattr(os, "geteuid", lambda user=user: user)
            patch.setattr(os, "stat", forbid)
            found = complaint(tmp_path)
        assert found.endswith(said)
        assert bool(found) == bool(said)
