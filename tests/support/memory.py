"""A directory in memory for all that tests write, where the machine has room.

A sync costs nothing there; most tests wait for syncs more than for anything else.
What is lost by it: docs/decisions/tests-on-tmpfs.md.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a directory of our own in it
ROOM: Final = 4 * 2**30
DISK: Final = "IMAPBOX_TESTS_DISK"
_PREFIX: Final = "imapbox-tests-"


@contextmanager
def directory_in_memory() -> Iterator[Path]:
    """Make a directory, and let `tempfile` use it, here and in what is started.

    Raises:
        OSError: There is no memory for it.
    """
    _remove_what_the_dead_left()
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=MEMORY))
    fd = os.open(path, os.O_RDONLY)
    before = tempfile.gettempdir()
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        path.chmod(0o711)  # Postfix and Dovecot go through it
        os.environ.setdefault(DISK, before)
        _use(path)
        yield path
    finally:
        _use(Path(before))
        shutil.rmtree(path, ignore_errors=True)
        os.close(fd)


def has_room() -> bool:
    """Say whether there is a file system in memory, and enough of it."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        facts = os.statvfs(MEMORY)
        memory = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    (available,) = (
        int(line.split()[1]) * 1024
        for line in memory.splitlines()
        if line.startswith("MemAvailable:")
    )
    return min(available, facts.f_bavail * facts.f_frsize) > ROOM and any(
        kind == "tmpfs" and Path(at) == MEMORY and "noexec" not in options.split(",")
        for _, at, kind, options, *_ in map(str.split, mounts)
    )


def _use(path: Path) -> None:
    os.environ["TMPDIR"] = str(path)
    tempfile.tempdir = str(path)


def _remove_what_the_dead_left() -> None:
    for path in MEMORY.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(fd)
