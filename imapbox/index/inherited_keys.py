"""Delivery keys that a mailbox has from another one, whose place it takes.

A client that tries a delivery again is answered as if the mailbox were the same, for
as long as it would have been. The messages have other UIDs now, if they are there at
all, so the keys come without: with `NO_UID`. What was in doubt stays so for as long
as it is remembered, as behind a restart of the machine (`doubts`).

What there is to be remembered is known last, when mail can come no more, and times
are those of the deliveries. So it is the BASE of a new segment that says it.
"""

from imapbox.disk.steps import Steps
from imapbox.index.doubts import read_doubts
from imapbox.index.encoding import Encoded
from imapbox.index.head import Counts
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.remembered_keys import (
    NO_UID,
    RECORD,
    RememberedKeys,
    only_in_doubt,
)
from imapbox.index.rotate import rotate
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.model.errors import DiskFull
from imapbox.model.numbers import Uid


def keys_to_inherit(
    directory: str, keys: RememberedKeys, boot: int, uidnext: Uid
) -> Steps[RememberedKeys]:
    """Return those of a mailbox's keys that count. Its lock is held.

    Args:
        directory: Of its log.
        keys: All that it remembers.
        boot: `FileSystem.boot`.
        uidnext: Its UIDNEXT.
    """
    doubts = yield from read_doubts(directory, boot, uidnext)
    inherited = RememberedKeys()
    for key, uid, time in RECORD.iter_unpack(keys.records()):
        if not only_in_doubt(key) or uid < doubts.since or doubts.hold(key, uid):
            inherited.add(key, NO_UID, time)
    return inherited


def inherit_keys(
    directory: str, inherited: RememberedKeys, settings: Settings
) -> Steps[None]:
    """Let a log that has no keys of its own go on with these.

    Args:
        directory: The log's. Its lock is held, or nobody knows it yet.
        inherited: Not empty.
        settings: How to write.

    Raises:
        DiskFull: There is no room; they are not remembered.
    """
    tail = yield from settle(directory, settings)
    after = yield from rotate(directory, _Inheriting(inherited), tail, settings)
    if after.position.segment == tail.position.segment:
        raise DiskFull(directory)


class _Inheriting(MailboxFacts):
    """The facts of a log, with the keys of another one."""

    def __init__(self, keys: RememberedKeys) -> None:
        super().__init__()
        self._inherited = keys

    def base(self, counts: Counts, time: int) -> Encoded:
        """See `rotate.Facts`."""
        self.keys = self._inherited
        return super().base(counts, time)
