"""A store: all accounts below one directory, shared with other processes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapbox.disk import steps
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.failures import in_full, in_words
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.spool import Spool
from imapbox.disk.threads import NoThread
from imapbox.disk.watch import Watch
from imapbox.fulltext.availability import is_installed
from imapbox.index.account_operations import Create
from imapbox.index.damage import FULL
from imapbox.index.glimpse import glimpses
from imapbox.index.head import Counts
from imapbox.index.settings import Settings
from imapbox.model.errors import (
    FileSystemUnfit,
    MailboxGone,
    MailError,
    NoSuchUser,
    StoreFailure,
)
from imapbox.model.names import SHARED_USER, UserName
from imapbox.model.quota import NO_QUOTA
from imapbox.store.account import AccountLog
from imapbox.store.cards import CardMaker
from imapbox.store.compactions import Compactor
from imapbox.store.create import SPECIAL_USE, account_is_made, create_account
from imapbox.store.day_limits import DayLimits
from imapbox.store.delivery_memory import DeliveryMemory
from imapbox.store.drivers import Drivers
from imapbox.store.fitness import first_flaw
from imapbox.store.format import NoStore, NotAStore, check_store, prepare_store
from imapbox.store.full_text import FullTextCache
from imapbox.store.head_watches import HeadWatches
from imapbox.store.kept import Kept
from imapbox.store.layout import SPOOL, mailbox_directory
from imapbox.store.open_mailbox import OpenMailbox, Upkeep
from imapbox.store.snapshots import SnapshotMaker

# A webmail logs in and out for each request.
_IDLE_ACCOUNTS: Final = 256
_IDLE_MAILBOXES: Final = 64
# The patience for a lock of those who hold up everybody meanwhile.
_SHORT_PATIENCE: Final = 1.0
# So soon a file system that was made read-only is noticed.
_READ_ONLY_SECONDS: Final = 1.0


T = TypeVar("T")


class Store(Service):
    """All the mail of a site.

    Start and stop it with `start` and `stop`, or give it to a Twisted
    application as a service: ``store.setServiceParent(application)``.

    Args:
        root: Its directory.
        reactor: Twisted's.
        make: Make it a store, where it is missing or empty. Else that is refused,
            for it is what is seen where a mount is missing.
        filesystem: In place of the operating system's, for tests.
        patience: How many seconds a commit waits for a lock.
        cut_off: Called once, when this machine was cut off from the file
            system: the process should end, and start anew.

    Attributes:
        drivers: The threads that do its disk work.
        settings: How logs are written.
        snapshots: Makes those of the mailboxes that are followed.
        compactor: Gives back what nobody needs of these.
        head_watches: Who wants to know of mailboxes that are not followed.
        deliveries: Which ones its mailboxes have had.
        full_text: The full-text indexes; None without the extra ``fulltext``.
        day_limits: What its clients added to accounts today.
        quota: What an account may hold for whom nothing else was set.
    """

    _log = Logger()

    def __init__(  # noqa: PLR0913 - what can be said
        self,
        root: str,
        reactor: Any,
        *,
        make: bool = False,
        filesystem: FileSystem | None = None,
        patience: float = 30.0,
        cut_off: Callable[[], object] = lambda: None,
    ) -> None:
        self.root = root
        self.quota = NO_QUOTA
        self._reactor = reactor
        self._make = make
        self._patience = patience
        self._filesystem = filesystem
        self._disk: DiskFileSystem
        self._cut_off = cut_off
        self._read_only = False
        self._look_again_at = 0.0
        self._accounts: Kept[UserName, AccountLog] = Kept(_IDLE_ACCOUNTS)
        self._mailboxes: Kept[str, OpenMailbox] = Kept(_IDLE_MAILBOXES)
        self.deliveries = DeliveryMemory()
        self.day_limits = DayLimits()
        self.full_text: FullTextCache | None = None
        self._is_open = False
        self._opening: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin to open the store. If that fails, the log says why."""
        self.running = 1
        self._opening = Deferred.fromCoroutine(self._start_proven())
        self._opening.addErrback(self._not_opened)

    def stopService(self) -> Deferred[None]:
        """Let commits end, and give everything back."""
        self.running = 0
        return Deferred.fromCoroutine(self._end())

    async def opened(self) -> None:
        """Return when the store is open. May be cancelled.

        Raises:
            StoreFailure: It was not started, or it can't be opened.
        """
        if self._opening is not None:
            await _end_of(self._opening)
        if not self._is_open:
            raise StoreFailure

    async def start(self) -> None:
        """Check the store, or make it if so told, and begin to serve it.

        Raises:
            NoStore: Nothing is there.
            NotAStore: The directory holds something else.
            UnknownFormat: An imapbox of another format made it.
            OSError: It can't be read or made.
        """
        if self._filesystem is None:
            self._disk = _beneath(self.root, make=self._make)
        filesystem = self._filesystem or self._disk
        self.drivers = Drivers(
            filesystem,
            Watch(self.root, self._reactor),
            self._reactor,
            self._was_cut_off,
        )
        self.settings = Settings(
            filesystem.boot, filesystem.node, filesystem.pid, self._patience
        )
        self.snapshots = SnapshotMaker(self.drivers)
        self.compactor = Compactor(self.drivers, self.settings)
        self.full_text = None
        if is_installed():
            self.full_text = FullTextCache(self.drivers, self.root)
        self.head_watches = HeadWatches(self.drivers)
        self.drivers.start()
        try:
            prepared = prepare_store() if self._make else check_store(self.root)
            await self.drivers.write.run(prepared)
        except BaseException:
            await self.drivers.stop()
            raise
        self._is_open = True

    async def stop(self) -> None:
        """Let commits end, and give everything back."""
        self._is_open = False
        await self.snapshots.stop()
        self.compactor.stop()
        self.head_watches.close()
        await self.drivers.stop()
        for mailbox in self._mailboxes.clear():
            mailbox.close()
        for account in self._accounts.clear():
            account.log.close()
        if self._filesystem is None:
            self._disk.release()

    def new_spool(self) -> Spool:
        """Return an empty spool for one message."""
        return Spool(self.drivers.write, SPOOL, CardMaker)

    async def is_read_only(self) -> bool:
        """Say whether nobody may write to the file system.

        That it no longer may is noticed within a second, that it may again at once.
        """
        now = self.drivers.filesystem.monotonic()
        if self._read_only or now >= self._look_again_at:
            self._read_only = await self._run(
                self.drivers.read.run(steps.is_read_only())
            )
            self._look_again_at = now + _READ_ONLY_SECONDS
        return self._read_only

    async def prove(self) -> None:
        """Try whether the file system does what a store rests on.

        Raises:
            FileSystemUnfit: It does not; says what.
            StoreFailure: It could not be tried.
        """
        if await self.is_read_only():
            return
        try:
            flaw = await self.drivers.write.threads.call(
                first_flaw, self.drivers.filesystem
            )
        except NoThread as error:
            raise StoreFailure from error
        except OSError as error:
            if error.errno not in FULL:
                raise in_words(error) from error
            self._log.warn("no room to try the file system: {error}", error=error)
            return
        if flaw is not None:
            raise FileSystemUnfit(str(flaw))

    async def _start_proven(self) -> None:
        await self.start()
        try:
            await self.prove()
        except BaseException:
            await self.stop()
            raise

    async def has_account(self, user: UserName) -> bool:
        """Say whether the user's account was made."""
        if user in self._accounts:
            return True
        return await self._run(self.drivers.read.run(account_is_made(user)))

    async def create_account(self, user: UserName) -> bool:
        """Make the user's account, with INBOX, if it is not there.

        Returns:
            Whether it is new.
        """
        others = {} if user == SHARED_USER else SPECIAL_USE
        made = await self._run(
            self.drivers.write.run(create_account(user, self.settings, others))
        )
        if made:
            self._log.info("made the account of {user}", user=user)
        return made

    async def account(self, user: UserName) -> AccountLog:
        """Return the user's account, read and current.

        Raises:
            NoSuchUser: It was never made.
        """
        account = self._accounts.get(user)
        if account is None:
            if not await self.has_account(user):
                raise NoSuchUser(user)
            account = self._accounts.get(user) or self._accounts.add(
                user, AccountLog(user, self.drivers, self.settings)
            )
        await account.sync()
        for mailbox_id in account.newly_deleted():
            self._mailboxes.let_go(mailbox_directory(user, mailbox_id))
        return account

    def blocking_account(self, user: UserName) -> AccountLog:
        """Return an account whose coroutines have ended when they return.

        They keep the reactor waiting, for `LONGEST_BLOCK` at most. To other
        sessions, also of this process, it is like another process's.
        """
        settings = replace(self.settings, patience=_SHORT_PATIENCE)
        return AccountLog(user, self.drivers.that_block(), settings)

    def mailbox(self, account: AccountLog, mailbox_id: bytes) -> OpenMailbox:
        """Return what this process shares of a mailbox. It may be unread yet."""
        directory = mailbox_directory(account.user, mailbox_id)
        kept = self._mailboxes.get(directory)
        if kept is not None and not kept.log.lost:
            return kept
        return self._mailboxes.add(
            directory,
            OpenMailbox(
                directory,
                self.drivers,
                self.settings,
                account.binding_of(mailbox_id),
                Upkeep(self.snapshots, self.compactor),
            ),
        )

    async def current_mailbox(
        self, account: AccountLog, mailbox_id: bytes
    ) -> OpenMailbox:
        """Return a mailbox, read and current.

        Of one that was written anew, with another UIDVALIDITY, that is the new one:
        only who has it selected must be told that it is another.

        Raises:
            MailboxGone: It was deleted.
            MailError: It can't be read.
        """
        mailbox = self.mailbox(account, mailbox_id)
        try:
            await mailbox.sync()
        except MailboxGone:
            if not mailbox.log.lost:
                raise
            mailbox = self.mailbox(account, mailbox_id)
            await mailbox.sync()
        return mailbox

    async def glimpses(
        self, account: AccountLog, mailboxes: Sequence[Create]
    ) -> dict[bytes, Counts]:
        """Return what mailboxes' heads say of them, without opening their logs.

        By id. Left out are those that can't be known so.
        """
        logs = [
            (mailbox_directory(account.user, each.mailbox_id), each.uidvalidity)
            for each in mailboxes
        ]
        work = glimpses(self.settings.boot, logs)
        found = await self._run(self.drivers.read.run(work))
        return {
            each.mailbox_id: counts
            for each, counts in zip(mailboxes, found, strict=True)
            if counts is not None
        }

    def is_open(self, account: AccountLog, mailbox: Create) -> bool:
        """Say whether a mailbox is open anyway: it takes no thread to look at it."""
        return mailbox_directory(account.user, mailbox.mailbox_id) in self._mailboxes

    async def old_glimpse(self, account: AccountLog, mailbox: Create) -> Counts | None:
        """Return what a mailbox's head says or, before a restart, said of it.

        Of one that can't be opened. None if even its head can't be read.
        """
        directory = mailbox_directory(account.user, mailbox.mailbox_id)
        work = glimpses(None, [(directory, mailbox.uidvalidity)])
        (found,) = await self._run(self.drivers.read.run(work))
        return found

    def _was_cut_off(self, error: OSError) -> None:
        self._log.critical("cut off from the mail store: {error}", error=error)
        self._cut_off()

    def _not_opened(self, failure: Failure) -> None:
        if isinstance(failure.value, MailError):
            why = in_full(failure.value)
            self._log.critical("can not open the store: {why}", why=why)
        elif isinstance(failure.value, NotAStore):
            why = failure.value.sentence()
            self._log.critical("can not open the store: {why}", why=why)
        elif not isinstance(failure.value, CancelledError):
            self._log.failure("can not open the store", failure)

    async def _end(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            await opening
        if self._is_open:
            await self.stop()

    async def _run(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except OSError as error:
            raise in_words(error) from error


def _end_of(deferred: Deferred[None]) -> Deferred[None]:
    """Return a Deferred of one's own that fires when ``deferred`` has."""
    end: Deferred[None] = Deferred()

    def pass_on(result: None) -> None:
        end.callback(None)
        return result

    deferred.addCallback(pass_on)
    return end


def _beneath(root: str, *, make: bool) -> DiskFileSystem:
    if make:
        Path(root).mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return DiskFileSystem(root)
    except FileNotFoundError as error:
        raise NoStore(root) from error
