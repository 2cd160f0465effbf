"""Reading snapshots: a mailbox of a million messages costs a mapping, no loop.

What SELECT needs, UIDs and flags, is checked when a snapshot is loaded, and so
is all that is not rows. The other columns are checked piece by piece, when they
are used first or by `check_rows`, whichever is sooner. Nothing here writes.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.carry_on import carry_on, replace
from imapbox.index.chunk import FIELDS, KEYWORDS, Chunk, Source, loaded
from imapbox.index.encoding import DamagedOperations
from imapbox.index.graves import GRAVES
from imapbox.index.head import Position
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.operations import Base
from imapbox.index.snapshot import (
    PIECE_ROWS,
    Part,
    SnapshotHeader,
    snapshot_names,
    table_place,
)
from imapbox.index.snapshot_parts import (
    BadSnapshot,
    check_part,
    read_outline,
    read_part,
)
from imapbox.index.vanished import VANISHED
from imapbox.model.errors import UnknownFormat

# What is checked before a snapshot is used at all.
_FIRST: Final = frozenset({"uid", "flags"})


class MailboxSnapshots:
    """The snapshots of one mailbox, as this process sees them.

    Attributes:
        bad: Names of those that turned out not to be what was written.
        checked: Whether all of a snapshot is checked before it is used.
    """

    def __init__(self, *, checked: bool = False) -> None:
        self.bad: set[str] = set()
        self.checked = checked

    def names(self, directory: str, end: Position) -> Steps[list[str]]:
        """Return those that may be used up to ``end``, the newest first."""
        names = yield from steps.list_directory(directory)
        return [
            each.name
            for each in snapshot_names(names)
            if each[:2] <= end[:2] and each.name not in self.bad
        ]

    def load(self, directory: str, name: str) -> Steps[MailboxState | None]:
        """Return the mailbox as a snapshot says; None if it can't be used."""
        try:
            state: MailboxState = yield from steps.opened(
                f"{directory}/{name}",
                Mode.READ,
                lambda fd: _load(fd, name, checked=self.checked),
            )
        except (BadSnapshot, DamagedOperations, UnknownFormat, OSError):
            return None
        return state

    def is_spoilt(self, state: MailboxState) -> bool:
        """Say whether what a state was made of turned out to be bad."""
        source = state.source
        if source is None or not source.broken:
            return False
        self.bad.add(source.name)
        return True

    def replace(self, older: MailboxState, newer: MailboxState) -> bool:
        """Let ``newer`` be to all readers what ``older`` was; say if it can be."""
        return replace(older, newer)

    def carry_on(self, older: MailboxState, newer: MailboxState) -> bool:
        """Do so although time went by; return whether it is one mailbox."""
        return carry_on(older, newer)


def check_rows(directory: str, name: str) -> Steps[bool]:
    """Say whether all rows of a snapshot are what was written.

    It reads the file, so that it is in the system's memory afterwards; an error
    of the disk is met here, and not by whoever uses the mapping.

    Raises:
        OSError: It is not there any more, or can't be read.
    """

    def check(fd: int) -> Steps[bool]:
        try:
            _, parts, crcs = yield from read_outline(fd)
            for part in parts:
                yield from check_part(fd, part, crcs[part.name])
        except (BadSnapshot, UnknownFormat):
            return False
        return True

    return (yield from steps.opened(f"{directory}/{name}", Mode.READ, check))


def _load(fd: int, name: str, *, checked: bool) -> Steps[MailboxState]:
    header, parts, crcs = yield from read_outline(fd)
    for part in parts:
        if checked or part.name in _FIRST:
            yield from check_part(fd, part, crcs[part.name])
    *columns, vanished, graves, base = parts
    state = MailboxState()
    facts = Base.decode((yield from read_part(fd, base, crcs)))
    table, size = table_place(parts)
    memory = yield from steps.map_privately(fd, table + size)
    rows = {part.name: _column(memory, part, header) for part in columns}
    uids = rows["uid"]
    if not np.all(uids[1:] > uids[:-1]):
        raise BadSnapshot
    source = Source(name)
    unchecked = {
        part.name: crcs[part.name]
        for part in columns
        if not checked and part.name not in _FIRST
    }
    state.begin(header.position, header.counts, facts, source)
    state.columns.load(_chunks(rows, unchecked, source), header.words)
    state.roll.load([uids])
    state.vanished.load(
        header.floor,
        np.frombuffer((yield from read_part(fd, vanished, crcs)), VANISHED),
    )
    state.graves.load(np.frombuffer((yield from read_part(fd, graves, crcs)), GRAVES))
    return state


def _column(memory: memoryview, part: Part, header: SnapshotHeader) -> NDArray[Any]:
    kind = FIELDS.get(part.name, KEYWORDS)
    return np.frombuffer(memory, kind, header.counts.exists, part.offset)


def _chunks(
    rows: dict[str, NDArray[Any]], unchecked: dict[str, list[int]], source: Source
) -> Iterator[Chunk]:
    for number, start in enumerate(range(0, len(rows["uid"]), PIECE_ROWS)):
        end = min(start + PIECE_ROWS, len(rows["uid"]))
        yield loaded(
            end - start,
            {name: column[start:end] for name, column in rows.items()},
            {name: crcs[number] for name, crcs in unchecked.items()},
            source,
        )
