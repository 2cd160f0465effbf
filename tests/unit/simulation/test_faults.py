"""The real disk, failing on cue."""

import errno
import threading
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from tests.simulation.faults import FaultyFileSystem


@pytest.fixture
def disk(tmp_path: Path) -> FaultyFileSystem:
    return FaultyFileSystem(DiskFileSystem(str(tmp_path)))


def test_the_named_call_fails_and_no_other(disk: FaultyFileSystem) -> None:
    """The second write fails, with nothing written; the others do not."""
    fd = disk.open("file", Mode.CREATE)
    disk.fail("pwrite", errno.ENOSPC, number=2)
    disk.pwrite(fd, b"one", 0)
    with pytest.raises(OSError, match="No space left"):
        disk.pwrite(fd, b"two", 3)
    disk.pwrite(fd, b"six", 3)
    assert disk.pread(fd, 9, 0) == b"onesix"
    disk.close(fd)


def test_a_sync_takes_its_time_and_can_be_released(disk: FaultyFileSystem) -> None:
    """A slow sync holds its thread until time is up or it is released."""
    fd = disk.open("file", Mode.CREATE)
    disk.sync_seconds = 60
    thread = threading.Thread(target=disk.fdatasync, args=(fd,))
    thread.start()
    assert disk.syncing.wait(10)
    assert thread.is_alive()
    disk.release()
    thread.join(10)
    assert not thread.is_alive()
    assert disk.counts["fdatasync"] == 1
    disk.close(fd)
