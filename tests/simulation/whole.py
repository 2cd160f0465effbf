"""The whole product on a simulated disk: store, accounts, LMTP and IMAP.

All that stands between a client's octets and the disk is the product's own,
but for the threads: each disk protocol has run to its end when `Driver.run`
returns, so that whatever is asked has been answered then.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.task import Clock

from imapbox.disk.blocking import result_of
from imapbox.disk.driver import Driver
from imapbox.disk.fence import Fence
from imapbox.disk.steps import Finished, Steps, Unfinished, advance
from imapbox.index.settings import Settings
from imapbox.mailbox.account import UserAccount
from imapbox.model.names import MailboxName, UserName
from imapbox.store.compactions import Compactor
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.snapshots import SnapshotMaker
from imapbox.store.store import Store
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.mailbox import ALICE, MAKER, PATIENCE, settings_of

T = TypeVar("T")

SEGMENT_LIMIT: Final = 3_000


class Deaf:
    """A `Watch` that hears nothing: it is a hint and no more."""

    def listen(self, path: str, listener: Callable[[], None]) -> Callable[[], None]:
        del path, listener
        return lambda: None

    def listens_to(self, path: str) -> bool:
        del path
        return False

    def close(self) -> None:
        """Have nothing to give back."""


class Reactor(Clock):
    """A clock in whose only thread all happens."""

    def callFromThread(  # noqa: N802 - Twisted's
        self, work: Callable[..., object], *arguments: Any
    ) -> None:
        work(*arguments)


class AtOnce(Driver):
    """Runs a protocol to its end before it returns; where it waits, time passes."""

    def advance(
        self, steps: Steps[Any], error: BaseException | None
    ) -> Deferred[Finished | Unfinished]:
        files: Any = self.filesystem
        try:
            outcome = advance(steps, files, error, self.fence)
            while isinstance(outcome, Unfinished):
                files.disk.clock = max(files.disk.clock, outcome.pause.until)
                outcome = advance(steps, files, None, self.fence)
        except Exception:  # noqa: BLE001 - told to whoever waits
            return fail()
        return succeed(outcome)


class Drivers:
    """As `imapbox.store.drivers.Drivers`, without threads."""

    def __init__(self, filesystem: SimulatedFileSystem) -> None:
        self.filesystem = filesystem
        self.watch: Any = Deaf()
        self.reactor = Reactor()
        self.write = self.read = self.blocking = AtOnce(
            filesystem, self.watch, self.reactor, threads=1
        )
        self.fence: Fence = self.write.fence


class WholeStore(Store):
    """A store in a process of a simulated machine."""

    def __init__(
        self, process: SimulatedFileSystem, *, segment_limit: int = SEGMENT_LIMIT
    ) -> None:
        drivers = Drivers(process)
        super().__init__("", drivers.reactor, filesystem=process, patience=PATIENCE)
        self.process = process
        self.drivers: Any = drivers
        self.settings = Settings(
            process.boot, process.node, process.pid, PATIENCE, segment_limit
        )
        self.snapshots = SnapshotMaker(self.drivers)
        self.compactor = Compactor(self.drivers, self.settings)
        self._is_open = True

    def end(self) -> None:
        """Give back all that it has open."""
        self.snapshots._stopped = True
        for mailbox in self._mailboxes.clear():
            mailbox.close()
        for account in self._accounts.clear():
            account.log.close()


def now(work: Awaitable[T]) -> T:
    """Return what a coroutine returns, which waits for nothing but the disk."""
    return result_of(ensureDeferred(work))  # type: ignore[arg-type] # a coroutine


def whole_store(
    *others: MailboxName, user: UserName = ALICE, seed: int = 0
) -> SimulatedDisk:
    """Return a machine with a store and an account in it, all of it durable."""
    disk = SimulatedDisk(seed=seed)
    process = disk.process(MAKER)
    run(prepare_store(), process)
    uses = dict.fromkeys(others, "")
    run(create_account(user, settings_of(process), uses), process)
    disk.kill(MAKER)
    disk.settle()
    disk.advance_clock(1)
    return disk


def account_in(store: WholeStore, user: UserName = ALICE) -> UserAccount:
    """Return the user's mail, as a session has it."""
    return UserAccount(store, now(store.account(user)))
