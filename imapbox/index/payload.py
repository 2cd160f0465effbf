"""Checking what the operations of a frame refer to."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from imapbox.index.encoding import DamagedOperations, Kind, split_operations
from imapbox.index.operations import Append, Relocate


class Part(NamedTuple):
    """Octets that have a CRC-32 of their own: a card, a header, a body."""

    size: int
    crc: int


class PartsCheck:
    """Compares octets that come in pieces with the CRCs of their parts.

    Attributes:
        bad: The numbers of the parts whose CRC is another one.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self.bad: list[int] = []
        self._parts = iter(enumerate(parts))
        self._left = 0
        self._number = -1
        self._crc = self._found = 0
        self._too_many = False

    @property
    def intact(self) -> bool:
        """Whether all that came is all that was to come."""
        return not (self.bad or self._too_many or self._left or self._next())

    def feed(self, octets: bytes | memoryview) -> None:
        """Take in the next octets."""
        view = memoryview(octets)
        while view:
            if not self._left and not self._next():
                self._too_many = True
                return
            here = view[: self._left]
            self._found = zlib.crc32(here, self._found)
            self._left -= len(here)
            view = view[len(here) :]
            if not self._left and self._found != self._crc:
                self.bad.append(self._number)

    def _next(self) -> bool:
        """Go on to the next part that is not empty; say if there is one."""
        for number, part in self._parts:
            self._number, self._found = number, 0
            self._left, self._crc = part
            if self._left:
                return True
            if self._crc:
                self.bad.append(self._number)
        return False


def payload_intact(operations: bytes, payload: memoryview) -> bool:
    """Say whether cards and bodies are those that the operations describe."""
    check = PartsCheck(parts_of(operations))
    check.feed(payload)
    return check.intact


def parts_of(operations: bytes) -> Iterator[Part]:
    """Return what the payload of a frame with these operations consists of.

    Raises:
        DamagedOperations: A header is larger than its message, or there is no sense
            in them at all.
    """
    for kind, content in split_operations(operations):
        if kind in {Kind.APPEND, Kind.RELOCATE}:
            append = (
                Append.decode(content)
                if kind == Kind.APPEND
                else Relocate.decode(content).message
            )
            if append.header_size > append.size:
                raise DamagedOperations(append.uid)
            yield Part(append.card_size, append.card_crc)
            yield Part(append.header_size, append.header_crc)
            yield Part(append.size - append.header_size, append.content_crc)
