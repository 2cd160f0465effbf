"""Whether a copy of a log has what lived at its end, though others compact it.

What lies before a head never changes, but for the octets of messages that have
died, or were written again, behind it: compaction without much grace may punch
them out before they are copied, and notes that only when it is done. So these are
read in the copy, of which there are none as a rule.
"""

import numpy as np

from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.body_check import BodyCheck
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.head_file import head_of
from imapbox.index.log_copy import BeginningGone, Extent, LogCopy
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import follow_all
from imapbox.index.operations import Expunge, Relocate, decode_operations
from imapbox.index.read import LogBroken, follow
from imapbox.model.errors import MailboxDamaged


class OctetsGone(BeginningGone):
    """What lived at the end of a copy was given up before it was copied."""


def check_copied(copy: LogCopy, extent: Extent) -> Steps[None]:
    """See that a mailbox's copy is whole, of which the segments are copied.

    Raises:
        OctetsGone: It is not.
        BeginningGone: Nobody can tell any more.
    """
    end, counts = extent.head.position, extent.head.counts
    uids = yield from _uids_given_up(copy.source, end)
    known = sorted(uid for uid in uids if uid < counts.uidnext)
    if not known or copy.is_short:
        return
    state = MailboxState()
    try:
        yield from follow_all(copy.target, end, state.apply)
    except (LogBroken, DamagedOperations, MailboxDamaged):
        return  # it was damaged before, and is copied as it is
    columns = state.columns
    rows = columns.rows_of(np.array(known, np.uint32))
    for place in columns.places(rows[columns["alive"][rows]]):
        if not (yield from _is_whole(copy.target, place)):
            raise OctetsGone


def _uids_given_up(directory: str, end: Position) -> Steps[set[int]]:
    """Return which messages died, or were written again, behind a position."""
    uids: set[int] = set()

    def note(frame: Frame) -> None:
        for operation in decode_operations(frame.operations):
            if isinstance(operation, Expunge):
                uids.update(uid for each in operation.uids for uid in each)
            elif isinstance(operation, Relocate):
                uids.add(operation.message.uid)

    try:
        now = yield from head_of(directory)
        if now is None:
            raise BeginningGone
        yield from follow(directory, end, now.position, note)
    except (LogBroken, DamagedOperations, FileNotFoundError) as error:
        raise BeginningGone from error
    return uids


def _is_whole(directory: str, place: Place) -> Steps[bool]:
    """Read a message a piece at a time: it may be large, and they may be many."""
    check = BodyCheck(directory, place)
    found = None
    while found is None:
        found = yield from check.go_on()
    return found
