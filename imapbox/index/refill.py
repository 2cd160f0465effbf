"""Filling a new mailbox's log with messages that lie in other logs.

Nobody knows the new log yet, so what is written to it counts only once an
account binds it. The messages come some at a time, each some a frame.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.disk.steps import Steps
from imapbox.index.commit import Log, commit
from imapbox.index.head import Head
from imapbox.index.head_file import head_of
from imapbox.index.known import Known
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import ExpungeMessages, SetFlags
from imapbox.index.opening import open_log
from imapbox.index.relocate import (
    MESSAGES_AT_ONCE,
    OCTETS_AT_ONCE,
    read_moving,
)
from imapbox.index.rows_taken_along import take_along
from imapbox.index.settings import Settings
from imapbox.index.store_again import StoreAgain
from imapbox.index.transaction import Transaction
from imapbox.model.errors import MailboxDamaged
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.numbers import ModSeq, Uid

COMMAND: Final = "restore"


class Added(NamedTuple):
    """Messages of another log that were added.

    Attributes:
        first: The UID that the first one has here; the others follow.
        uids: Those that they have there.
        modseq: The other log's, when they were read.
        broken: Those of messages that are not what was stored, or not there, or
            can't be read; they are left out.
    """

    first: Uid
    uids: NDArray[np.uint32]
    modseq: ModSeq
    broken: list[Uid]


class Refill:
    """A log that is being filled.

    Args:
        log: The new one, made and empty.
        settings: How to write.

    Attributes:
        count: How many messages are in it.
    """

    def __init__(self, log: Log, settings: Settings) -> None:
        self.count = 0
        self._log = log
        self._settings = settings
        self._keywords: list[str] = []
        self._uidnext = 1

    def add(
        self, directory: str, state: MailboxState, rows: Sequence[int]
    ) -> Steps[Added]:
        """Add messages of another log, but for those that are broken.

        Args:
            directory: The other log's.
            state: What it says.
            rows: Which ones, in their order.
        """
        first = Uid(self._uidnext)
        added: list[Uid] = []
        broken: list[Uid] = []
        for some in _portions(state, rows):
            found = yield from read_moving(directory, state, some)
            readable = {each.operation.message.uid for each in found}
            uids: list[Uid] = state.columns["uid"][some].tolist()
            added += [uid for uid in uids if uid in readable]
            broken += [uid for uid in uids if uid not in readable]
            if not found:
                continue
            known = Known((yield from self._head()).position, list(self._keywords))
            wish = StoreAgain(found, list(state.facts.keywords), known)
            yield from self.write(wish)
            self._keywords = known.keywords
            self._uidnext = wish.uids.stop
            self.count += len(found)
        return Added(first, np.array(added, np.uint32), state.counts.modseq, broken)

    def catch_up(self, added: Added, state: MailboxState) -> Steps[None]:
        """Let messages be as they are in the other log by now: their flags, and gone.

        Nothing is added behind this.

        Args:
            added: Those messages.
            state: What the other log says now.
        """
        columns = state.columns
        rows = columns.rows_of(added.uids)
        alive = columns["alive"][rows]
        changed = alive & (columns["modseq"][rows] > added.modseq)
        if alive.all() and not changed.any():
            return
        opened = yield from open_log(self._log.directory, self._settings, MailboxState)
        uids = np.arange(added.first, added.first + len(rows), dtype=np.uint32)
        gone = take_along(opened.state, uids[~alive])
        wishes: list[Transaction] = [ExpungeMessages(gone, only_deleted=False)]
        for (flags, keywords), some in _by_flags(state, rows[changed], uids[changed]):
            known = take_along(opened.state, some)
            wishes.append(SetFlags(known, FlagChange.REPLACE, flags, keywords))
        yield from self.write(*wishes)
        self.count -= len(gone.rows)

    def write(self, *wishes: Transaction) -> Steps[None]:
        """Commit changes of the new log, all in one write."""
        outcomes = yield from commit(
            self._log, self._settings, lambda: wishes, command=COMMAND
        )
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error

    def _head(self) -> Steps[Head]:
        head = yield from head_of(self._log.directory)
        if head is None:
            raise MailboxDamaged(self._log.directory)
        return head


def _portions(state: MailboxState, rows: Sequence[int]) -> Iterator[list[int]]:
    """Cut rows into portions, each of as many as are held in memory at once."""
    sizes = state.columns["size"][np.array(rows, np.intp)].tolist()
    portion: list[int] = []
    octets = 0
    for row, size in zip(rows, sizes, strict=True):
        full = len(portion) == MESSAGES_AT_ONCE or octets + size > OCTETS_AT_ONCE
        if portion and full:
            yield portion
            portion, octets = [], 0
        portion.append(row)
        octets += size
    if portion:
        yield portion


def _by_flags(
    state: MailboxState, rows: NDArray[np.intp], uids: NDArray[np.uint32]
) -> Iterator[tuple[tuple[Flag, frozenset[str]], NDArray[np.uint32]]]:
    """Group UIDs by the flags and keywords that their rows have."""
    columns, names = state.columns, state.facts.keywords
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    flags = columns["flags"][rows].tolist()
    for uid, *group in zip(uids.tolist(), flags, columns.keywords(rows), strict=True):
        groups[group[0], group[1]].append(uid)
    for (bits, keywords), some in groups.items():
        had = frozenset(name for n, name in enumerate(names) if keywords >> n & 1)
        yield (Flag(bits), had), np.array(some, np.uint32)
