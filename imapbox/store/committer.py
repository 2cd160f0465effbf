"""The way in for every change of one log.

Transactions queue up here. While one batch is being written the next one
gathers, so that many sessions of a process share one write and one sync.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger

from imapbox.disk.driver import Driver, Run
from imapbox.disk.failures import in_words
from imapbox.disk.steps import Steps
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.index.commit import Log, commit
from imapbox.index.settings import Settings
from imapbox.index.transaction import Change, Outcome, Transaction
from imapbox.model.errors import MailboxBusy, MailboxDamaged
from imapbox.store.commit_with_account import commit_with_account

# One batch is held in memory: this many messages of up to 256 KiB.
_LARGEST_BATCH: Final = 64


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
        self._run: Run[list[Outcome]] | None = None
        self._unwanted = False

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
        try:
            self._queue.remove(wish)
        except ValueError:
            return  # it is being written
        self._let_go(wish)
        if not self._queue and self._run is not None:
            # Nobody is left to wait for the lock. If the batch before is being
            # written still, this changes nothing.
            self._unwanted = True
            self._run.give_up()

    async def _work(self) -> None:
        """Write batches until nothing waits."""
        settle_account = False
        try:
            while self._queue:
                self._taken = []
                self._unwanted = False
                try:
                    self._run = self._driver.begin(self._commit(settle_account))
                    outcomes = await self._run.result
                except AccountUnsettled as error:
                    if settle_account:
                        self._fail(MailboxDamaged(error))
                    settle_account = not settle_account
                except CancelledError as error:
                    if not self._unwanted:
                        self._fail(error)
                except MailboxBusy as error:
                    self._give_up_on_impatient(error)
                except OSError as error:
                    self._fail(in_words(error))
                except Exception as error:  # noqa: BLE001 - told to whoever waits
                    self._fail(error)
                else:
                    settle_account = False
                    self._answer(outcomes)
        finally:
            self._busy = False
            self._run = None
            self._taken = []  # with their messages

    def _commit(self, settle_account: bool) -> Steps[list[Outcome]]:  # noqa: FBT001 - private
        now = self._driver.filesystem.monotonic()
        first = self._queue[0]
        settings = replace(self._settings, patience=max(0.0, first.patience_ends - now))
        binding = self._binding.binding() if self._binding else None
        if binding is not None and settle_account:
            return commit_with_account(
                self._target, binding, settings, self._take, command=first.command
            )
        guard = binding.check if binding else None
        return commit(
            self._target, settings, self._take, command=first.command, guard=guard
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
            self._let_go(wish)
            if wish.done.called:
                continue
            error = outcome.error
            if error is not None:
                wish.done.errback(
                    in_words(error) if isinstance(error, OSError) else error
                )
            else:
                wish.done.callback(outcome.change)

    def _give_up_on_impatient(self, error: MailboxBusy) -> None:
        now = self._driver.filesystem.monotonic()
        for wish in tuple(self._queue):
            if wish.patience_ends <= now and wish in self._queue:
                self._queue.remove(wish)
                self._let_go(wish)
                wish.done.errback(MailboxBusy(error.holder))

    def _fail(self, error: Exception) -> None:
        failed = self._taken or [*self._queue]
        if not self._taken:
            self._queue.clear()
        for wish in failed:
            self._let_go(wish)
            if not wish.done.called:
                wish.done.errback(error)

    def _let_go(self, wish: _Wish) -> None:
        """Say that a transaction is done with. That this fails harms no other."""
        try:
            wish.finished()
        except Exception:  # noqa: BLE001 - a bug of ours, and reported
            self._log.failure("could not give back what a transaction had")
