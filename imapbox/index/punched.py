"""How far the bodies of the dead were punched out: a fact in the log.

META ``punched``: 8 time, microseconds since 1970 UTC; 4 segment. What died up
to that time, in the segments before that one, was punched out where it lay, as
far as the file system can do that. Whoever knows need not do it again.
"""

import struct
from typing import Final, NamedTuple, Self

PUNCHED: Final = "punched"
_FIELDS = struct.Struct("<QI")


class Punched(NamedTuple):
    """What needs no more work."""

    time: int
    segment: int

    def encode(self) -> bytes:
        """Return the fact's value."""
        return _FIELDS.pack(*self)

    @classmethod
    def decode(cls, value: bytes) -> Self | None:
        """Read it; None if it is not one."""
        return cls(*_FIELDS.unpack(value)) if len(value) == _FIELDS.size else None
