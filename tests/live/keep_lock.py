"""Takes a lock, says so, and keeps it until it is told to end.

``python tests/live/keep_lock.py ROOT PATH`` prints a line once it holds the lock;
a line on its input ends it.
"""

import sys

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import Call, Steps, perform
from imapbox.locks.acquire import Identity, locked


class Keeper(DiskFileSystem):
    """The product's file system, and a way to stay."""

    def stay(self) -> None:
        """Say that the lock is held, and wait to be told."""
        print("held", flush=True)  # noqa: T201 - this is a program
        sys.stdin.readline()


def stay() -> Steps[None]:
    """Be the section that the lock protects."""
    yield Call("stay", ())


if __name__ == "__main__":
    root, path = sys.argv[1:]
    keeper = Keeper(root)
    identity = Identity(keeper.node, keeper.pid, "keep")
    perform(locked([path], identity, keeper.monotonic() + 30, stay), keeper)
