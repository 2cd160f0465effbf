"""Writing messages again at the end of the log, so that their old places can go.

A message that is not what was stored is left where it is: written again under
new CRCs it would look sound.
"""

import errno
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.frame import Frame
from imapbox.index.head import Counts, Position
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.operations import Relocate
from imapbox.index.remembered_keys import NO_KEY
from imapbox.index.segment import segment_name
from imapbox.index.transaction import Change, Octets
from imapbox.model.numbers import ModSeq, Uid

# Who writes many again writes so many at a time, or so much.
MESSAGES_AT_ONCE: Final = 1000
OCTETS_AT_ONCE: Final = 8 * 1024 * 1024


class Moving(NamedTuple):
    """A message on its way: what will be said of it, its card, its octets."""

    operation: Relocate
    card: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class RelocateMessages:
    """Write messages again, all in one frame. Decided under the same lock."""

    messages: Sequence[Moving]

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return None

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`. Nobody who knows the messages learns anything."""
        del time
        operations = [each.operation.encode() for each in self.messages]
        payload = [
            Octets(each.card, b"", MemoryContent(each.octets)) for each in self.messages
        ]
        return Change(operations, counts, payload)

    def begin_anew(self) -> None:
        """See `Transaction`."""


def read_moving(
    directory: str, state: MailboxState, rows: Sequence[int]
) -> Steps[list[Moving]]:
    """Read messages that are to be written again; pass over those that are broken.

    So are those that the disk can't read: the others are not to wait for it. Who
    holds no lock may miss what compaction takes elsewhere, or takes away, just now.

    Args:
        directory: The log's.
        state: What it says.
        rows: Which ones, in the order in which they are returned.
    """
    uids = [Uid(int(state.columns["uid"][row])) for row in rows]
    keys = state.facts.keys.of(uids)
    found: list[Moving] = []
    places = [(row, state.columns.place(row)) for row in rows]
    for segment, group in groupby(places, key=lambda each: each[1].segment):
        path = f"{directory}/{segment_name(segment)}"
        read = partial(_read, state=state, keys=keys, places=list(group))
        with suppress(FileNotFoundError):  # it went, and all that lay in it
            found += yield from steps.opened(path, Mode.READ, read)
    return found


def _read(
    fd: int,
    *,
    state: MailboxState,
    keys: dict[Uid, bytes],
    places: list[tuple[int, Place]],
) -> Steps[list[Moving]]:
    found = []
    for row, place in places:
        card, message = yield from _octets(fd, place)
        if not place.is_intact(message):
            continue
        if zlib.crc32(card) != place.card_crc:
            card = b""  # it can be made again
        found.append(Moving(_relocation(state, row, place, card, keys), card, message))
    return found


def _octets(fd: int, place: Place) -> Steps[tuple[bytes, bytes]]:
    """Return a message's card and its octets, as much of both as can be read."""
    size = place.card_size + place.size
    octets = yield from _readable(fd, size, place.offset - place.card_size)
    if len(octets) < size and place.card_size:
        # A block that is bad may be the card's alone.
        message = yield from _readable(fd, place.size, place.offset)
        return octets[: place.card_size], message
    return octets[: place.card_size], octets[place.card_size :]


def _readable(fd: int, size: int, offset: int) -> Steps[bytes]:
    """Return octets; none where the disk can't read the first of them."""
    try:
        octets: bytes = yield from steps.pread(fd, size, offset)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""
    return octets


def _relocation(
    state: MailboxState, row: int, place: Place, card: bytes, keys: dict[Uid, bytes]
) -> Relocate:
    columns = state.columns
    message = columns.message(row, place, columns.keywords_of(row))
    message = message._replace(
        key=keys.get(message.uid, NO_KEY),
        card_size=len(card),
        card_crc=zlib.crc32(card),
    )
    return Relocate(ModSeq(int(columns["modseq"][row])), message)
