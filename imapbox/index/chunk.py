"""Some thousand rows of a mailbox, as columns.

A chunk's arrays are its own, or they are part of a snapshot's mapping. Those
of a snapshot are checked against its CRCs when they are used first. Arrays
that were given away (`Chunk.freeze`) are copied before they are written to.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.model.errors import StoreFailure

# Little-endian, as they lie in a snapshot and in this order.
FIELDS: Final[Mapping[str, np.dtype[Any]]] = {
    "uid": np.dtype("<u4"),
    "flags": np.dtype("<u4"),
    "modseq": np.dtype("<u8"),
    "date": np.dtype("<i8"),
    "zone": np.dtype("<i2"),
    "savedate": np.dtype("<i8"),
    "size": np.dtype("<u8"),
    "segment": np.dtype("<u4"),
    "offset": np.dtype("<u8"),
    "header_size": np.dtype("<u4"),
    "header_crc": np.dtype("<u4"),
    "content_crc": np.dtype("<u4"),
    "card_size": np.dtype("<u4"),
    "card_crc": np.dtype("<u4"),
    "emailid": np.dtype("V16"),
}
KEYWORDS: Final = np.dtype("<u8")
ALIVE: Final = "alive"
_FIRST_CAPACITY: Final = 16


@dataclass(slots=True, eq=False)
class Source:
    """The snapshot that rows came from.

    Attributes:
        name: Of its file.
        broken: Whether some of it was found not to be what was written.
    """

    name: str
    broken: bool = False


class Frozen(NamedTuple):
    """A chunk's rows as they were at one moment.

    Attributes:
        size: How many.
        arrays: By name, each at least so long. Nobody writes to them.
        unchecked: CRCs of those that have not been checked yet.
    """

    size: int
    arrays: Mapping[str, NDArray[Any]]
    unchecked: Mapping[str, int]

    def read(self, name: str) -> NDArray[Any]:
        """Return a column, checked.

        Raises:
            StoreFailure: It is not what was written.
        """
        if name not in self.arrays:
            return np.zeros(self.size, KEYWORDS)
        rows = self.arrays[name][: self.size]
        if name in self.unchecked and zlib.crc32(rows.data) != self.unchecked[name]:
            raise StoreFailure(name)
        return rows


def keywords_name(number: int) -> str:
    """Return the name of the column of 64 keywords."""
    return f"keywords.{number}"


@dataclass(slots=True, eq=False)
class Chunk:
    """Rows in the order of their UIDs.

    Attributes:
        size: How many rows there are.
        dead: How many of them are of messages that are gone.
        arrays: By name. A column of keywords that is not there holds zeros.
        unchecked: CRCs of those that have not been checked yet.
        source: Where they are from.
    """

    size: int = 0
    dead: int = 0
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    unchecked: dict[str, int] = field(default_factory=dict)
    source: Source | None = None
    _capacity: int = 0
    _lent: set[str] = field(default_factory=set)

    def read(self, name: str) -> NDArray[Any]:
        """Return a column.

        Raises:
            StoreFailure: It is not what was written.
        """
        if self.unchecked and name in self.unchecked:
            self._check(name)
        column = self.arrays.get(name)
        if column is None:
            return np.zeros(self.size, KEYWORDS)
        return column[: self.size]

    def write(self, name: str) -> NDArray[Any]:
        """Return a column to write to.

        Raises:
            StoreFailure: It is not what was written.
        """
        column = self.read(name)
        if name in self._lent or name not in self.arrays:
            self.arrays[name] = _enlarged(column, max(self._capacity, self.size))
            self._lent.discard(name)
        return self.arrays[name]

    def append(self, values: Mapping[str, Any], limit: int) -> None:
        """Add a row, in a chunk of at most ``limit``."""
        self._make_room(1, limit)
        row = self.size
        for name, value in values.items():
            self.arrays[name][row] = value
        self.arrays[ALIVE][row] = True
        self.size += 1

    def extend(self, columns: Mapping[str, NDArray[Any]], limit: int) -> None:
        """Add rows, in a chunk that has at most ``limit`` of them afterwards."""
        count = len(columns["uid"])
        self._make_room(count, limit)
        rows = slice(self.size, self.size + count)
        for name, values in columns.items():
            self.arrays[name][rows] = values
        self.arrays[ALIVE][rows] = True
        self.size += count

    def bury(self, places: NDArray[np.intp]) -> None:
        """Note that the messages of these rows, none of them dead, are gone."""
        self.write(ALIVE)[places] = False
        self.dead += len(places)

    def drop_dead(self, kept: NDArray[np.uint32]) -> None:
        """Forget the rows of expunged messages, but for ``kept``, who have one."""
        stay = self.read(ALIVE).copy()
        stay[self.read("uid").searchsorted(kept)] = True
        self.arrays = {name: self.read(name)[stay] for name in self.arrays}
        self.unchecked = {}
        self._lent = set()
        self.dead = len(kept)
        self.size = len(self.arrays[ALIVE])
        self._capacity = self.size

    def freeze(self) -> Frozen:
        """Give the rows as they are now away."""
        self._lent.update(self.arrays)
        return Frozen(self.size, dict(self.arrays), dict(self.unchecked))

    def _check(self, name: str) -> None:
        expected = self.unchecked[name]
        if zlib.crc32(self.arrays[name][: self.size].data) != expected:
            if self.source is not None:
                self.source.broken = True
            raise StoreFailure(name)
        del self.unchecked[name]

    def _make_room(self, count: int, limit: int) -> None:
        needed = self.size + count
        if needed <= self._capacity:
            return
        capacity = min(limit, max(_FIRST_CAPACITY, 2 * self._capacity, needed))
        for name, kind in (*FIELDS.items(), (ALIVE, np.dtype(np.bool_))):
            self.arrays.setdefault(name, np.zeros(0, kind))
        self.arrays = {
            name: _enlarged(self.read(name), capacity) for name in self.arrays
        }
        self._capacity = capacity
        self._lent = set()


def loaded(
    size: int,
    arrays: Mapping[str, NDArray[Any]],
    crcs: Mapping[str, int],
    source: Source,
) -> Chunk:
    """Return a chunk of a snapshot's rows, to which none is added."""
    every = {**arrays, ALIVE: np.ones(size, np.bool_)}
    return Chunk(size, 0, every, dict(crcs), source, _capacity=size)


def cut(columns: Mapping[str, NDArray[Any]], start: int, end: int) -> Chunk:
    """Return a chunk of the rows from ``start`` on."""
    arrays = {name: column[start:end].copy() for name, column in columns.items()}
    alive = arrays[ALIVE]
    return Chunk(len(alive), int((~alive).sum()), arrays, _capacity=len(alive))


def _enlarged(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    larger = np.zeros(capacity, array.dtype)
    larger[: len(array)] = array
    return larger
