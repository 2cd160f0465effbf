"""A log that this process follows: its state, and how it is kept current."""

from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar
from weakref import finalize

from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.logger import Logger

from imapbox.disk import steps as calls
from imapbox.disk.failures import in_words
from imapbox.disk.filesystem import FileSystem, Mode
from imapbox.disk.steps import Steps, perform
from imapbox.index.damage import is_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import DELETED, HEAD_SIZE, Head, Position
from imapbox.index.head_file import HEAD
from imapbox.index.opening import Folded, Saved, fold_up_to, open_log, recover
from imapbox.index.read import HeadUnreadable, LogBroken, News, look
from imapbox.index.settings import Settings
from imapbox.model.errors import MailboxDamaged, MailboxGone, StoreFailure
from imapbox.store.drivers import Drivers

# So little may be read in the reactor; it was written a moment ago.
_GLANCE: Final = 16 * 1024


S = TypeVar("S", bound=Folded)


class SavedStates(Saved[S], Protocol[S]):
    """Where a log was folded before; what was loaded from there may be bad."""

    def is_spoilt(self, state: S) -> bool:
        """Say whether a state turned out not to be what was saved."""
        ...

    def replace(self, older: S, newer: S) -> bool:
        """Let ``newer`` be to all readers what ``older`` was; say if it can be."""
        ...

    def carry_on(self, older: S, newer: S) -> bool:
        """Do so although time went by; return whether it is the same log."""
        ...


