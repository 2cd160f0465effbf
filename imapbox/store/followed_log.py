"""A log that this process follows: its state, and how it is kept current."""

import errno
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.logger import Logger

from imapbox.disk import steps as calls
from imapbox.disk.failures import in_words
from imapbox.disk.steps import Steps, perform
from imapbox.index.damage import is_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import DELETED, Head, Position
from imapbox.index.head_file import head_octets
from imapbox.index.opening import (
    Folded,
    Opened,
    Saved,
    fold_up_to,
    open_log,
    recover,
)
from imapbox.index.read import HeadUnreadable, LogBroken, News, look
from imapbox.index.settings import Settings
from imapbox.model.errors import MailboxDamaged, MailboxGone, StoreFailure
from imapbox.store.drivers import Drivers
from imapbox.store.open_head import OpenHead

# So little may be read in the reactor; it was written a moment ago.
_GLANCE: Final = 16 * 1024
_TRIES: Final = 3
# So many are taken in, in some milliseconds, before others have their turn.
_FRAMES: Final = 500


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


class _Condition(Enum):
    """How a log was when it was last looked at."""

    UNREAD = auto()
    SOUND = auto()
    TORN = auto()  # a frame makes no sense, and half of it is in the state, perhaps
    DAMAGED = auto()  # marked, and so it takes no changes
    UNSETTLED = auto()  # takes none as long as nobody may write to the disk


class _Sight(NamedTuple):
    """What can change of a log that takes no changes: it is mended.

    Attributes:
        head: Its head's octets; none if it is lost.
        is_marked: Whether it is marked as damaged.
        is_read_only: Whether its file system is.
    """

    head: bytes
    is_marked: bool
    is_read_only: bool


def _condition_of(opened: Opened[S]) -> _Condition:
    if opened.unsettled:
        return _Condition.UNSETTLED
    return _Condition.DAMAGED if opened.damaged else _Condition.SOUND


def _sight(directory: str) -> Steps[_Sight]:
    head = yield from head_octets(directory)
    is_marked = yield from is_damaged(directory)
    return _Sight(head, is_marked, (yield from calls.is_read_only()))


