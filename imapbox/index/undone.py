"""Which messages came back as which: a fact in the log.

META ``undone``: 4 first UID, then ranges of UIDs. The messages of its frame are
those that had the UIDs in the ranges, and were expunged; they have the first
UID and those behind it now, in the same order. Whoever undoes again knows from
the frames which messages came back already.
"""

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple, Self

from imapbox.index.encoding import Reader, pack_ranges, ranges_of
from imapbox.model.numbers import Uid

UNDONE: Final = "undone"
_FIRST = struct.Struct("<I")


class Undone(NamedTuple):
    """Messages that came back.

    Attributes:
        first: The UID of the first of them now.
        before: The UIDs that they had, ascending.
    """

    first: Uid
    before: Sequence[Uid]

    def encode(self) -> bytes:
        """Return the fact's value."""
        return _FIRST.pack(self.first) + pack_ranges(ranges_of(self.before))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read it.

        Raises:
            DamagedOperations: It is not one.
        """
        reader = Reader(value)
        (first,) = reader.fields(_FIRST)
        return cls(Uid(first), [*map(Uid, chain.from_iterable(reader.ranges()))])
