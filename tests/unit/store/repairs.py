"""What the tests of `imapbox repair` do to a store, and ask of it."""

from typing import Any

from imapbox.disk.filesystem import Mode
from imapbox.index.frame import FRAME_HEADER_SIZE
from imapbox.index.repair import State
from tests.simulation.disk import SimulatedDisk
from tests.simulation.mailbox import Account
from tests.simulation.repairing import (
    flip,
    frames_of,
    mailbox_with,
    repair,
    segments,
    worst,
)


def log_of(account: Account, number: int = 1) -> str:
    """Return the path of a segment."""
    return f"{account.directory}/log.{number}"


def lost_found(disk: SimulatedDisk) -> list[bytes]:
    """Return what is kept."""
    return [
        content
        for path, content in disk.tree().items()
        if path.startswith("lost+found/") and content is not None
    ]


def mended(disk: SimulatedDisk, directory: str, **options: Any) -> str:
    """Mend, see that it is sound then, and return what was said."""
    before = {path: data for path, data in disk.tree().items() if "/lock" not in path}
    dry = repair(disk, 101, apply=False, **options)
    now = {path: data for path, data in disk.tree().items() if "/lock" not in path}
    assert now == before, "a dry run changed something"
    said = repair(disk, 102, **options)
    assert [each[:2] for each in said] == [each[:2] for each in dry]
    assert all(each.state is State.TODO for each in dry)
    assert all(each.state is State.DONE for each in said)
    assert not worst(disk, 103, directory)
    assert not repair(disk, 104, **options), "a second run has something to do"
    return " ".join(each.sentence for each in said)


def tear_operations(disk: SimulatedDisk, account: Account, number: int) -> None:
    """Flip more than one octet of a frame's operations."""
    frame = frames_of(disk, account.directory)[number]
    for at in (20, 21, 40):
        flip(disk, log_of(account), frame.start + FRAME_HEADER_SIZE + at)


def make(disk: SimulatedDisk, path: str, content: bytes) -> None:
    """Make a file."""
    process = disk.process(92)
    fd = process.open(path, Mode.CREATE)
    process.pwrite(fd, content, 0)
    process.close(fd)


def rotated(count: int = 9) -> tuple[SimulatedDisk, Account]:
    """Return a mailbox of three segments or more."""
    disk, account = mailbox_with(count, segment_limit=2000)
    assert len(segments(disk, account.directory)) >= 3
    return disk, account