class FollowedLog(Generic[S]):
    """The state of a log at `token`, touched in the reactor only.

    Attributes:
        directory: The log's.
        state: Everything up to `token`.
        token: The 64 bytes of the head that were applied.
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
        self.lost = False
        self._deleted = False
        self._condition = _Condition.UNREAD
        self._make_state = make_state
        self._saved = saved
        self._drivers = drivers
        self._settings = settings
        self._head = OpenHead(directory, drivers)
        self._seen: _Sight | None = None
        self._looking = DeferredLock()

    @property
    def damaged(self) -> bool:
        """Return whether the log takes no changes."""
        return self._condition in (_Condition.DAMAGED, _Condition.UNSETTLED)

    @property
    def _is_sound(self) -> bool:
        return self._condition is _Condition.SOUND and self._head.is_open

    @property
    def head_path(self) -> str:
        """Return the path of the head, which every commit writes."""
        return self._head.path

    def close(self) -> None:
        """Give the head's descriptor back; that happens by itself at the end."""
        self._head.close()

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
        """Say whether all is as the last `sync` saw it, so that none is needed.

        Raises:
            OSError: Nobody can tell.
        """
        files = self._drivers.filesystem
        if self.damaged:
            return perform(_sight(self.directory), files) == self._seen
        if self._deleted or not self._is_sound:
            return False
        self._head.look_at_path()
        return not self._head.is_replaced() and self._head.read() == self.token

    async def _open(self) -> None:
        try:
            for _ in range(_TRIES):
                opened = await self._drivers.read.run(self._reading())
                if not opened.token:  # a damaged log's head may be lost
                    self._head.close()
                    break
                with suppress(FileNotFoundError):  # it was removed just now
                    self._head.open()
                    break
            else:
                raise StoreFailure(self.directory)
        except OSError as error:
            raise in_words(error) from error
        self.state = opened.state
        self._condition = _condition_of(opened)
        self._take(opened.token)

    def _reading(self) -> Steps[Opened[S]]:
        return open_log(self.directory, self._settings, self._make_state, self._saved)

    def _glance(self) -> bool:
        """Do the usual: nothing or little is new, and it is read at once."""
        if self._must_look():
            return False
        try:
            data = self._head.read()
            if data != self.token:
                head = Head.decode(data)
                if head is None or not self._is_little(head.position):
                    return False
                news = perform(self._steps(), self._drivers.filesystem)
                if news is not None:
                    self._fold(news.frames)
                    self._take(news.token)
            return not self._is_replaced()
        except (OSError, HeadUnreadable, LogBroken, DamagedOperations) as error:
            if isinstance(error, OSError):
                self._drivers.fence.notice(error)
            return False  # look again, with time to wait
        except StoreFailure:
            if self._is_spoilt():
                return False
            raise

    def _is_replaced(self) -> bool:
        # That of a log that was deleted goes for good.
        return not self._deleted and self._head.is_replaced()

    def _must_look(self) -> bool:
        """Say whether more is to be done than to glance."""
        unsure = not self._is_sound or self._is_spoilt()
        return unsure or not self._drivers.fence.is_down

    def _is_little(self, end: Position) -> bool:
        here = self.state.position
        return end.segment == here.segment and 0 <= end.offset - here.offset <= _GLANCE

    def _steps(self) -> Steps[News | None]:
        return look(self.directory, self._head.fd, self.token, self.state.position)

    async def _take_news(self) -> None:
        """Learn what is new, bit by bit: somebody may have been away for long.

        What was taken in is what the log said at some moment, whenever this is
        cancelled; the next look goes on from there.
        """
        news = await self._drivers.read.run(self._steps())
        if news is None:
            return
        self._fold(news.frames[:_FRAMES])
        for start in range(_FRAMES, len(news.frames), _FRAMES):
            await self._drivers.turn()
            self._fold(news.frames[start : start + _FRAMES])
        self._take(news.token)

    async def _look_properly(self) -> None:
        if self._condition is _Condition.UNREAD:
            await self._open()
            return
        try:
            if self._condition is _Condition.TORN:
                await self._read_anew()
            else:
                await self._look_once()
        except DamagedOperations:
            await self._read_anew()
        except StoreFailure:
            # The frame that is next found rows that were not what was saved.
            if not self._is_spoilt():
                raise
            await self._look_once()

    async def _look_once(self) -> None:
        if self._is_spoilt():
            await self._fold_again()
        try:
            if self.damaged and await self._is_mended():
                await self._begin_again()
                return
            if not self._head.is_open:
                self._head.open()
            await self._take_news()
            if self._is_replaced():
                self._head.open()
                await self._take_news()
        except (HeadUnreadable, LogBroken, FileNotFoundError):
            if not self.damaged:
                await self._look_again()
        except OSError as error:
            raise in_words(error) from error

    async def _is_mended(self) -> bool:
        """Say whether the log can be read as one that takes changes.

        Somebody removed the mark, as `imapbox repair` does, or the file system
        takes changes again.
        """
        # What changes from here on is news to `is_current`.
        self._seen = await self._drivers.read.run(_sight(self.directory))
        if self._condition is _Condition.UNSETTLED:
            return not self._seen.is_read_only
        return not self._seen.is_marked

    async def _begin_again(self) -> None:
        """Read the log anew: of the damaged one perhaps not all could be read.

        Raises:
            MailboxGone: It is another one now, with another UIDVALIDITY.
        """
        if not await self._carry_on():
            raise self._lost()

    async def _look_again(self) -> None:
        """The head is lost, torn or older than what was applied: settle."""
        try:
            for _ in range(_TRIES):
                await self._settle()
                if await self._drivers.read.run(is_damaged(self.directory)):
                    self._condition = _Condition.DAMAGED  # and stays as it was read
                    return
                with suppress(FileNotFoundError):  # it was removed just now
                    self._head.open()
                    break
            else:
                raise StoreFailure(self.directory)
            try:
                await self._take_news()
            except LogBroken:
                if not await self._carry_on():
                    raise
        except (HeadUnreadable, LogBroken) as error:
            raise self._lost() from error
        except OSError as error:
            if error.errno != errno.EROFS:
                raise in_words(error) from error
            await self._begin_again()  # what can be read without settling it

    async def _read_anew(self) -> None:
        """A frame makes no sense, and half of it is in the state, perhaps.

        Raises:
            MailboxGone: Nobody can go on with that state.
        """
        if self._saved is not None:
            raise self._lost()
        await self._open()

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
        older, condition, token = self.state, self._condition, self.token
        await self._open()
        carried_on = False
        try:
            carried_on = self._saved.carry_on(older, self.state)
        finally:
            if not carried_on:
                # Nobody may take the old state for the one of the new head.
                self.state, self._condition = older, condition
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

    def _settle(self) -> Deferred[Position | None]:
        steps = recover(self.directory, self._settings, command="recover")
        return self._drivers.write.run(steps)

    def _look(self) -> Deferred[None]:
        return ensureDeferred(self._look_properly())

    def _fold(self, frames: Sequence[Frame]) -> None:
        try:
            for frame in frames:
                self.state.apply(frame)
        except DamagedOperations:
            self._condition = _Condition.TORN
            raise

    def _take(self, token: bytes) -> None:
        """Note that the state is the one of ``token``."""
        head = Head.decode(token)
        self._deleted = head is not None and bool(head.flags & DELETED)
        self.token = token
