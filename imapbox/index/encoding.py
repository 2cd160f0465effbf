"""How operations lie in a frame, whatever they are.

Little-endian, one behind the other, unaligned::

    offset  size  field
         0     2  kind
         2     2  zero
         4     4  n: length of what follows
         8     n  as the kind defines

Inside, a text is its length (2 bytes) and its UTF-8; ranges of numbers are
their count (4 bytes), then first and last (4 bytes each, inclusive).
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")

_OPERATION = struct.Struct("<HHI")
OPERATION_SIZE: Final = _OPERATION.size  # of what is before the content
_TEXT = struct.Struct("<H")
_COUNT = struct.Struct("<I")
_RANGE = struct.Struct("<II")


class Kind(IntEnum):
    """What an operation is. Numbers are on disk: never use one again."""

    BASE = 1
    SWITCH = 2
    APPEND = 3
    FLAGS = 4
    KEYWORD = 5
    EXPUNGE = 6
    RELOCATE = 7
    META = 8
    ACCOUNT_BASE = 16
    CREATE = 17
    RENAME = 18
    DELETE = 19
    SUBSCRIBE = 20
    UNSUBSCRIBE = 21
    ACCOUNT_META = 22


class DamagedOperations(Exception):
    """The chain holds, yet these bytes are no operations: a bug wrote them."""


class Encoded(NamedTuple):
    """An operation as it lies in a frame."""

    kind: int
    content: bytes


def join_operations(operations: Iterable[Encoded]) -> bytes:
    """Return the bytes of a frame's operations."""
    return b"".join(
        _OPERATION.pack(kind, 0, len(content)) + content for kind, content in operations
    )


def operation_at(data: bytes, at: int) -> Encoded:
    """Return the operation that begins at ``at``.

    Raises:
        DamagedOperations: The bytes end inside it.
    """
    try:
        kind, _, size = _OPERATION.unpack_from(data, at)
    except struct.error as error:
        raise DamagedOperations from error
    at += OPERATION_SIZE
    if at + size > len(data):
        raise DamagedOperations(kind, size)
    return Encoded(kind, data[at : at + size])


def split_operations(data: bytes) -> Iterator[Encoded]:
    """Return the operations one by one.

    Raises:
        DamagedOperations: The bytes end inside one.
    """
    at = 0
    while at < len(data):
        operation = operation_at(data, at)
        yield operation
        at += OPERATION_SIZE + len(operation.content)


def decode_each(data: bytes, decoders: Mapping[int, Callable[[bytes], T]]) -> list[T]:
    """Read operations, each as its kind defines.

    Args:
        data: Of a frame.
        decoders: By kind.

    Raises:
        DamagedOperations: One is of a kind that has no place in this log.
    """
    return [decode_one(operation, decoders) for operation in split_operations(data)]


def decode_one(operation: Encoded, decoders: Mapping[int, Callable[[bytes], T]]) -> T:
    """Read one operation; see `decode_each`."""
    decode = decoders.get(operation.kind)
    if decode is None:
        raise DamagedOperations(operation.kind)
    return decode(operation.content)


def pack_text(text: str) -> bytes:
    """Return a text with its length."""
    data = text.encode()
    return _TEXT.pack(len(data)) + data


def pack_ranges(ranges: Sequence[range]) -> bytes:
    """Return ranges of numbers; none of them may be empty."""
    return _COUNT.pack(len(ranges)) + b"".join(
        _RANGE.pack(numbers[0], numbers[-1]) for numbers in ranges
    )


class Reader:
    """Takes fields from the front of an operation's content."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def fields(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return fixed fields."""
        return layout.unpack(self.octets(layout.size))

    def octets(self, size: int) -> bytes:
        """Return ``size`` bytes.

        Raises:
            DamagedOperations: There are fewer.
        """
        data = self._data[self._at : self._at + size]
        if len(data) < size:
            raise DamagedOperations(size)
        self._at += size
        return data

    def count(self) -> int:
        """Return a number of 4 bytes."""
        number: int = _COUNT.unpack(self.octets(_COUNT.size))[0]
        return number

    @property
    def at_end(self) -> bool:
        """Whether everything was taken."""
        return self._at == len(self._data)

    def text(self) -> str:
        """Return a text.

        Raises:
            DamagedOperations: It is none, or there is less of it.
        """
        (size,) = _TEXT.unpack(self.octets(_TEXT.size))
        try:
            return self.octets(size).decode()
        except UnicodeDecodeError as error:
            raise DamagedOperations(size) from error

    def ranges(self) -> tuple[range, ...]:
        """Return ranges of numbers.

        Raises:
            DamagedOperations: One of them is empty, or there are fewer.
        """
        count = self.count()
        data = self.octets(count * _RANGE.size)
        found = tuple(range(low, high + 1) for low, high in _RANGE.iter_unpack(data))
        if not all(found):
            raise DamagedOperations(found)
        return found


def ranges_of(numbers: Iterable[int]) -> tuple[range, ...]:
    """Return ascending numbers as the fewest ranges."""
    found: list[range] = []
    low = high = None
    for number in numbers:
        if high is not None and number == high + 1:
            high = number
            continue
        if low is not None and high is not None:
            found.append(range(low, high + 1))
        low = high = number
    if low is not None and high is not None:
        found.append(range(low, high + 1))
    return tuple(found)
