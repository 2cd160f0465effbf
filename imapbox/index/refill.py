"""Filling a new mailbox's log with messages that lie in other logs.

Nobody knows the new log yet, so what is written to it counts only once an
account binds it. The messages come some at a time, each some a frame.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.commit import Log, commit
from imapbox.index.head import Head
from imapbox.index.head_file import head_of
from imapbox.index.known import Known
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.relocate import Moving, read_moving
from imapbox.index.segment import segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.store_again import StoreAgain
from imapbox.index.transaction import Transaction
from imapbox.model.errors import MailboxDamaged
from imapbox.model.numbers import Uid

COMMAND: Final = "restore"
MESSAGES_AT_ONCE: Final = 1000
OCTETS_AT_ONCE: Final = 8 * 1024 * 1024


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

    def add(
        self, directory: str, state: MailboxState, rows: Sequence[int]
    ) -> Steps[list[Uid]]:
        """Add messages of another log; return the UIDs of those that are left out.

        They are not what was stored there.

        Args:
            directory: The other log's.
            state: What it says.
            rows: Which ones, in their order.
        """
        broken: list[Uid] = []
        for some in _portions(state, rows):
            found = yield from _read(directory, state, some)
            readable = {each.operation.message.uid for each in found}
            uids: list[Uid] = state.columns["uid"][some].tolist()
            broken += [uid for uid in uids if uid not in readable]
            if not found:
                continue
            known = Known((yield from self._head()).position, list(self._keywords))
            wish = StoreAgain(found, list(state.facts.keywords), known)
            yield from self.write(wish)
            self._keywords = known.keywords
            self.count += len(found)
        return broken

    def write(self, wish: Transaction) -> Steps[None]:
        """Commit a change of the new log."""
        (outcome,) = yield from commit(
            self._log, self._settings, lambda: [wish], command=COMMAND
        )
        if outcome.error is not None:
            raise outcome.error

    def _head(self) -> Steps[Head]:
        head = yield from head_of(self._log.directory)
        if head is None:
            raise MailboxDamaged(self._log.directory)
        return head


def _read(
    directory: str, state: MailboxState, rows: Sequence[int]
) -> Steps[list[Moving]]:
    """Return those messages that are what was stored."""
    numbers = segment_numbers((yield from steps.list_directory(directory)))
    wanted = np.array(rows, np.intp)
    there = np.isin(state.columns["segment"][wanted], numbers)
    return (yield from read_moving(directory, state, wanted[there].tolist()))


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
