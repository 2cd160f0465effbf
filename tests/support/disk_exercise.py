"""Calls every method of a `FileSystem`, some of them in vain.

``python -m tests.support.disk_exercise STORE`` does it on a real directory.
"""

import contextlib
import sys

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import FileSystem, Mode


def exercise(filesystem: FileSystem) -> None:
    """Leave nothing untried that leaves a trace on the disk."""
    filesystem.make_directory("users")
    filesystem.make_directory("users/a")
    log = filesystem.open("users/a/log.1", Mode.CREATE)
    with contextlib.suppress(FileExistsError):
        filesystem.open("users/a/log.1", Mode.CREATE)
    with contextlib.suppress(FileNotFoundError):
        filesystem.open("users/a/absent", Mode.READ)
    filesystem.pwrite(log, b"x" * 1000, 24)
    filesystem.fdatasync(log)
    filesystem.sync_directory("users/a")
    filesystem.pread(log, 4096, 1000)
    filesystem.size(log)
    filesystem.allocated(log)
    filesystem.status("users/a/log.1")
    filesystem.pwrite(log, b"y" * 12288, 0)
    with contextlib.suppress(OSError):
        filesystem.punch(log, 4096, 8192)
    filesystem.truncate(log, 512)
    filesystem.exists("users/a/log.1")
    filesystem.exists("users/b")
    filesystem.same_file(log, "users/a/log.1")
    other = filesystem.open("users/a/log.1", Mode.WRITE)
    filesystem.try_lock(log)
    filesystem.try_lock(other)
    filesystem.is_locked(other)
    filesystem.unlock(log)
    filesystem.is_locked(other)
    filesystem.close(other)
    unnamed = filesystem.open_unnamed("users/a")
    filesystem.pwrite(unnamed, b"spooled", 0)
    filesystem.close(unnamed)
    filesystem.open(f"users/a/{32 * 'f'}", Mode.ENSURE)
    filesystem.list_directory("users")
    filesystem.close(log)
    filesystem.unlink("users/a/log.1")
    filesystem.unlink(f"users/a/{32 * 'f'}")
    with contextlib.suppress(OSError):
        filesystem.remove_directory("users")
    filesystem.remove_directory("users/a")


if __name__ == "__main__":
    exercise(DiskFileSystem(sys.argv[1]))
