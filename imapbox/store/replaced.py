"""The mailbox in whose place another one is restored: what of it comes along."""

from collections import Counter
from typing import Self

from imapbox.disk.steps import Steps
from imapbox.index.inherited_keys import keys_to_inherit
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import open_log
from imapbox.index.read import LogBroken, follow
from imapbox.index.remembered_keys import RememberedKeys
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail
from imapbox.model.errors import MailboxBusy
from imapbox.model.numbers import Uid


class PlaceDamaged(Exception):
    """The mailbox whose place it would take is damaged: it is repaired first."""


class Replaced:
    """The mailbox that is there now.

    Attributes:
        directory: Of its log.
        state: What the log says.
    """

    def __init__(self, directory: str, state: MailboxState) -> None:
        self.directory = directory
        self.state = state
        self._seen = 0

    @classmethod
    def read(cls, directory: str, settings: Settings) -> Steps[Self]:
        """Read it as it is now; nobody is kept from changing it.

        Raises:
            PlaceDamaged: Not all of it can be read.
        """
        opened = yield from open_log(directory, settings, MailboxState)
        if opened.damaged:
            raise PlaceDamaged(directory)
        return cls(directory, opened.state)

    def follow(self, tail: Tail) -> Steps[None]:
        """Learn what happened to it meanwhile. Its lock is held.

        Raises:
            MailboxBusy: Compaction was faster: the next one may try again.
        """
        state, end = self.state, tail.position
        try:
            yield from follow(self.directory, state.position, end, state.apply)
        except LogBroken as broken:
            raise MailboxBusy("compact") from broken

    def kept(self, back: Counter[bytes]) -> list[int]:
        """Return the rows of messages that come along, of those not seen yet.

        The same octets may be in a mailbox more than once. So many of them as came
        back from the copy are taken for these, the oldest first.

        Args:
            back: How often each emailid came back; what is taken for it is counted
                down.
        """
        columns = self.state.columns
        rows = columns.alive_rows()
        rows = rows[columns["uid"][rows] >= self._seen]
        self._seen = self.state.counts.uidnext
        kept = []
        for row, emailid in zip(
            rows.tolist(), map(bytes, columns["emailid"][rows]), strict=True
        ):
            if back[emailid]:
                back[emailid] -= 1
            else:
                kept.append(row)
        return kept

    def rows_of(self, uids: list[Uid]) -> list[int]:
        """Return the rows of those messages that are there."""
        rows = map(self.state.columns.row_of, uids)
        return [row for row in rows if row is not None]

    def keys(self, tail: Tail, settings: Settings) -> Steps[RememberedKeys]:
        """Return the keys of deliveries that it remembers. Its lock is held."""
        keys, uidnext = self.state.facts.keys, tail.counts.uidnext
        return (
            yield from keys_to_inherit(self.directory, keys, settings.boot, uidnext)
        )
