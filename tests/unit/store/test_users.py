"""Who is found where there is more in a store than users' mail."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.index.settings import Settings
from imapbox.model.names import UserName
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.layout import (
    USERS,
    account_directory,
    user_directory,
    user_shard,
)
from imapbox.store.users import Found, users_with_account, users_with_directory
from tests.support.newer_format import of_newer_version

ANA, BOB, CAROL = (UserName(name) for name in ("ana", "bob", "carol"))
KINDS = {
    "file": lambda path: path.write_bytes(b"a desktop's"),
    "directory": Path.mkdir,
    "link to a directory": lambda path: path.symlink_to("."),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "FIFO": os.mkfifo,
}


class Refusing(DiskFileSystem):
    """A file system that refuses all that a path's name begins.

    Attributes:
        below: The path.
        error: Why.
    """

    below = "nowhere"
    error = errno.EACCES

    def _beneath(self, path: str) -> tuple[int, str]:
        if path.startswith(self.below):
            raise OSError(self.error, os.strerror(self.error), path)
        return super()._beneath(path)


@pytest.fixture
def filesystem(tmp_path: Path) -> Refusing:
    """A store in which Ana and Bob have accounts."""
    filesystem = Refusing(str(tmp_path))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid)
    perform(prepare_store(), filesystem)
    for user in (ANA, BOB):
        perform(create_account(user, settings, {}), filesystem)
    return filesystem


def walks(filesystem: DiskFileSystem) -> list[Found]:
    """Return who is found by either walk."""
    both = (users_with_account(), users_with_directory())
    return [perform(walk, filesystem) for walk in both]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_users_is_passed_over(filesystem: Refusing, kind: str) -> None:
    """Whatever kind of file it is, and wherever it lies above users' mail."""
    put: Callable[[Path], None] = KINDS[kind]
    users = Path(filesystem.root) / USERS
    (users / "cd").mkdir(exist_ok=True)
    elsewhere = "cd/carol"  # where no mail of hers would be
    assert f"{USERS}/{elsewhere}" != user_directory(CAROL)
    strange = [".DS_Store", "lost+found", "cd/%ff", "cd/\udcff", "cd/%41", elsewhere]
    for name in strange:
        put(users / name)
    for found in walks(filesystem):
        assert (sorted(found.users), found.closed) == ([ANA, BOB], {})


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"directory"}))
@pytest.mark.parametrize("path", [user_shard(CAROL), user_directory(CAROL)])
def test_what_could_be_users(filesystem: Refusing, kind: str, path: str) -> None:
    """A link or a file in the place of a directory of theirs is told of."""
    where = Path(filesystem.root) / path
    where.parent.mkdir(exist_ok=True)
    KINDS[kind](where)
    for users, closed in walks(filesystem):
        assert sorted(users) == [ANA, BOB]
        assert {name: type(error) for name, error in closed.items()} == {
            path: NotADirectoryError
        }


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
def test_where_nobody_can_look(filesystem: Refusing, error: int) -> None:
    """A shard that can't be looked into is told of, and others' users are found."""
    filesystem.below, filesystem.error = user_shard(ANA), error
    for users, closed in walks(filesystem):
        assert users == [BOB]
        assert [(path, why.errno) for path, why in closed.items()] == [
            (user_shard(ANA), error)
        ]


def test_of_whom_nobody_can_tell(filesystem: Refusing) -> None:
    """Who can't be looked at counts, so that whoever goes on with him says why."""
    filesystem.below = user_directory(ANA)
    for found in walks(filesystem):
        assert (sorted(found.users), found.closed) == ([ANA, BOB], {})


def test_whose_account_a_newer_imapbox_wrote(filesystem: Refusing) -> None:
    """He is a user, and in nobody's way; once the file system is gone, that is said."""
    of_newer_version(Path(filesystem.root) / account_directory(ANA) / "log.1")
    for found in walks(filesystem):
        assert (sorted(found.users), found.closed) == ([ANA, BOB], {})
    filesystem.below, filesystem.error = user_directory(BOB), errno.ESTALE
    with pytest.raises(OSError, match="Stale"):
        perform(users_with_account(), filesystem)


@pytest.mark.parametrize("below", [user_shard(ANA), user_directory(ANA), USERS])
def test_a_file_system_that_is_gone(filesystem: Refusing, below: str) -> None:
    """What is said of all of it is said once, and of nobody."""
    filesystem.below, filesystem.error = below, errno.ENOTCONN
    for walk in (users_with_account(), users_with_directory()):
        with pytest.raises(OSError, match="not connected"):
            perform(walk, filesystem)
