"""The threads of a process: some that sync, and some that only read.

They are kept apart so that a disk whose syncs take seconds holds up nobody who
wants to read.
"""

from typing import Any, Final

from imapbox.disk.driver import Driver
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.watch import Watch

_WRITERS: Final = 16
_READERS: Final = 8


class Drivers:
    """What runs disk protocols.

    Attributes:
        filesystem: What they call.
        watch: Tells of writes.
        write: For what may sync or wait for a lock.
        read: For what only reads.
    """

    def __init__(self, filesystem: FileSystem, watch: Watch, reactor: Any) -> None:
        self.filesystem = filesystem
        self.watch = watch
        self.reactor = reactor
        self.write = Driver(filesystem, watch, reactor, threads=_WRITERS)
        self.read = Driver(filesystem, watch, reactor, threads=_READERS)

    def start(self) -> None:
        """Begin to run what they are given."""
        self.write.start()
        self.read.start()

    async def stop(self) -> None:
        """Let what runs end, then give everything back."""
        await self.write.stop()
        await self.read.stop()
        self.watch.close()
