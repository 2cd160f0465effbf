"""The messages of a mailbox as columns, in the order of their UIDs.

A row is added at the end and never moves, except when rows of expunged
messages are dropped (`Columns.drop_dead`), and while a log is read whose oldest
segments are gone (`Columns.put_in_order`). An array that was handed out never
changes its length; `uid` is never written twice.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.index.body import Place
from imapbox.index.operations import Append, Flags
from imapbox.index.uid_ranges import positions_in

_FIELDS: Final[dict[str, Any]] = {
    "uid": np.uint32,
    "alive": np.bool_,
    "flags": np.uint32,
    "modseq": np.uint64,
    "date": np.int64,
    "zone": np.int16,
    "savedate": np.int64,
    "size": np.uint64,
    "segment": np.uint32,
    "offset": np.uint64,
    "header_size": np.uint32,
    "header_crc": np.uint32,
    "content_crc": np.uint32,
    "card_size": np.uint32,
    "card_crc": np.uint32,
    "emailid": np.dtype("V16"),
}
_FIRST_CAPACITY: Final = 16
_WORD: Final = 64


class Columns:
    """Growing arrays, one for each field, and one for each 64 keywords."""

    def __init__(self) -> None:
        self.size = 0
        self._capacity = _FIRST_CAPACITY
        self._arrays = {
            name: np.zeros(self._capacity, kind) for name, kind in _FIELDS.items()
        }
        self._keywords: list[NDArray[np.uint64]] = []

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: self.size]

    def append(self, message: Append, modseq: int, segment: int, offset: int) -> None:
        """Add a row. Its UID is greater than all others."""
        if self.size == self._capacity:
            self._grow()
        row = self.size
        values: dict[str, Any] = {
            "uid": message.uid,
            "alive": True,
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
        for name, value in values.items():
            self._arrays[name][row] = value
        self.size += 1
        if message.keywords:
            self._mark(np.array([row]), message.keywords, 0)

    def relocate(self, row: int, message: Append, segment: int, offset: int) -> None:
        """Note that a row's message lies elsewhere now, perhaps without its card."""
        self._arrays["segment"][row] = segment
        self._arrays["offset"][row] = offset
        self._arrays["card_size"][row] = message.card_size
        self._arrays["card_crc"][row] = message.card_crc

    def put_in_order(self) -> None:
        """Sort the rows by UID, after some were added that are not the greatest."""
        order = np.argsort(self["uid"], kind="stable")
        for name in self._arrays:
            self._arrays[name][: self.size] = self[name][order]
        for column in self._keywords:
            column[: self.size] = column[: self.size][order]

    def row_of(self, uid: int) -> int | None:
        """Return the row of a message that exists, None if there is none."""
        row = int(np.searchsorted(self["uid"], np.uint32(uid)))
        there = row < self.size and self["uid"][row] == uid and self["alive"][row]
        return row if there else None

    def rows_of(self, uids: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return the rows of UIDs that are known to be there."""
        return np.searchsorted(self["uid"], uids)

    def change_flags(self, operation: Flags, modseq: int) -> None:
        """Apply a FLAGS operation."""
        rows = positions_in(self["uid"], operation.uids)
        flags = self._arrays["flags"]
        flags[rows] = flags[rows] & np.uint32(
            ~operation.remove & 0xFFFFFFFF
        ) | np.uint32(operation.add)
        self._arrays["modseq"][rows] = modseq
        self._mark(rows, operation.add_keywords, operation.remove_keywords)

    def expunge(self, uids: Sequence[range]) -> NDArray[np.intp]:
        """Mark rows as those of messages that are gone; return them."""
        rows = positions_in(self["uid"], uids)
        rows = rows.compress(self["alive"][rows])
        self._arrays["alive"][rows] = False
        return rows

    def drop_dead(self) -> None:
        """Forget the rows of expunged messages. All rows get new numbers."""
        alive = self["alive"]
        for name in self._arrays:
            self._arrays[name] = self[name][alive].copy()
        self._keywords = [column[: self.size][alive] for column in self._keywords]
        self.size = self._capacity = int(alive.sum())

    def keywords(self, rows: NDArray[np.intp]) -> list[int]:
        """Return the keyword bits of rows."""
        if not self._keywords:
            return [0] * len(rows)
        bits: list[int] = self._keywords[0][rows].tolist()
        for number, column in enumerate(self._keywords[1:], start=1):
            more = column[rows].tolist()
            bits = [
                low | high << number * _WORD
                for low, high in zip(bits, more, strict=True)
            ]
        return bits

    def keywords_of(self, row: int) -> int:
        """Return the keyword bits of one row."""
        return self.keywords(np.array([row]))[0]

    def place(self, row: int) -> Place:
        """Return where the octets of a row's message lie."""
        return Place(
            *(
                int(self._arrays[name][row])
                for name in (
                    "segment",
                    "offset",
                    "size",
                    "header_size",
                    "header_crc",
                    "content_crc",
                    "card_size",
                    "card_crc",
                )
            )
        )

    def _mark(self, rows: NDArray[np.intp], add: int, remove: int) -> None:
        for number in _words(add | remove):
            while number >= len(self._keywords):
                self._keywords.append(np.zeros(self._capacity, np.uint64))
            column = self._keywords[number]
            shift = number * _WORD
            keep = np.uint64(~(remove >> shift) & (2**_WORD - 1))
            new = np.uint64(add >> shift & (2**_WORD - 1))
            column[rows] = column[rows] & keep | new

    def _grow(self) -> None:
        self._capacity = max(_FIRST_CAPACITY, self._capacity * 2)
        self._arrays = {
            name: _enlarged(array, self._capacity)
            for name, array in self._arrays.items()
        }
        self._keywords = [
            _enlarged(column, self._capacity) for column in self._keywords
        ]


def _words(bits: int) -> Iterable[int]:
    return [
        number
        for number in range((bits.bit_length() + _WORD - 1) // _WORD)
        if bits >> number * _WORD & (2**_WORD - 1)
    ]


def _enlarged(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    larger = np.zeros(capacity, array.dtype)
    larger[: len(array)] = array
    return larger
