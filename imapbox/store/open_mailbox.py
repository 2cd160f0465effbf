"""What all sessions of a process share of one mailbox."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from imapbox.disk.blocking import result_of
from imapbox.disk.failures import in_words
from imapbox.disk.spool import Content
from imapbox.disk.steps import Steps
from imapbox.index.body import READ_WHOLE, Place, Span, read_bodies, read_cards
from imapbox.index.body_check import BodyCheck
from imapbox.index.commit import Log
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.settings import Settings
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.index.transaction import Change, Transaction
from imapbox.model.errors import MailboxDamaged, StoreFailure
from imapbox.model.numbers import Uid
from imapbox.store.cards import card_of_stored
from imapbox.store.committer import AccountBinding, Committer
from imapbox.store.compactions import Compactor
from imapbox.store.drivers import Drivers
from imapbox.store.followed_log import FollowedLog
from imapbox.store.snapshots import SnapshotMaker

T = TypeVar("T")

# Behind every hint, how often the head is looked at while somebody waits.
POLL_SECONDS: Final = 4.0
# Of so many messages it is remembered that they were checked.
_MAX_INTACT: Final = 10_000


class Upkeep(NamedTuple):
    """Who looks after the mailboxes of a process while it follows them."""

    snapshots: SnapshotMaker
    compactor: Compactor


class OpenMailbox:
    """A mailbox's state, its way in for changes, and who waits for news.

    Attributes:
        directory: Of the mailbox's log.
        log: The log as this process follows it.
        binding: Says what is known of its account now.
        recent_uid: Up to which UID sessions of this process took messages for
            recent. It may not be written yet.
    """

    def __init__(
        self,
        directory: str,
        drivers: Drivers,
        settings: Settings,
        binding: AccountBinding,
        upkeep: Upkeep,
    ) -> None:
        self.directory = directory
        self.log = FollowedLog(
            directory, MailboxState, drivers, settings, MailboxSnapshots()
        )
        self.recent_uid = 0
        self.binding = binding.binding
        self._drivers = drivers
        self._snapshots, self._compactor = upkeep
        self._checked: MailboxState | None = None
        log = Log(directory, MailboxFacts)
        self._committer = Committer(log, drivers.write, settings, binding)
        self._intact: set[Place] = set()
        self._waiters: list[Deferred[None]] = []
        self._poll: IDelayedCall | None = None
        self._stop_listening: Callable[[], None] | None = None

    @property
    def state(self) -> MailboxState:
        """Return the messages, as of the last `sync`."""
        return self.log.state

    async def sync(self) -> None:
        """Learn everything that was acknowledged before this call.

        Raises:
            MailboxGone: It was deleted.
            MailboxDamaged: It is another one's.
            MailError: It can't be read.
        """
        token = self.log.token
        await self.log.sync()
        state = self.state
        if state is not self._checked:
            self._check_identity(state)
            self._checked = state
            self._snapshots.check(self.directory, state)
        if self.log.token != token and state.has_many_dead:
            self.forget()  # a session that tells nothing does not ask for it
        if not self.log.damaged:
            self._snapshots.consider(self)
            self._compactor.consider(self.directory)

    def _check_identity(self, state: MailboxState) -> None:
        """See that a log is not another mailbox's, which nobody may see.

        Raises:
            MailboxDamaged: It is: somebody put its file in the place of ours.
        """
        if state.facts.mailbox_id not in {b"", self.binding().mailbox_id}:
            raise MailboxDamaged(self.directory)

    def submit(
        self,
        transaction: Transaction,
        *,
        command: str,
        contents: Sequence[Content] = (),
    ) -> Deferred[Change | None]:
        """Commit a change; see `Committer.submit`.

        Args:
            transaction: The change.
            command: What for, for `imapbox locks`.
            contents: Held for as long as the commit may need them.
        """
        for content in contents:
            content.hold()

        def release() -> None:
            for content in contents:
                content.release()

        return self._committer.submit(transaction, command=command, finished=release)

    async def read(self, spans: list[Span]) -> list[bytes | None]:
        """Return octets of messages; None where they are gone."""
        return await self._reading(read_bodies(self.directory, spans))

    async def read_cards(self, places: Sequence[Place]) -> list[bytes | None]:
        """Return the cards of messages; None where there is no good one."""
        return await self._reading(read_cards(self.directory, places))

    async def is_intact(self, uid: Uid, place: Place) -> bool:
        """Say whether a message is what was stored; each is checked once.

        Small ones are checked whenever any of their octets are read. One that
        is gone, or lies elsewhere by now, is checked each time: what was there
        may be punched out.
        """
        if place.size <= READ_WHOLE:
            return True
        if place in self._intact and await self._lies(uid, place):
            return True
        check = BodyCheck(self.directory, place)
        intact = None
        while intact is None:
            intact = await self._reading(check.go_on())
        if intact:
            if len(self._intact) >= _MAX_INTACT:
                self._intact.clear()
            self._intact.add(place)
        return intact

    async def _lies(self, uid: Uid, place: Place) -> bool:
        """Say whether a message exists and lies where it is thought to."""
        await self.sync()
        row = self.state.columns.row_of(uid)
        return row is not None and self.state.columns.place(row) == place

    async def make_card(self, place: Place) -> bytes | None:
        """Make a message's card from its octets; None if these are gone."""
        return await self._reading(card_of_stored(self.directory, place))

    async def read_through(self, span: Span, work: Callable[[bytes], T]) -> T | None:
        """Do ``work`` on octets of a message where they are read, in a thread.

        None if they are gone.
        """

        def steps() -> Steps[T | None]:
            (octets,) = yield from read_bodies(self.directory, [span])
            return None if octets is None else work(octets)

        return await self._reading(steps())

    async def _reading(self, steps: Steps[T]) -> T:
        try:
            return await self._drivers.read.run(steps)
        except OSError as error:
            raise in_words(error) from error

    def read_now(self, spans: list[Span]) -> list[bytes | None]:
        """Do as `read` does, and keep the reactor waiting.

        Raises:
            StoreFailure: It took too long, or can't be done.
        """
        reading = self._drivers.blocking.run(read_bodies(self.directory, spans))
        try:
            return result_of(reading)
        except OSError as error:
            raise in_words(error) from error

    def forget(self) -> None:
        """Drop what every reader has read: changes, and expunged rows."""
        with suppress(StoreFailure):  # the next sync mends it
            self.state.forget()

    def close(self) -> None:
        """Give everything back."""
        self._give_up_watch()
        self.log.close()

    def changed(self) -> Deferred[None]:
        """Return a Deferred that fires when a `sync` may have news.

        It fires for every commit that this node's kernel tells of, and at the
        latest when the next poll finds the head changed.
        """
        waiter: Deferred[None] = Deferred(self._stop_waiting)
        self._waiters.append(waiter)
        if len(self._waiters) == 1:
            watch = self._drivers.watch
            self._stop_listening = watch.listen(self.log.head_path, self._wake)
            self._start_poll()
            # A commit may have come between the caller's sync and the watch.
            self._look_at_head()
        return waiter

    def _start_poll(self) -> None:
        jitter = self._drivers.filesystem.random(1)[0] / 256
        self._poll = self._drivers.reactor.callLater(
            POLL_SECONDS * (0.75 + jitter / 2), self._poll_head
        )

    def _poll_head(self) -> None:
        self._poll = None
        self._look_at_head()
        # Who was woken may wait again by now, and have started the next poll.
        if self._waiters and self._poll is None:
            self._start_poll()

    def _look_at_head(self) -> None:
        try:
            current = self.log.is_current()
        except OSError as error:
            self._drivers.fence.notice(error)
            current = False
        if not current:
            self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        self._give_up_watch()
        for waiter in waiters:
            waiter.callback(None)

    def _stop_waiting(self, gone: Deferred[None]) -> None:
        if gone in self._waiters:
            self._waiters.remove(gone)
            if not self._waiters:
                self._give_up_watch()

    def _give_up_watch(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        if self._poll is not None and self._poll.active():
            self._poll.cancel()
        self._poll = None
