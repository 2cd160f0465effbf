"""`imapbox repair`: what has no place among a log's files goes to lost+found."""

import errno

import pytest

from imapbox.index.damage import mark_damaged
from tests.simulation.disk import run
from tests.simulation.fault import Fault
from tests.simulation.mailbox import ACCOUNT
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