class FollowedLog(Generic[S]):
    """The state of a log at `token`, touched in the reactor only.

    Attributes:
        directory: The log's.
        state: Everything up to `token`.
        token: The 64 bytes of the head that were applied.
        damaged: Whether the log takes no changes.
        lost: Whether it could not be followed any more: it was replaced, or
            what its readers need is gone. Who wants to read it begins anew.
    """

    _log = Logger()

    def __init__(
        self,
        directory: str,
        make_state: Callable[[], S],
        drivers: Drivers,
        settings: Settings,
        saved: SavedStates[S] | None = None,
    ) -> None:
        self.directory = directory
        self.state = make_state()
        self.token = b""
        self.damaged = False
        self.lost = False
        self._is_open = False
        self._unsettled = False
        self._deleted = False
        self._make_state = make_state
        self._saved = saved
        self._drivers = drivers
        self._settings = settings
        self._head_fd = -1
        self._closing: finalize[[int], Any] | None = None
        self._looking = DeferredLock()

    @property
    def head_path(self) -> str:
        """Return the path of the head, which every commit writes."""
        return f"{self.directory}/{HEAD}"

    def close(self) -> None:
        """Give the head's descriptor back; that happens by itself at the end."""
        closing, self._closing, self._head_fd = self._closing, None, -1
        if closing is not None:
            closing()  # whatever comes of it, the descriptor is none any more

    async def sync(self) -> None:
        """Learn everything that was acknowledged before this call.

        The first time, the log is read from its newest snapshot or its beginning.

        Raises:
            MailboxGone: The log was deleted, or is another one now.
            MailError: It can't be read.
        """
        # Whoever looked before this call may have looked too early: a look of
        # one's own is the promise.
        if self._looking.locked or not self._glance():
            await self._looking.run(self._look)
        if self._deleted:
            raise MailboxGone(self.directory)

    def is_current(self) -> bool:
        """Say whether the head is, byte by byte, the one that was applied."""
        if self.damaged:
            return True  # nobody writes to it
        if not self._filesystem.same_file(self._head_fd, self.head_path):
            # Somebody removed it, and perhaps it was made anew.
            self._open_head()
        return self._filesystem.pread(self._head_fd, HEAD_SIZE, 0) == self.token

    async def _open(self) -> None:
        steps = open_log(self.directory, self._settings, self._make_state, self._saved)
        try:
            opened = await self._drivers.read.run(steps)
            if opened.token:  # a damaged log's head may be lost
                self._open_head()
        except OSError as error:
            raise in_words(error) from error
        self.state = opened.state
        self.damaged = opened.damaged
        self._unsettled = opened.unsettled
        self._is_open = True
        self._take(opened.token)

    def _open_head(self) -> None:
        self.close()
        try:
            fd = self._filesystem.open(self.head_path, Mode.READ)
        except OSError as error:
            self._drivers.fence.notice(error)
            raise
        self._closing = finalize(self, self._filesystem.close, fd)
        self._head_fd = fd

    @property
    def _filesystem(self) -> FileSystem:
        return self._drivers.filesystem

    def _glance(self) -> bool:
        """Do the usual: nothing or little is new, and it is read at once."""
        if self._must_look():
            return False
        try:
            data = self._filesystem.pread(self._head_fd, HEAD_SIZE, 0)
            if data != self.token:
                head = Head.decode(data)
                if head is None or not self._is_little(head.position):
                    return False
                self._apply(perform(self._steps(), self._filesystem))
            return not self._is_replaced()
        except (OSError, HeadUnreadable, LogBroken) as error:
            if isinstance(error, OSError):
                self._drivers.fence.notice(error)
            return False  # look again, with time to wait
        except StoreFailure:
            if self._is_spoilt():
                return False
            raise

    def _is_replaced(self) -> bool:
        """Say whether the head was removed, and perhaps made anew by who missed it.

        That of a log that was deleted goes for good. See
        docs/decisions/heads-that-were-removed.md.
        """
        return not (self._deleted or self._filesystem.is_named(self._head_fd))

    def _must_look(self) -> bool:
        """Say whether more is to be done than to glance."""
        unsure = self.damaged or self._unsettled or self._is_spoilt()
        return self._head_fd < 0 or unsure or not self._drivers.fence.is_down

    def _is_little(self, end: Position) -> bool:
        here = self.state.position
        return end.segment == here.segment and 0 <= end.offset - here.offset <= _GLANCE

    def _steps(self) -> Steps[News | None]:
        return look(self.directory, self._head_fd, self.token, self.state.position)

    async def _look_properly(self) -> None:
        if not self._is_open:
            await self._open()
            return
        try:
            await self._look_once()
        except StoreFailure:
            # The frame that is next found rows that were not what was saved.
            if not self._is_spoilt():
                raise
            await self._look_once()

    async def _look_once(self) -> None:
        if self._is_spoilt():
            await self._fold_again()
        if self._unsettled and not await self._is_read_only():
            self._unsettled = self.damaged = False
            await self._look_again()
            return
        if self.damaged and not self._unsettled and await self._is_mended():
            await self._begin_again()
            return
        try:
            if self._head_fd < 0:
                self._open_head()
            self._apply(await self._drivers.read.run(self._steps()))
            if self._is_replaced():
                self._open_head()
                self._apply(await self._drivers.read.run(self._steps()))
        except (HeadUnreadable, LogBroken, FileNotFoundError):
            if not self.damaged:
                await self._look_again()
        except OSError as error:
            raise in_words(error) from error

    async def _is_mended(self) -> bool:
        """Say whether somebody removed the mark: `imapbox repair`."""
        try:
            return not await self._drivers.read.run(is_damaged(self.directory))
        except OSError as error:
            raise in_words(error) from error

    async def _begin_again(self) -> None:
        """Read the log anew: of the damaged one perhaps not all could be read.

        Raises:
            MailboxGone: It is another one now, with another UIDVALIDITY.
        """
        if self._saved is None:
            await self._open()
        elif not await self._carry_on():
            raise self._lost()

    async def _look_again(self) -> None:
        """The head is lost, torn or older than what was applied: settle."""
        try:
            await self._settle()
            if await self._drivers.read.run(is_damaged(self.directory)):
                self.damaged = True  # and stays as it was read
                return
            self._open_head()
            try:
                self._apply(await self._drivers.read.run(self._steps()))
            except LogBroken:
                if not await self._carry_on():
                    raise
        except (HeadUnreadable, LogBroken) as error:
            raise self._lost() from error
        except OSError as error:
            raise in_words(error) from error

    def _lost(self) -> MailboxGone:
        """Give up: nobody who knows the state can learn what became of it."""
        self.lost = True
        self._log.error(
            "lost sight of the log in {directory}", directory=self.directory
        )
        return MailboxGone(self.directory)

    async def _carry_on(self) -> bool:
        """Read the log anew; return whether it is the one that was followed.

        Compaction may have removed the segment in which we were.
        """
        if self._saved is None:
            await self._open()  # nothing of its readers hangs on the old state
            return True
        older, was_damaged, token = self.state, self.damaged, self.token
        await self._open()
        carried_on = False
        try:
            carried_on = self._saved.carry_on(older, self.state)
        finally:
            if not carried_on:
                # Nobody may take the old state for the one of the new head.
                self.state, self.damaged = older, was_damaged
                self._take(token)
        return carried_on

    def _is_spoilt(self) -> bool:
        return self._saved is not None and self._saved.is_spoilt(self.state)

    async def _fold_again(self) -> None:
        """Make the state anew, as it is, from what is left.

        Raises:
            MailboxDamaged: The log is broken, too.
            MailboxGone: What its readers need of it is not there any more.
        """
        self._log.error(
            "a snapshot in {directory} is not what was written",
            directory=self.directory,
        )
        older = self.state
        steps = fold_up_to(
            self.directory, older.position, self._make_state, self._saved
        )
        try:
            newer = await self._drivers.read.run(steps)
        except (LogBroken, DamagedOperations, MailboxDamaged) as error:
            # Compaction may have removed the segment in which we were.
            if await self._carry_on():
                return
            if await self._drivers.read.run(is_damaged(self.directory)):
                raise MailboxDamaged(self.directory) from error
            raise self._lost() from error
        except OSError as error:
            raise in_words(error) from error
        if self._saved is None or not self._saved.replace(older, newer):
            raise self._lost()
        self.state = newer

    async def _is_read_only(self) -> bool:
        try:
            return await self._drivers.read.run(calls.is_read_only())
        except OSError as error:
            raise in_words(error) from error

    def _settle(self) -> Deferred[Position | None]:
        steps = recover(self.directory, self._settings, command="recover")
        return self._drivers.write.run(steps)

    def _look(self) -> Deferred[None]:
        return ensureDeferred(self._look_properly())

    def _apply(self, news: News | None) -> None:
        if news is not None:
            for frame in news.frames:
                self.state.apply(frame)
            self._take(news.token)

    def _take(self, token: bytes) -> None:
        """Note that the state is the one of ``token``."""
        head = Head.decode(token)
        self._deleted = head is not None and bool(head.flags & DELETED)
        self.token = token
