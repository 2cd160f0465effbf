"""What commands do where something else is in the place of users' mail."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import run


def run_on_all(command: str, store: Path) -> tuple[int, str]:
    """Run a command that goes over all users."""
    copy = [str(store.with_name("copy"))] if command == "snapshot" else []
    return run(command, store, *copy)


@pytest.fixture
def store(store_of_two: Path, tmp_path: Path) -> Path:
    """A store like it."""
    return shutil.copytree(store_of_two, tmp_path / "store")


def link(path: Path, store: Path) -> None:
    """Move it to another disk, and put a link in its place."""
    away = store.with_name("away")
    path.rename(away)
    path.symlink_to(away)


def a_file(path: Path, _store: Path) -> None:
    """Put a file that its owner may read in its place."""
    shutil.rmtree(path)
    path.touch(mode=0o600)


SAID = {
    "check": "damage: {}: this is no directory\n",
    "compact": "{0}: left as it is: {0}: Not a directory.\n",
    "locks": "{0}: not looked at: {0}: Not a directory.\n",
    "repair": "left: {}: this is no directory, and should be one\n",
    "restored": "{0}: left as it is: {0}: Not a directory.\n",
    "snapshot": "{0} is left out: {0}: Not a directory.\n",
}


@pytest.mark.parametrize("put", [link, a_file])
@pytest.mark.parametrize("is_shard", [True, False])
def test_mail_that_is_hidden_is_missed(
    store: Path, put: Callable[[Path, Path], None], *, is_shard: bool
) -> None:
    """What is in the place of a directory of users is named, and once: status 1."""
    (home,) = store.glob("users/*/ana")
    path = home.parent if is_shard else home
    put(path, store)
    for command, sentence in SAID.items():
        status, said = run_on_all(command, store)
        where = str(path.relative_to(store))
        assert sentence.format(where) in said, command
        assert sum(where in line for line in said.splitlines()) == 1, said
        assert status == 1, command
        assert "1 users" in said or command in {"compact", "locks"}
    assert len(list(store.glob("../copy/users/*/bob"))) == 1


@pytest.mark.parametrize("put", [link, a_file, None])
@pytest.mark.parametrize("command", sorted(SAID.keys() - {"check"}))
def test_all_mail_is_hidden_or_gone(
    store: Path, command: str, put: Callable[[Path, Path], None] | None
) -> None:
    """What is the matter with the directory of all users is said, and nothing begun."""
    users = store / "users"
    if put is None:
        shutil.rmtree(users)
    else:
        put(users, store)
    what = "is not there, with all mail; bring it back from a backup"
    if put is not None:
        what = "is no directory; move it away"
    assert run_on_all(command, store) == (2, f"Error: {users} {what}.\n")
    assert not (store / "restoring").exists()
    assert list(store.glob("../copy/*")) == []
