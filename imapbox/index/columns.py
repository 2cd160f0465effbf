"""The messages of a mailbox as columns, in the order of their UIDs.

The rows lie in chunks, so that whatever is done to one message costs the same
in a mailbox of any size: nothing ever copies or grows all rows at once. A row
has a number, which it keeps until rows of expunged messages are dropped
(`Columns.drop_dead`), or put in order while a log is read whose oldest segments
are gone; numbers ascend with the UIDs, and there are gaps between them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.append_runs import AppendRun
from imapbox.index.body import Place
from imapbox.index.chunk import ALIVE, FIELDS, Chunk, Frozen, cut, keywords_name
from imapbox.index.operations import Append, Flags
from imapbox.index.row_runs import RowRuns
from imapbox.index.uid_ranges import Bounds
from imapbox.model.numbers import ModSeq, Uid
from imapbox.model.uid_arrays import NO_UIDS

CHUNK_ROWS: Final = 1 << 14
_WORD: Final = 64
# What a row has from its APPEND.
_APPENDED: Final = tuple(FIELDS.keys() - {"modseq", "segment", "offset"})
_PLACE: Final = (
    "segment",
    "offset",
    "size",
    "header_size",
    "header_crc",
    "content_crc",
    "card_size",
    "card_crc",
)


class Column:
    """One column; indexed by a row, or by many rows at once."""

    def __init__(self, chunks: Sequence[Chunk], name: str, chunk_rows: int) -> None:
        self._chunks = chunks
        self._name = name
        self._rows = chunk_rows

    def __len__(self) -> int:
        return sum(chunk.size for chunk in self._chunks)

    def __getitem__(self, rows: Any) -> Any:
        """Return one value, or an array of them.

        Raises:
            StoreFailure: What is in a snapshot is not what was written.
        """
        if isinstance(rows, np.ndarray | list):
            numbers = np.asarray(rows)
            if numbers.dtype == np.bool_:
                raise TypeError("rows go by their numbers; see alive_rows")
            return self._many(numbers.astype(np.intp, copy=False))
        number, place = divmod(int(rows), self._rows)
        return self._chunks[number].read(self._name)[place]

    def tolist(self) -> list[Any]:
        """Return all values, those of dead rows too."""
        return self.all().tolist()  # type: ignore[no-any-return] # numpy's

    def all(self) -> NDArray[Any]:
        """Return all values, those of dead rows too, in one array."""
        parts = [chunk.read(self._name) for chunk in self._chunks]
        return np.concatenate(parts) if parts else NO_UIDS

    def _many(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        if not len(rows):
            return self.all()[:0]
        numbers, places = np.divmod(rows, self._rows)
        parts = [
            self._chunks[number].read(self._name)[places[start:end]]
            for number, start, end in _runs(numbers)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class Columns:
    """The rows, those of expunged messages too until they are dropped.

    Args:
        chunk_rows: How many rows a chunk has at most.
    """

    def __init__(self, chunk_rows: int = CHUNK_ROWS) -> None:
        self._chunk_rows = chunk_rows
        self._chunks: list[Chunk] = []
        # The first UID of each chunk, also of those that were emptied.
        self._firsts: list[int] = []
        self._open = False
        self._in_order = True
        self.words = 0

    def __getitem__(self, name: str) -> Column:
        return Column(self.chunks, name, self._chunk_rows)

    @property
    def size(self) -> int:
        """Return how many rows there are."""
        return sum(chunk.size for chunk in self._chunks)

    @property
    def chunks(self) -> Sequence[Chunk]:
        """Return the chunks, in order."""
        if not self._in_order:
            self._in_order = True
            self._sort()
        return self._chunks

    def load(self, chunks: Iterable[Chunk], words: int) -> None:
        """Hold the rows of a snapshot; more may be added behind them.

        Args:
            chunks: None of them empty or too large.
            words: How many columns of 64 keywords there are.
        """
        self._chunks = list(chunks)
        self._firsts = [int(chunk.read("uid")[0]) for chunk in self._chunks]
        self.words = words

    def trust(self) -> None:
        """Take all rows that were loaded for checked."""
        for chunk in self._chunks:
            chunk.unchecked.clear()

    def freeze(self) -> list[Frozen]:
        """Return all rows as they are now, whatever happens to them later."""
        return [chunk.freeze() for chunk in self.chunks if chunk.size]

    def append(self, message: Append, modseq: int, segment: int, offset: int) -> None:
        """Add a row. Its UID is greater than all others."""
        chunk = self._open_chunk(message.uid)
        values: dict[str, Any] = {
            "uid": message.uid,
            "flags": message.flags,
            "modseq": modseq,
            "date": message.date,
            "zone": message.zone,
            "savedate": message.savedate,
            "size": message.size,
            "segment": segment,
            "offset": offset,
            "header_size": message.header_size,
            "header_crc": message.header_crc,
            "content_crc": message.content_crc,
            "card_size": message.card_size,
            "card_crc": message.card_crc,
            "emailid": np.void(message.emailid),
        }
        chunk.append(values, self._chunk_rows)
        if message.keywords:
            self._mark(chunk, np.array([chunk.size - 1]), message.keywords, 0)

    def extend(
        self, run: AppendRun, modseq: int, segment: int, offsets: NDArray[np.uint64]
    ) -> None:
        """Add rows. Their UIDs are greater than all others."""
        done = 0
        while done < len(run):
            chunk = self._open_chunk(int(run.fields["uid"][done]))
            here = slice(done, done + self._chunk_rows - chunk.size)
            fields = run.fields[here]
            columns = {name: fields[name] for name in _APPENDED}
            columns["modseq"] = np.full(len(fields), modseq, np.uint64)
            columns["segment"] = np.full(len(fields), segment, np.uint32)
            columns["offset"] = offsets[here]
            chunk.extend(columns, self._chunk_rows)
            self._mark_new(chunk, run.keywords[here])
            done += len(fields)

    def put_in_order(self) -> None:
        """Sort the rows by UID, after some were added that are not the greatest.

        It is done once somebody looks for a row: several of these are one.
        """
        self._in_order = False

    def row_of(self, uid: int) -> int | None:
        """Return the row of a message that exists, None if there is none."""
        number = self._chunk_of(uid)
        if not self.chunks:
            return None
        chunk = self.chunks[number]
        uids = chunk.read("uid")
        place = int(uids.searchsorted(np.uint32(uid)))
        if place == chunk.size or uids[place] != uid or not chunk.read(ALIVE)[place]:
            return None
        return number * self._chunk_rows + place

    def rows_of(self, uids: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return the rows of UIDs that are known to be there."""
        rows = np.zeros(len(uids), np.intp)
        if not len(uids):
            return rows
        low, high = self._chunk_of(int(uids.min())), self._chunk_of(int(uids.max()))
        if low == high:
            return low * self._chunk_rows + self.chunks[low].read("uid").searchsorted(
                uids
            )
        numbers = np.searchsorted(self._firsts, uids, "right") - 1
        for number, start, end in _runs(numbers):
            places = self.chunks[number].read("uid").searchsorted(uids[start:end])
            rows[start:end] = number * self._chunk_rows + places
        return rows

    def change_flags(self, operation: Flags, modseq: int) -> None:
        """Apply a FLAGS operation."""
        for number, places in self._among(operation.uids):
            chunk = self.chunks[number]
            flags = chunk.write("flags")
            flags[places] = flags[places] & np.uint32(
                ~operation.remove & 0xFFFFFFFF
            ) | np.uint32(operation.add)
            chunk.write("modseq")[places] = modseq
            self._mark(chunk, places, operation.add_keywords, operation.remove_keywords)

    def expunge(self, uids: Sequence[range]) -> NDArray[np.intp]:
        """Mark rows as those of messages that are gone; return them."""
        gone = [np.zeros(0, np.intp)]
        for number, places in self._among(uids):
            chunk = self.chunks[number]
            there = places.compress(chunk.read(ALIVE)[places])
            chunk.bury(there)
            gone.append(there + number * self._chunk_rows)
        return np.concatenate(gone)

    @property
    def dead(self) -> int:
        """Return how many rows are of messages that are gone."""
        return sum(chunk.dead for chunk in self._chunks)

    def drop_dead(self, kept: NDArray[np.uint32] = NO_UIDS) -> None:
        """Forget the rows of expunged messages where they are the most.

        Rows get new numbers. Less than half of a chunk's rows can be dropped
        afterwards.

        Args:
            kept: UIDs of some that have a row and keep it, ascending.
        """
        chunks = self.chunks
        starts = kept.searchsorted(np.array(self._firsts, np.uint32)).tolist()
        ends = [*starts, len(kept)][1:]
        for chunk, start, end in zip(chunks, starts, ends, strict=True):
            if (chunk.dead - (end - start)) * 2 > chunk.size:
                chunk.drop_dead(kept[start:end])

    def first_without(self, flag: int) -> int | None:
        """Return the lowest UID of a message without this flag, or None."""
        for chunk in self.chunks:
            found = (chunk.read("flags") & np.uint32(flag)) == 0
            found &= chunk.read(ALIVE)
            if found.any():
                return int(chunk.read("uid")[found.argmax()])
        return None

    def uids_changed_since(self, modseq: ModSeq) -> NDArray[np.uint32]:
        """Return the UIDs of the messages whose modseq is greater, ascending."""
        parts = [NO_UIDS]
        for chunk in self.chunks:
            found = chunk.read("modseq") > np.uint64(modseq)
            found &= chunk.read(ALIVE)
            if found.any():
                parts.append(chunk.read("uid")[found])
        return np.concatenate(parts)

    def uids_with(self, flag: int) -> NDArray[np.uint32]:
        """Return the UIDs of the messages with this flag, ascending."""
        parts = [NO_UIDS]
        for chunk in self.chunks:
            found = (chunk.read("flags") & np.uint32(flag)) != 0
            found &= chunk.read(ALIVE)
            if found.any():
                parts.append(chunk.read("uid")[found])
        return np.concatenate(parts)

    def alive_rows(self) -> NDArray[np.intp]:
        """Return the rows of all messages that are there."""
        parts = [np.zeros(0, np.intp)]
        parts += [
            chunk.read(ALIVE).nonzero()[0] + number * self._chunk_rows
            for number, chunk in enumerate(self.chunks)
            if chunk.size
        ]
        return np.concatenate(parts)

    def keywords(self, rows: NDArray[np.intp]) -> list[int]:
        """Return the keyword bits of rows."""
        if not self.words:
            return [0] * len(rows)
        bits: list[int] = self[keywords_name(0)][rows].tolist()
        for number in range(1, self.words):
            more = self[keywords_name(number)][rows].tolist()
            bits = [
                low | high << number * _WORD
                for low, high in zip(bits, more, strict=True)
            ]
        return bits

    def runs_of(self, uids: NDArray[np.uint32]) -> RowRuns:
        """Return the rows of ascending UIDs that are there, to be read at once."""
        return RowRuns(self.chunks, self._firsts, uids)

    def keywords_of(self, row: int) -> int:
        """Return the keyword bits of one row."""
        return self.keywords(np.array([row]))[0]

    def place(self, row: int) -> Place:
        """Return where the octets of a row's message lie."""
        number, place = divmod(row, self._chunk_rows)
        chunk = self.chunks[number]
        return Place(*(int(chunk.read(name)[place]) for name in _PLACE))

    def places(self, rows: NDArray[np.intp]) -> list[Place]:
        """Return where the octets of many rows' messages lie."""
        places: list[Place] = []
        if not len(rows):
            return places
        numbers, within = np.divmod(rows, self._chunk_rows)
        for number, start, end in _runs(numbers):
            chunk, part = self.chunks[number], within[start:end]
            fields = (chunk.read(name)[part].tolist() for name in _PLACE)
            places += map(Place._make, zip(*fields, strict=True))
        return places

    def message(self, row: int, place: Place, keywords: int) -> Append:
        """Return what would be appended if a row's message came now, without a key."""
        return Append(
            uid=Uid(int(self["uid"][row])),
            flags=int(self["flags"][row]),
            keywords=keywords,
            date=int(self["date"][row]),
            zone=int(self["zone"][row]),
            savedate=int(self["savedate"][row]),
            size=place.size,
            header_size=place.header_size,
            header_crc=place.header_crc,
            content_crc=place.content_crc,
            emailid=bytes(self["emailid"][row]),
            card_size=place.card_size,
            card_crc=place.card_crc,
        )

    def relocate(self, row: int, message: Append, segment: int, offset: int) -> None:
        """Note that a row's message lies elsewhere now, perhaps without its card."""
        number, place = divmod(row, self._chunk_rows)
        chunk = self.chunks[number]
        chunk.write("segment")[place] = segment
        chunk.write("offset")[place] = offset
        chunk.write("card_size")[place] = message.card_size
        chunk.write("card_crc")[place] = message.card_crc

    def _open_chunk(self, uid: int) -> Chunk:
        """Return the chunk that the next row goes to, which is ``uid``'s."""
        if not self._open or self._chunks[-1].size == self._chunk_rows:
            self._chunks.append(Chunk())
            self._firsts.append(uid)
            self._open = True
        return self._chunks[-1]

    def _chunk_of(self, uid: int) -> int:
        chunks = self.chunks  # in order
        return max(0, bisect_right(self._firsts, uid) - 1) if chunks else 0

    def _among(self, ranges: Sequence[range]) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Return, chunk by chunk, where messages in these ranges are."""
        chunks = self.chunks
        for number, bounds in Bounds.of(ranges).spread(self._firsts):
            places = bounds.positions_in(chunks[number].read("uid"))
            if len(places):
                yield number, places

    def _sort(self) -> None:
        order = np.argsort(self["uid"].all(), kind="stable")
        names = [*FIELDS, ALIVE, *(keywords_name(n) for n in range(self.words))]
        columns = {name: self[name].all()[order] for name in names}
        self._chunks = [
            cut(columns, start, start + self._chunk_rows)
            for start in range(0, len(order), self._chunk_rows)
        ]
        self._firsts = [int(chunk.read("uid")[0]) for chunk in self._chunks]

    def _mark_new(self, chunk: Chunk, keywords: NDArray[np.uint64]) -> None:
        """Note the keywords of the last rows of a chunk."""
        for number in np.flatnonzero(keywords.any(axis=0)).tolist():
            self.words = max(self.words, number + 1)
            column = chunk.write(keywords_name(number))
            column[chunk.size - len(keywords) : chunk.size] = keywords[:, number]

    def _mark(
        self, chunk: Chunk, places: NDArray[np.intp], add: int, remove: int
    ) -> None:
        for number in _words(add | remove):
            self.words = max(self.words, number + 1)
            column = chunk.write(keywords_name(number))
            shift = number * _WORD
            keep = np.uint64(~(remove >> shift) & (2**_WORD - 1))
            new = np.uint64(add >> shift & (2**_WORD - 1))
            column[places] = column[places] & keep | new


def _runs(numbers: NDArray[np.intp]) -> Iterator[tuple[int, int, int]]:
    """Return each run of equal numbers: the number, its start, its end."""
    edges = (np.flatnonzero(np.diff(numbers)) + 1).tolist()
    for start, end in pairwise([0, *edges, len(numbers)]):
        yield int(numbers[start]), start, end


def _words(bits: int) -> Iterable[int]:
    return [
        number
        for number in range((bits.bit_length() + _WORD - 1) // _WORD)
        if bits >> number * _WORD & (2**_WORD - 1)
    ]
