"""Undo: what was expunged comes back, as new messages with new UIDs.

The octets of an expunged message stay where they are for a grace time, and
often for longer. They are read, checked and written again under the locks of
account and mailbox: compaction can't take them away meanwhile. Some are
brought back at a time, in one frame that says who came back as whom; between
two frames others have their turn.

A crash leaves some of them back, each whole. Whoever undoes again goes on with
the others, since nobody comes back twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from imapbox.disk import steps
from imapbox.disk.steps import Pause, Steps
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.index.commit import Log, write_one
from imapbox.index.expunged import Expunged
from imapbox.index.head import Position
from imapbox.index.known import Known
from imapbox.index.opening import caught_up, open_log
from imapbox.index.relocate import (
    MESSAGES_AT_ONCE,
    OCTETS_AT_ONCE,
    Moving,
    read_moving,
)
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, settle
from imapbox.index.store_again import StoreAgain
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import MailboxDamaged
from imapbox.model.numbers import ModSeq, Uid

COMMAND: Final = "undo"


class NoSuchModSeq(Exception):
    """The mailbox has not come as far as this modseq yet.

    Attributes:
        highest: How far it has come.
    """

    def __init__(self, highest: ModSeq) -> None:
        super().__init__(highest)
        self.highest = highest


class Lost(NamedTuple):
    """A message that can't be brought back.

    Attributes:
        uid: Its UID.
        time: When it was expunged, microseconds since 1970 UTC.
    """

    uid: Uid
    time: int


@dataclass(slots=True)
class BroughtBack:
    """What came of it.

    Attributes:
        before: UIDs that messages had, ascending.
        now: UIDs that they have now, one for each.
        lost: Those that could not be brought back.
        begins: The modseq at which the log begins: of what was expunged before
            nothing is known.
    """

    before: list[Uid] = field(default_factory=list)
    now: list[Uid] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    begins: ModSeq = ModSeq(0)  # noqa: RUF009 - a value


def undo(
    log: Log,
    binding: Binding,
    to: ModSeq,
    settings: Settings,
    done: BroughtBack | None = None,
) -> Steps[BroughtBack]:
    """Bring back all that was expunged behind a modseq, as far as it is there.

    Args:
        log: The mailbox's.
        binding: What is known of its account.
        to: The modseq.
        settings: How to write.
        done: Says what came back, also where that is not all.

    Raises:
        NoSuchModSeq: It is beyond HIGHESTMODSEQ; nothing was done.
        MailboxGone: The mailbox was deleted.
        MailboxDamaged: It is damaged, or its account.
        MailboxBusy: A lock was not to be had; what came back until then stays.
        DiskFull: As above.
    """
    run = _Run(log, binding, to, settings)
    run.done = done or run.done
    yield from run.read()
    while run.is_left:
        yield from run.under_locks()
    return run.done


def look_for_expunged(log: Log, to: ModSeq, settings: Settings) -> Steps[BroughtBack]:
    """Say what `undo` would do now, and change nothing. `now` stays empty.

    Raises:
        NoSuchModSeq: It is beyond HIGHESTMODSEQ.
        MailboxDamaged: The mailbox is.
    """
    run = _Run(log, None, to, settings)
    yield from run.read()
    while run.is_left:
        some = run.some()
        found = yield from run.read_messages(some)
        run.done.before += [each.operation.message.uid for each in found]
    return run.done


class _Run:
    """One undo."""

    def __init__(
        self, log: Log, binding: Binding | None, to: ModSeq, settings: Settings
    ) -> None:
        self.done = BroughtBack()
        self._log = log
        self._binding = binding
        self._to = to
        self._settings = settings
        self._mailbox = Expunged()
        # The last one first.
        self._left: list[Lost] = []

    def read(self) -> Steps[None]:
        """Learn what is in the log, without its lock."""
        directory = self._log.directory
        opened = yield from open_log(directory, self._settings, Expunged)
        if opened.damaged:
            raise MailboxDamaged(directory)
        self._mailbox = opened.state
        highest = self._mailbox.state.counts.modseq
        if self._to > highest:
            raise NoSuchModSeq(highest)
        self.done.begins = self._mailbox.begins or ModSeq(0)
        # What is expunged from now on is no part of it.
        deaths = self._mailbox.deaths
        dead = self._mailbox.since(self._to)
        self._left = [Lost(uid, deaths[uid].time) for uid in reversed(dead)]

    @property
    def is_left(self) -> bool:
        """Say whether anybody is still to come back."""
        return bool(self._left)

    def some(self) -> list[Lost]:
        """Take as many of them as come back at once, while the locks are held."""
        taken: list[Lost] = []
        octets = 0
        deaths, columns = self._mailbox.deaths, self._mailbox.state.columns
        while self._left and len(taken) < MESSAGES_AT_ONCE and octets < OCTETS_AT_ONCE:
            each = self._left.pop()
            death = deaths.get(each.uid)
            if each.uid in self._mailbox.back:
                continue  # another undo was faster
            if death is None or not death.is_known:
                self.done.lost.append(each)
                continue
            taken.append(each)
            (row,) = columns.rows_of(np.array([each.uid], np.uint32)).tolist()
            octets += int(columns["size"][row])
        return taken

    def read_messages(self, dead: Sequence[Lost]) -> Steps[list[Moving]]:
        """Read messages; take note of those that are not there, or can't be read."""
        state = self._mailbox.state
        rows = state.columns.rows_of(np.array([each.uid for each in dead], np.uint32))
        found = yield from read_moving(self._log.directory, state, rows.tolist())
        readable = {each.operation.message.uid for each in found}
        self.done.lost += [each for each in dead if each.uid not in readable]
        return found

    def under_locks(self) -> Steps[None]:
        """Bring some back; between two of these the process may do other work."""
        moment = yield from steps.monotonic()
        yield Pause(self._log.lock, moment)
        binding = self._binding
        if binding is None:
            raise RuntimeError("nothing is changed without a binding")

        def section() -> Steps[None]:
            account = yield from settle(binding.account, self._settings)
            tail = yield from settle(self._log.directory, self._settings)
            yield from binding.check_settled(account.position)
            yield from self._catch_up(tail.position)
            yield from self._bring_back_some(tail)

        identity = Identity(self._settings.node, self._settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + self._settings.patience
        paths = [f"{binding.account}/lock", self._log.lock]
        try:
            yield from locked(paths, identity, until, section)
        except AccountUnsettled as error:
            # It was settled a moment ago, and is not the one that we knew.
            raise MailboxDamaged(binding.account) from error

    def _catch_up(self, end: Position) -> Steps[None]:
        """Learn what was committed since. The locks are held."""
        directory = self._log.directory
        self._mailbox = yield from caught_up(directory, self._mailbox, end, Expunged)

    def _bring_back_some(self, tail: Tail) -> Steps[None]:
        found = yield from self.read_messages(self.some())
        if not found:
            return
        keywords = list(self._mailbox.state.facts.keywords)
        wish = StoreAgain(
            found, keywords, Known(tail.position, list(keywords)), undoes=True
        )
        yield from write_one(self._log, self._settings, tail, wish)
        self.done.before += [each.operation.message.uid for each in found]
        self.done.now += map(Uid, wish.uids)
