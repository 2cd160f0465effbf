"""`imapbox repair`: what has no place among a log's files goes to lost+found."""

import pytest

from imapbox.index.snapshot import HEADER_SIZE, SnapshotHeader
from tests.simulation.disk import run
from tests.simulation.mailbox import Session
from tests.simulation.repairing import flip, look, mailbox_with
from tests.unit.store.test_repair import lost_found, make, mended, tear_operations

COUNT = 6


def test_a_spoilt_snapshot_is_kept() -> None:
    """Nobody takes one behind a repair and finds out too late; it is in lost+found."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    process = disk.process(93)
    session = Session(account)
    run(session.open(), process)
    run(session.save(), process)
    (path,) = (path for path in disk.names if "/snap." in path)
    header = SnapshotHeader.decode(disk.content(path)[:HEADER_SIZE])
    assert header is not None
    dates = next(part for part in header.parts() if part.name == "date")
    flip(disk, path, dates.offset)
    spoilt = disk.content(path)
    assert "moved to lost+found" in mended(disk, account.directory)
    assert spoilt in lost_found(disk)
    assert look(disk, 91).messages == before.messages


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


def test_a_spoilt_snapshot_of_a_broken_log() -> None:
    """What snapshots there were of a log goes with it."""
    disk, account = mailbox_with(COUNT)
    process = disk.process(93)
    session = Session(account)
    run(session.open(), process)
    run(session.save(), process)
    (path,) = (path for path in disk.names if "/snap." in path)
    snapshot = disk.content(path)
    tear_operations(disk, account, 3)
    mended(disk, account.directory)
    assert path not in disk.names
    assert snapshot in lost_found(disk)


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
