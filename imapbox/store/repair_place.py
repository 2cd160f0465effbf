"""Where `imapbox repair` is at work: one user's account, and its locks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import Create
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.check import check_log
from imapbox.index.checked_log import CheckedLog, EndingAudit
from imapbox.index.commit import Log, write_one
from imapbox.index.new_uidvalidity import MAX_UIDVALIDITY
from imapbox.index.opening import fold_up_to
from imapbox.index.repair import Job
from imapbox.index.settle import settle
from imapbox.index.transaction import Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import NumbersExhausted
from imapbox.model.names import UserName
from imapbox.model.numbers import UidValidity
from imapbox.store.layout import account_directory

COMMAND: Final = "repair"

T = TypeVar("T")
A = TypeVar("A", bound=EndingAudit)


@dataclass(frozen=True, slots=True)
class Place:
    """A user's account that is mended, with its mailboxes.

    Attributes:
        user: Whose they are.
        job: What is noted of it.
        owner: Whose all files should be.
    """

    user: UserName
    job: Job
    owner: int

    @property
    def directory(self) -> str:
        """Return the account's directory."""
        return account_directory(self.user)

    def check(
        self, directory: str, make_audit: Callable[[], A], *, held: bool
    ) -> Steps[CheckedLog[A]]:
        """Look at a log; ``held`` says whether its lock is."""
        return check_log(directory, make_audit, self.owner, held=held)

    def locked(
        self, directories: list[str], section: Callable[[], Steps[T]]
    ) -> Steps[T]:
        """Run a section; with the locks if it is to change anything."""
        if not self.job.apply:
            return (yield from section())
        settings = self.job.settings
        identity = Identity(settings.node, settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + settings.patience
        paths = [f"{directory}/lock" for directory in directories]
        return (yield from locked(paths, identity, until, section))

    def tree(self) -> Steps[AccountState]:
        """Return what the account says; its lock is held."""
        tail = yield from settle(self.directory, self.job.settings)
        return (yield from fold_up_to(self.directory, tail.position, AccountState))

    def next_uidvalidity(
        self, state: AccountState, now: int, least: int = 0
    ) -> UidValidity:
        """Return one that no mailbox ever had, greater than ``least``.

        Raises:
            NumbersExhausted: There is none.
        """
        given = max(now, state.highest_uidvalidity + 1, least + 1)
        if given > MAX_UIDVALIDITY:
            raise NumbersExhausted
        return UidValidity(given)

    def give(self, state: AccountState, mailbox: Create) -> Steps[None]:
        """Let the account say which UIDVALIDITY a mailbox has."""
        change = ChangeAccount(state, lambda _: [mailbox])
        yield from self.write(account_log(self.directory), change)
        state.mailboxes[mailbox.mailbox_id] = mailbox
        state.names[mailbox.name] = mailbox
        highest = max(state.highest_uidvalidity, mailbox.uidvalidity)
        state.highest_uidvalidity = highest

    def write(self, log: Log, wish: Transaction) -> Steps[None]:
        """Commit a change to a log whose lock is held."""
        tail = yield from settle(log.directory, self.job.settings)
        yield from write_one(log, self.job.settings, tail, wish)
