"""Making a snapshot, in a thread, of a mailbox that goes on changing.

No lock and no sync: it is checked by its CRCs, and whoever finds it torn reads
the log. A crash leaves a file whose end does not check, which the next snapshots
of the mailbox remove. Reading (`snapshot_reader`) never removes anything.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.chunk import ALIVE, Frozen
from imapbox.index.head_file import head_of
from imapbox.index.mailbox_state import FrozenMailbox
from imapbox.index.snapshot import (
    CRC,
    PIECE_ROWS,
    TRAILER_SIZE,
    Part,
    SnapshotHeader,
    SnapshotName,
    encode_trailer,
    snapshot_name,
    snapshot_names,
    table_place,
)
from imapbox.index.snapshot_parts import BadSnapshot, read_outline
from imapbox.model.errors import StoreFailure, UnknownFormat

# So many octets are written without a rest.
SPELL: Final = 1 << 18


class SnapshotWriter:
    """Writes one snapshot, some of it at a time.

    Args:
        directory: The mailbox's.
        mailbox: What to write.
        spell: How many octets `go_on` writes, about.

    Attributes:
        name: Of the file, once it was begun.
    """

    def __init__(
        self, directory: str, mailbox: FrozenMailbox, *, spell: int = SPELL
    ) -> None:
        self.name = ""
        self._directory = directory
        self._mailbox = mailbox
        self._spell = spell
        self._fd = -1
        self._parts: list[Part] = []
        self._pieces: Iterator[tuple[int, memoryview]] | None = None
        self._crcs: list[int] = []
        self._header = b""

    def go_on(self) -> Steps[bool]:
        """Write some more; return whether it is finished.

        Raises:
            OSError: It can't be written: call `give_up`.
            StoreFailure: Rows are missing, or came from a snapshot that is not
                what was written: ditto.
        """
        if self._pieces is None:
            yield from self._begin()
            return False
        written = 0
        for offset, octets in self._pieces:
            self._crcs.append(zlib.crc32(octets))
            yield from steps.pwrite(self._fd, octets, offset)
            written += len(octets)
            if written >= self._spell:
                return False
        yield from self._end()
        return True

    def give_up(self) -> Steps[None]:
        """Leave nothing behind."""
        if self.name:
            with suppress(OSError):
                yield from steps.unlink(f"{self._directory}/{self.name}")
        yield from self._close()

    def _begin(self) -> Steps[None]:
        mailbox = self._mailbox
        rows = sum(int(chunk.read(ALIVE).sum()) for chunk in mailbox.chunks)
        if rows != mailbox.counts.exists:
            raise StoreFailure(self._directory, "rows are missing")
        time = int((yield from steps.now()) * 1_000_000)
        # No key is forgotten here: the clock may be ahead, and nothing is written
        # to the log that would say so.
        base = mailbox.facts.base(mailbox.counts, 0).content
        header = SnapshotHeader(
            mailbox.position,
            mailbox.counts,
            mailbox.floor,
            time,
            mailbox.words,
            len(mailbox.vanished),
            len(mailbox.graves),
            len(base),
        )
        self._header = header.encode()
        self._parts = header.parts()
        self.name = snapshot_name(mailbox.position, (yield from steps.random(4)))
        path = f"{self._directory}/{self.name}"
        self._fd = yield from steps.open_file(path, Mode.CREATE)
        yield from steps.pwrite(self._fd, self._header, 0)
        self._pieces = self._every_piece(base)

    def _every_piece(self, base: bytes) -> Iterator[tuple[int, memoryview]]:
        mailbox = self._mailbox
        *columns, vanished, graves, facts = self._parts
        for column in columns:
            offset = column.offset
            for rows in _pieces(mailbox.chunks, column.name):
                octets = rows.view(np.uint8).data
                yield offset, octets
                offset += len(octets)
        for part, content in (
            (vanished, mailbox.vanished.view(np.uint8).data),
            (graves, mailbox.graves.view(np.uint8).data),
            (facts, memoryview(base)),
        ):
            if part.size:
                yield part.offset, content

    def _end(self) -> Steps[None]:
        table = b"".join(map(CRC.pack, self._crcs))
        offset, size = table_place(self._parts)
        trailer = encode_trailer(self._header, table, offset + size + TRAILER_SIZE)
        yield from steps.pwrite(self._fd, table + trailer, offset)
        yield from self._close()
        with suppress(OSError):
            yield from remove_older(self._directory, self.name)

    def _close(self) -> Steps[None]:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            yield from steps.close(fd)


def write_snapshot(directory: str, mailbox: FrozenMailbox) -> Steps[str]:
    """Write a snapshot without a rest; return its name.

    Raises:
        OSError: It could not be written, and is not there.
    """
    writer = SnapshotWriter(directory, mailbox)
    try:
        while not (yield from writer.go_on()):
            pass
    except GeneratorExit:
        raise  # the process died
    except BaseException:
        yield from writer.give_up()
        raise
    return writer.name


def names_in(directory: str) -> Steps[list[SnapshotName]]:
    """Return the snapshots that are there, good or not, the newest first."""
    return snapshot_names((yield from steps.list_directory(directory)))


def remove_older(directory: str, mine: str) -> Steps[None]:
    """Remove all snapshots behind ``mine`` and a reserve, the newest whole one else.

    The reserve may be needed if power is lost before ``mine`` is on the disk. One
    that is torn is none; it may be one in the making, so it stays until there are
    ``mine`` and a reserve that are newer. What is newer than the head is nobody's:
    it was there before the log was put in the place of another.
    """
    # In this order: what another process begins meanwhile is not newer than the head.
    names = yield from names_in(directory)
    head = yield from head_of(directory)
    if head is None:
        return
    has_reserve = False
    for each in names:
        if each.name == mine:
            continue
        path = f"{directory}/{each.name}"
        if not has_reserve and each[:2] <= head.position[:2]:
            has_reserve = yield from _is_whole(path)
            continue
        with suppress(FileNotFoundError):  # another process removed it
            yield from steps.unlink(path)


def _is_whole(path: str) -> Steps[bool]:
    """Say whether a snapshot was written to its end."""
    try:
        yield from steps.opened(path, Mode.READ, read_outline)
    except (BadSnapshot, UnknownFormat, OSError):
        return False
    return True


def _pieces(chunks: Sequence[Frozen], name: str) -> Iterator[NDArray[Any]]:
    """Return a column's living rows, `PIECE_ROWS` at a time."""
    waiting: list[NDArray[Any]] = []
    count = 0
    for chunk in chunks:
        rows = chunk.read(name)
        alive = chunk.read(ALIVE)
        if not alive.all():
            rows = rows[alive]
        while count + len(rows) >= PIECE_ROWS:
            taken = PIECE_ROWS - count
            yield np.concatenate([*waiting, rows[:taken]])
            rows, waiting, count = rows[taken:], [], 0
        if len(rows):
            waiting.append(rows)
            count += len(rows)
    if count:
        yield np.concatenate(waiting)
