"""`imapbox repair`: what has no place among a log's files goes to lost+found."""

import errno

import pytest

from imapbox.disk.filesystem import Status
from imapbox.index.damage import mark_damaged
from imapbox.index.repair import Job
from imapbox.store.repair import mend_user
from tests.simulation.disk import OWNER, SimulatedFileSystem, run
from tests.simulation.fault import Fault
from tests.simulation.mailbox import ACCOUNT, ALICE, settings_of
from tests.simulation.repairing import lose, mailbox_with, repair
from tests.unit.store.repairs import log_of, lost_found, make, mended, tear_operations

COUNT = 6


@pytest.mark.parametrize("broken", [False, True])
def test_strange_files_are_kept(*, broken: bool) -> None:
    """A file that is none of ours goes to lost+found, be the log sound or broken."""
    disk, account = mailbox_with(COUNT)
    if broken:
        tear_operations(disk, account, 3)
    make(disk, f"{account.directory}/core", b"a program died here")
    mended(disk, account.directory)
    assert f"{account.directory}/core" not in disk.names
    assert b"a program died here" in lost_found(disk)


def test_strange_directories_are_kept() -> None:
    """So does a directory, with all that is in it."""
    disk, account = mailbox_with(COUNT)
    odd = f"{account.directory}/new"
    process = disk.process(93)
    for path in (odd, f"{odd}/cur", f"{odd}/none"):
        process.make_directory(path)
    make(disk, f"{odd}/1.eml", b"mail of another server")
    make(disk, f"{odd}/cur/2.eml", b"more of it")
    mended(disk, account.directory)
    assert not [path for path in disk.names if path.startswith(odd)]
    kept = f"lost+found/{odd}"
    assert disk.content(f"{kept}/1.eml.1") == b"mail of another server"
    assert disk.content(f"{kept}/cur/2.eml.1") == b"more of it"
    assert f"{kept}/none" in disk.names


class MountPoint(SimulatedFileSystem):
    """Sees a lost+found of root's in the store."""

    def status(self, path: str) -> Status:
        found = super().status(path)
        return found._replace(owner=0) if path == "lost+found" else found


def test_a_store_that_is_the_root_of_a_file_system() -> None:
    """Where lost+found is root's, all is kept beside it, and that is said."""
    disk, account = mailbox_with(COUNT)
    tear_operations(disk, account, 1)
    disk.process(90).make_directory("lost+found")
    odd = f"{account.directory}/core"
    make(disk, odd, b"a program died here")
    broken = disk.content(log_of(account))
    job = Job(settings_of(disk.process(80)), apply=True)
    run(mend_user(ALICE, job, OWNER), MountPoint(disk, 80))
    place = "lost+found.imapbox"
    moved, anew = (each.sentence for each in job.mended)
    assert moved == f"it is moved to {place}"
    assert anew.endswith(f"; what was there is kept in {place}")
    assert disk.content(f"{place}/{odd}.1") == b"a program died here"
    assert disk.content(f"{place}/{log_of(account)}.1") == broken
    assert not [path for path in disk.names if path.startswith("lost+found/")]


def test_what_can_not_be_read_is_left() -> None:
    """A log that can't be looked at to its end keeps its mark, and all its files."""
    disk, account = mailbox_with(COUNT, segment_limit=300)
    lose(disk, log_of(account, 2))
    process = disk.process(93)
    run(mark_damaged(account.directory, "a sync failed"), process)
    disk.kill(93)
    secret = f"{account.directory}/log.99"
    make(disk, secret, b"nobody may read it")
    before = disk.tree()
    opens = frozenset({"open"})
    disk.faults = (
        Fault(opens, 1, errno.EACCES, stays=True, where=lambda path: path == secret),
    )
    said = repair(disk, 102)
    assert [each.sentence for each in said if each.left] == [
        "it can not be read to its end: Permission denied"
    ]
    after = disk.tree()
    assert {path for path in before if before[path] != after.get(path)} <= {
        f"{directory}/lock" for directory in (account.directory, ACCOUNT)
    }
