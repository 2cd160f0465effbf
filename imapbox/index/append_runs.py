"""APPENDs that lie one behind the other, read as a table.

A COPY of ten thousand messages is one frame with as many APPENDs, and who reads a
log from its beginning meets one frame of one APPEND after the other. Of the first
kind, those of one length are read at once: a message then costs an entry in some
arrays, where an object of its own would cost 20 µs of the reactor.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imapbox.index.encoding import OPERATION_SIZE, Encoded, Kind, operation_at
from imapbox.index.operations import Operation, decode_operation
from imapbox.index.remembered_keys import NO_KEY
from imapbox.model.numbers import Uid

# The fixed part of an APPEND, as `operations` describes it.
_FIXED: Final = np.dtype(
    [
        ("uid", "<u4"),
        ("flags", "<u4"),
        ("date", "<i8"),
        ("zone", "<i2"),
        ("keywords_size", "<u2"),
        ("card_size", "<u4"),
        ("card_crc", "<u4"),
        ("header_size", "<u4"),
        ("header_crc", "<u4"),
        ("size", "<u8"),
        ("content_crc", "<u4"),
        ("savedate", "<i8"),
        ("emailid", "V16"),
        ("key", "V16"),
    ]
)
# What is alike in a run: the heads, and the lengths of the keyword bits.
_PATTERN: Final = [*range(OPERATION_SIZE), OPERATION_SIZE + 18, OPERATION_SIZE + 19]
_FIRST_WINDOW: Final = 32
_WORD_SIZE: Final = 8  # of keyword bits, in octets
_NO_KEY: Final = np.void(NO_KEY)


class AppendRun:
    """Messages that came in one frame, in the order of their UIDs.

    Args:
        operations: APPENDs of one length, with their heads.
        size: The length of one, its head included.

    Attributes:
        fields: A record for each, named as in `operations.Append`.
        keywords: Their keyword bits: a row for each, a column for 64 keywords.
    """

    def __init__(self, operations: bytes, size: int) -> None:
        table = np.frombuffer(operations, np.uint8).reshape(-1, size)
        fixed_end = OPERATION_SIZE + _FIXED.itemsize
        fixed = np.ascontiguousarray(table[:, OPERATION_SIZE:fixed_end])
        self.fields: NDArray[Any] = fixed.view(_FIXED).reshape(-1)
        bits = table[:, fixed_end:]
        padding = -bits.shape[1] % _WORD_SIZE
        self.keywords = np.pad(bits, ((0, 0), (0, padding))).view("<u8")

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def payload_size(self) -> int:
        """Return how much of the frame's payload is theirs."""
        return int(self._payload_ends()[-1])

    def offsets(self, payload: int) -> NDArray[np.uint64]:
        """Return where the octets of each message lie.

        Args:
            payload: Where the payload of the first begins.
        """
        starts: NDArray[np.uint64] = self._payload_ends() - self.fields["size"]
        return starts + np.uint64(payload)

    def with_keys(self) -> Iterator[tuple[bytes, Uid]]:
        """Return the delivery keys of those that have one, and their UIDs."""
        found = self.fields[self.fields["key"] != _NO_KEY]
        for key, uid in zip(found["key"], found["uid"].tolist(), strict=True):
            yield bytes(key), Uid(uid)

    def _payload_ends(self) -> NDArray[np.uint64]:
        return np.cumsum(
            self.fields["card_size"] + self.fields["size"], dtype=np.uint64
        )


OperationOrRun: TypeAlias = Operation | AppendRun


def decode_in_runs(data: bytes) -> Iterator[OperationOrRun]:
    """Read the operations of a frame of a mailbox's log, APPENDs many at a time.

    Raises:
        DamagedOperations: They are not a mailbox's.
    """
    at = 0
    while at < len(data):
        operation = operation_at(data, at)
        size = OPERATION_SIZE + len(operation.content)
        count = _count_alike(data, at, size, operation)
        if count > 1:
            yield AppendRun(data[at : at + count * size], size)
        else:
            yield decode_operation(operation)
        at += count * size


def _count_alike(data: bytes, at: int, size: int, first: Encoded) -> int:
    """Return how many APPENDs with fields of the same lengths follow each other."""
    head = data[at : at + OPERATION_SIZE]
    following = data[at + size : at + size + OPERATION_SIZE]
    keywords_size = len(first.content) - _FIXED.itemsize
    if first.kind != Kind.APPEND or head != following or keywords_size < 0:
        return 1
    pattern = np.frombuffer(head + keywords_size.to_bytes(2, "little"), np.uint8)
    most, count, window = (len(data) - at) // size, 0, _FIRST_WINDOW
    # Little by little: many short runs must not look at all that follows each.
    while count < most:
        here = min(window, most - count)
        table = np.frombuffer(data, np.uint8, here * size, at + count * size)
        differs = (table.reshape(here, size)[:, _PATTERN] != pattern).any(axis=1)
        if differs.any():
            return max(1, count + int(differs.argmax()))
        count += here
        window *= 8
    return count
