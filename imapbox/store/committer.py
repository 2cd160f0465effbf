"""The way in for every change of one log.

Transactions queue up here. While one batch is being written the next one
gathers, so that many sessions of a process share one write and one sync.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from imapbox.disk.driver import Driver
from imapbox.disk.steps import Steps
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.index.commit import Log, commit
from imapbox.index.settings import Settings
from imapbox.index.transaction import Change, Outcome, Transaction
from imapbox.model.errors import MailboxBusy, MailboxDamaged, MailError
from imapbox.store.failures import in_words

# One batch is held in memory: this many messages of up to 256 KiB.
_LARGEST_BATCH: Final = 64
# An account that is damaged can't be settled.
_SETTLE_TRIES: Final = 3


@dataclass(eq=False, slots=True)
class _Wish:
    """A transaction that waits, and whoever waits for it."""

    transaction: Transaction
    command: str
    patience_ends: float
    finished: Callable[[], None]
    done: Deferred[Change | None] = field(init=False)


def _nothing() -> None:
    """Nobody wants to know."""


class AccountBinding(Protocol):
    """Where a mailbox's account is asked whether it still binds it."""

    def binding(self) -> Binding:
        """Return what is known of the account now."""
        ...

    def settle(self) -> Deferred[None]:
        """Settle the account's log under its lock."""
        ...


class Committer:
    """Commits to one log, one batch after another."""

    _log = Logger()

    def __init__(
        self,
        log: Log,
        driver: Driver,
        settings: Settings,
        binding: "AccountBinding | None" = None,
    ) -> None:
        self._target = log
        self._driver = driver
        self._settings = settings
        self._binding = binding
        # Appended to in the reactor, taken from in a thread: both are atomic.
        self._queue: deque[_Wish] = deque()
        self._taken: list[_Wish] = []
        self._busy = False

    @property
    def is_idle(self) -> bool:
        """Say whether nothing waits and nothing is being written."""
        return not self._busy

    def submit(
        self,
        transaction: Transaction,
        *,
        command: str,
        finished: Callable[[], None] = _nothing,
    ) -> Deferred[Change | None]:
        """Commit ``transaction``, together with what else waits.

        Args:
            transaction: What to commit.
            command: What for, for `imapbox locks`.
            finished: Called once the transaction is not needed any more, also
                when nobody is told the result.

        Returns:
            Fires with what was written, once it is durable and visible; with
            None if there was nothing to do. Fails with the `MailError` that
            says why not. Cancelled before it is being written, it is not
            written; afterwards nobody is told.
        """
        ends = self._driver.filesystem.monotonic() + self._settings.patience
        wish = _Wish(transaction, command, ends, finished)
        wish.done = Deferred(lambda _: self._cancel(wish))
        self._queue.append(wish)
        if not self._busy:
            self._busy = True
            ensureDeferred(self._work())
        return wish.done

    def _cancel(self, wish: _Wish) -> None:
        if wish in self._queue:
            self._queue.remove(wish)
            wish.finished()

    async def _work(self) -> None:
        """Write batches until nothing waits."""
        unsettled = 0
        try:
            while self._queue:
                self._taken = []
                try:
                    outcomes = await self._driver.run(self._commit())
                except AccountUnsettled as error:
                    unsettled += 1
                    if unsettled > _SETTLE_TRIES:
                        self._fail(MailboxDamaged(error))
                    await self._settle_account()
                except MailboxBusy as error:
                    self._give_up_on_impatient(error)
                except OSError as error:
                    self._fail(in_words(error))
                except Exception as error:  # noqa: BLE001 - told to whoever waits
                    self._fail(error)
                else:
                    self._answer(outcomes)
        finally:
            self._busy = False

    async def _settle_account(self) -> None:
        if self._binding is not None:
            try:
                await self._binding.settle()
            except MailError as error:
                self._fail(error)

    def _commit(self) -> Steps[list[Outcome]]:
        command = self._queue[0].command if self._queue else ""
        guard = self._binding.binding().check if self._binding else None
        return commit(
            self._target, self._settings, self._take, command=command, guard=guard
        )

    def _take(self) -> list[Transaction]:
        """Return the next batch. Called in a thread, with the lock held."""
        while self._queue and len(self._taken) < _LARGEST_BATCH:
            try:
                self._taken.append(self._queue.popleft())
            except IndexError:  # the last one was cancelled just now
                break
        return [wish.transaction for wish in self._taken]

    def _answer(self, outcomes: list[Outcome]) -> None:
        for wish, outcome in zip(self._taken, outcomes, strict=True):
            wish.finished()
            if wish.done.called:
                continue
            if outcome.error is not None:
                wish.done.errback(outcome.error)
            else:
                wish.done.callback(outcome.change)

    def _give_up_on_impatient(self, error: MailboxBusy) -> None:
        now = self._driver.filesystem.monotonic()
        for wish in tuple(self._queue):
            if wish.patience_ends <= now and wish in self._queue:
                self._queue.remove(wish)
                wish.finished()
                wish.done.errback(MailboxBusy(error.holder))

    def _fail(self, error: Exception) -> None:
        failed = self._taken or [*self._queue]
        if not self._taken:
            self._queue.clear()
        for wish in failed:
            wish.finished()
            if not wish.done.called:
                wish.done.errback(error)
