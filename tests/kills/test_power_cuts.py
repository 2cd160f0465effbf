"""Power cuts on real file systems: a loop device whose journal is not flushed.

The kernel's ioctl for it ends a file system as a power loss would, and what was
not synced is gone; then it is mounted again, and replays its journal.
"""

import fcntl
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imapbox.index.checked_log import Severity
from tests.kills.books import Books, faults, what_is_there
from tests.kills.mother import Plan, kill, mother

# ioctl_xfs_goingdown(2): _IOR('X', 125, __u32); ext4 has the same one.
GOING_DOWN = 0x8004587D
NO_LOG_FLUSH = 2
SIZE = 400 * 1024 * 1024  # mkfs.xfs makes no smaller one
MANY = 60  # lines that somebody says at most
# What whoever does it next begins anew: to give rights for the first time, to rotate.
BEGUN = {"this account was never made to the end", "a segment that was never begun"}


class Disk:
    """A file system of its own, in an image.

    Args:
        kind: ext4 or xfs.
        directory: Where the image lies, and where it is mounted.
    """

    def __init__(self, kind: str, directory: Path) -> None:
        self.image = directory / "image"
        self.mounted = directory / "mounted"
        self.mounted.mkdir()
        self.image.touch()
        os.truncate(self.image, SIZE)
        quiet = {"ext4": ["-q", "-F"], "xfs": ["-q", "-f"]}[kind]
        run(f"mkfs.{kind}", *quiet, str(self.image))

    @contextmanager
    def mount(self) -> Iterator[Path]:
        """Mount it for as long as the block takes."""
        run("mount", "-o", "loop", str(self.image), str(self.mounted))
        try:
            yield self.mounted
        except BaseException:
            run("umount", "--lazy", str(self.mounted))  # what failed may hold it
            raise
        run("umount", str(self.mounted))

    def cut_power(self) -> None:
        """Lose what is not on the disk."""
        fd = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, GOING_DOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)


def run(*command: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(params=["ext4", "xfs"])
def disk(request: pytest.FixtureRequest, on_disk: Path) -> Disk:
    """Return a disk on which nothing is, where this machine can have one."""
    kind: str = request.param
    program = shutil.which(f"mkfs.{kind}", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.geteuid() or program is None:
        pytest.skip(f"NO POWER CUTS on {kind}: they need root and mkfs.{kind}")
    disk = Disk(kind, on_disk)
    try:
        with disk.mount():
            pass
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NO POWER CUTS on {kind}: it can't be mounted: {error.stderr!r}")
    return disk


@pytest.mark.slow
async def test_a_power_cut_loses_nothing_that_was_answered(
    disk: Disk, effort: int, seed: int, tell: Callable[[object], None]
) -> None:
    """Whenever the power goes, what was answered before is on the disk, whole."""
    chance = random.Random(seed)
    is_slow = disk.image.read_bytes()[:4] == b"XFSB"
    cuts = (20 if is_slow else 50) if effort >= 20 else effort * (1 if is_slow else 3)
    answered = 0

    def end(pid: int) -> None:
        disk.cut_power()
        kill(pid)

    for number in range(cuts):
        books = Books()
        with disk.mount() as mounted:
            root = mounted / "store"
            root.mkdir()
            with mother(root, books) as process:
                process.give_life(Plan("0.0", chance.getrandbits(32)))
                patience = chance.randrange(1, MANY)
                plan = Plan("0.1", chance.getrandbits(32), None, patience)
                process.give_life(plan, end, trusts=False)
        with disk.mount() as mounted:
            books.compare(await what_is_there(mounted, books.facts.families))
            wrong = [
                each
                for each in faults(mounted / "store")
                if each.severity is not Severity.NOTE or each.sentence not in BEGUN
            ]
            assert wrong == []
            shutil.rmtree(mounted / "store")
        answered += len(books.has)
        assert answered > number
    tell(f"{cuts} power cuts, {answered} answered before")
