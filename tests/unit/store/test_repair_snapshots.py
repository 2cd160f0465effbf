"""`imapbox repair`: what a snapshot knows, and one that is spoilt."""

from contextlib import suppress
from functools import partial
from typing import Any, Final

import pytest

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.mailbox import Account, Session
from tests.simulation.repairing import (
    ROTATED,
    deliver_more,
    frames_of,
    look,
    lose,
    mailbox_with,
    mends,
    put,
    segments,
    spoil,
    worst,
)
from tests.support.written_again import write_again
from tests.unit.store.repairs import log_of, lost_found, mended, tear_operations

COUNT: Final = 6


def save(disk: SimulatedDisk, account: Account, *, writes_again: bool = False) -> None:
    """Make a snapshot, of messages that perhaps were written again before."""
    process = disk.process(93)
    session = Session(account)
    run(session.open(), process)
    if writes_again:
        rows = [int(row) for row in session.state.columns.alive_rows()]
        directory, settings = account.directory, account.settings
        run(write_again(directory, session.state, settings, rows), process)
        run(session.sync(), process)
    run(session.save(), process)
    disk.kill(93)


def snapshot_in(disk: SimulatedDisk) -> str:
    """Return the path of the only snapshot."""
    (path,) = (path for path in disk.names if "/snap." in path)
    return path


def test_a_snapshot_knows_better() -> None:
    """What is broken before the newest snapshot loses nothing of the index."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    save(disk, account)
    tear_operations(disk, account, 1)
    tear_operations(disk, account, 3)
    mended(disk, account.directory)
    assert look(disk, 91).messages == before.messages


def test_octets_that_were_written_twice() -> None:
    """A message whose octets are gone is taken from where it lay before."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    save(disk, account, writes_again=True)
    newest = frames_of(disk, account.directory)[-1]
    path = log_of(account)
    assert newest.payload_size > 0
    put(disk, path, disk.content(path)[: newest.payload_start - 1])
    mended(disk, account.directory)
    assert look(disk, 91).messages == before.messages


def test_a_segment_of_which_no_frame_is_left() -> None:
    """Where messages lie in it a snapshot knows, and a SWITCH whose it is."""
    disk, account = mailbox_with(COUNT, segment_limit=ROTATED)
    deliver_more(disk, account, range(COUNT + 1, COUNT + 2))
    before = look(disk, 90)
    save(disk, account)
    last = segments(disk, account.directory)[-1]
    (frame,) = frames_of(disk, account.directory, last)[1:]
    path = log_of(account, last)
    content = disk.content(path)
    put(disk, path, bytes(frame.payload_start) + content[frame.payload_start :])
    mended(disk, account.directory)
    assert look(disk, 91).messages == before.messages


@pytest.mark.parametrize("with_head", [True, False])
def test_a_spoilt_snapshot_is_kept(*, with_head: bool) -> None:
    """Nobody takes one behind a repair and finds out too late; it is in lost+found."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    save(disk, account)
    path = snapshot_in(disk)
    spoil(disk, path)
    spoilt = disk.content(path)
    if not with_head:
        lose(disk, f"{account.directory}/head")
    assert "moved to lost+found" in mended(disk, account.directory)
    assert spoilt in lost_found(disk)
    assert look(disk, 91).messages == before.messages


def test_a_spoilt_snapshot_of_a_broken_log() -> None:
    """What snapshots there were of a log goes with it."""
    disk, account = mailbox_with(COUNT)
    save(disk, account)
    path = snapshot_in(disk)
    snapshot = disk.content(path)
    tear_operations(disk, account, 3)
    mended(disk, account.directory)
    assert path not in disk.names
    assert snapshot in lost_found(disk)


def test_a_spoilt_snapshot_that_goes_meanwhile() -> None:
    """A server that removes the very snapshot is in nobody's way."""
    disk, account = mailbox_with(COUNT)
    save(disk, account)
    path = snapshot_in(disk)
    spoil(disk, path)

    def check(disk: SimulatedDisk, _: list[Any]) -> None:
        assert path not in disk.names
        assert not worst(disk, 103, account.directory)

    makers = [partial(mends, account), partial(removes, path)]
    Explorer(disk, makers, check).exhaust(preemptions=1)


def removes(path: str) -> Steps[None]:
    """Remove a snapshot, if it is there, as whoever writes a newer one does."""
    with suppress(FileNotFoundError):
        yield from steps.unlink(path)
