"""Who makes snapshots, and when; and who looks whether they are good.

A process that follows a mailbox makes one when opening it from the newest
snapshot would mean to apply many operations. It is written in a thread, a
quarter of a megabyte at a time with rests between, and one at a time in a
process. Several processes may do so at once; none of them waits for another.
"""

from contextlib import suppress
from typing import Final, Protocol

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredLock,
    ensureDeferred,
)
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imapbox.index.mailbox_state import MailboxState
from imapbox.index.snapshot_reader import check_rows
from imapbox.index.snapshot_writer import SnapshotWriter, names_in
from imapbox.model.errors import StoreFailure
from imapbox.store.drivers import Drivers

# Opening applies so many operations in some 20 ms, and a snapshot of a million
# rows is 90 MB: it is made again after 4,000 operations.
FEWEST: Final = 500
ROWS_PER_OPERATION: Final = 256
# A tenth of a thread's time is spent on writing.
_REST: Final = 9.0
_SHORTEST_REST: Final = 0.01


class Followed(Protocol):
    """A mailbox that this process follows."""

    directory: str

    @property
    def state(self) -> MailboxState:
        """Return the messages, as of the last `sync`."""
        ...


class SnapshotMaker:
    """Makes the snapshots of one process.

    Attributes:
        fewest: Operations that are never worth a snapshot.
    """

    _log = Logger()

    def __init__(self, drivers: Drivers) -> None:
        self.fewest = FEWEST
        self._drivers = drivers
        self._turn = DeferredLock()
        self._wanted: set[str] = set()
        self._resting: Deferred[None] | None = None
        self._stopped = False

    def consider(self, mailbox: Followed) -> None:
        """Begin to make a snapshot of a mailbox, if it is due."""
        if self._stopped or mailbox.directory in self._wanted:
            return
        if self._is_due(mailbox.state):
            self._wanted.add(mailbox.directory)
            self._turn.run(lambda: ensureDeferred(self._make(mailbox)))

    def check(self, directory: str, state: MailboxState) -> None:
        """Begin to read what a state was loaded from, and see that it is good."""
        ensureDeferred(self._check(directory, state))

    async def stop(self) -> None:
        """Give up what is being made."""
        self._stopped = True
        if self._resting is not None:
            self._resting.cancel()
        await self.idle()

    async def idle(self) -> None:
        """Wait until none is being made."""
        await self._turn.run(lambda: None)

    def _is_due(self, state: MailboxState) -> bool:
        worth = max(self.fewest, state.counts.exists // ROWS_PER_OPERATION)
        return state.age >= worth and not state.missing

    async def _make(self, mailbox: Followed) -> None:
        try:
            if not self._stopped:
                await self._make_of(mailbox.directory, mailbox.state)
        except (OSError, StoreFailure) as error:
            self._log.warn(
                "no snapshot in {directory}: {error}",
                directory=mailbox.directory,
                error=error,
            )
        except CancelledError:
            pass  # the process ends
        except Exception:  # noqa: BLE001 - mail goes on without snapshots
            self._log.failure("no snapshot in {directory}", directory=mailbox.directory)
        finally:
            self._wanted.discard(mailbox.directory)

    async def _make_of(self, directory: str, state: MailboxState) -> None:
        older = state.newest_snapshot
        for each in await self._drivers.read.run(names_in(directory)):
            if older < each[:2] <= state.position[:2]:
                # Another process made one: enough until it is as old as this.
                state.newest_snapshot = each[:2]
                state.age = 0
                return
        writer = SnapshotWriter(directory, state.freeze())
        # Whatever comes of it, the next one is due when this one would be old.
        state.age = 0
        state.newest_snapshot = state.position[:2]
        try:
            while not await self._spell(writer):
                pass
        except BaseException:
            with suppress(Exception):
                await self._drivers.write.run(writer.give_up())
            raise

    async def _spell(self, writer: SnapshotWriter) -> bool:
        clock = self._drivers.filesystem.monotonic
        begun = clock()
        if await self._drivers.write.run(writer.go_on()):
            return True
        if self._stopped:
            raise CancelledError
        rest = max(_SHORTEST_REST, (clock() - begun) * _REST)
        self._resting = deferLater(self._drivers.reactor, rest)
        try:
            await self._resting
        finally:
            self._resting = None
        return False

    async def _check(self, directory: str, state: MailboxState) -> None:
        source = state.source
        if source is None:
            return
        try:
            good = await self._drivers.read.run(check_rows(directory, source.name))
        except FileNotFoundError:
            return  # each piece is checked when it is used
        except CancelledError:
            return
        except OSError:
            good = False  # what can't be read must not be touched
        if good:
            state.columns.trust()
        else:
            source.broken = True
