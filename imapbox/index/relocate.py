"""Writing messages again at the end of the log, so that their old places can go.

A message that is not what was stored is left where it is: written again under
new CRCs it would look sound.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import NamedTuple

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

    Args:
        directory: The log's.
        state: True now: the lock is held.
        rows: Of messages that exist.
    """
    uids = [Uid(int(state.columns["uid"][row])) for row in rows]
    keys = state.facts.keys.of(uids)
    found: list[Moving] = []
    places = [(row, state.columns.place(row)) for row in rows]
    for segment, group in groupby(places, key=lambda each: each[1].segment):
        path = f"{directory}/{segment_name(segment)}"
        found += yield from steps.opened(
            path, Mode.READ, partial(_read, state=state, keys=keys, places=list(group))
        )
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
        size = place.card_size + place.size
        octets = yield from steps.pread(fd, size, place.offset - place.card_size)
        card, message = octets[: place.card_size], octets[place.card_size :]
        if not place.is_intact(message):
            continue
        if zlib.crc32(card) != place.card_crc:
            card = b""  # it can be made again
        found.append(Moving(_relocation(state, row, place, card, keys), card, message))
    return found


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
