"""The threads of a process: some that sync, and some that only read.

They are kept apart so that a disk whose syncs take seconds holds up nobody who
wants to read.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall, deferLater

from imapbox.disk.blocking import BlockingDriver
from imapbox.disk.driver import Driver
from imapbox.disk.fence import Fence
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.watch import Watch

_WRITERS: Final = 16
_READERS: Final = 8
_BLOCKERS: Final = 4
# So long all clients of a process may be held up for the sake of one.
LONGEST_BLOCK: Final = 2.0
# So often threads end, and others begin.
_RESTS: Final = 60.0


class Drivers:
    """What runs disk protocols.

    Args:
        filesystem: What they call.
        watch: Tells of writes.
        reactor: Twisted's.
        cut_off: Called once, when the file system is gone.

    Attributes:
        filesystem: What they call.
        watch: Tells of writes.
        write: For what may sync or wait for a lock.
        read: For what only reads.
        blocking: For whoever can't be answered later.
        fence: Where it is up, none of them runs anything.
    """

    def __init__(
        self,
        filesystem: FileSystem,
        watch: Watch,
        reactor: Any,
        cut_off: Callable[[OSError], None],
    ) -> None:
        self.filesystem = filesystem
        self.watch = watch
        self.reactor = reactor
        self.write = Driver(filesystem, watch, reactor, threads=_WRITERS)
        self.read = Driver(filesystem, watch, reactor, threads=_READERS)
        self.blocking = BlockingDriver(
            filesystem, watch, reactor, threads=_BLOCKERS, seconds=LONGEST_BLOCK
        )
        self.fence = Fence(reactor, cut_off)
        for each in (self.write, self.read, self.blocking):
            each.fence = self.fence
        self._resting = LoopingCall(self._rest)
        self._resting.clock = reactor

    def start(self) -> None:
        """Begin to run what they are given."""
        self.write.start()
        self.read.start()
        self.blocking.start()
        self._resting.start(_RESTS, now=False)

    async def stop(self) -> None:
        """Let what runs end, then give everything back."""
        if self._resting.running:
            self._resting.stop()
        await self.write.stop()
        await self.read.stop()
        await self.blocking.stop()
        self.watch.close()

    def that_block(self) -> "Drivers":
        """Return these drivers, but those of them that `BlockingDriver` is."""
        drivers = copy(self)
        drivers.write = drivers.read = self.blocking
        return drivers

    def turn(self) -> Deferred[None]:
        """Let all others have their turn, unless the reactor is held up anyway."""
        if self.read is self.blocking:
            return succeed(None)
        return deferLater(self.reactor, 0)

    def _rest(self) -> None:
        for each in (self.write, self.read, self.blocking):
            each.rest()
