"""Sequence sets: ``1,3:5,7:*``.

RFC 9051 §9::

    seq-number   = nz-number / "*"
    seq-range    = seq-number ":" seq-number
    sequence-set = (seq-number / seq-range) *("," (seq-number / seq-range)) / "$"
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.model.numbers import MAX_UID
from imapbox.model.sequence_set import SAVED, SequenceSet
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

__all__ = (
    "MAX_LENGTH",
    "SequenceSet",  # read here, and imported with what reads it
    "parse_sequence_set",
    "read_sequence_set",
    "uid_ranges",
    "uid_set",
)

MAX_LENGTH: Final = 8 * 1024

_seq_number = r"(?:[1-9][0-9]{0,9}|\*)"
_seq_range = rf"{_seq_number}(?::{_seq_number})?"
_SEQUENCE_SET = re.compile(rf"{_seq_range}(?:,{_seq_range})*".encode())
_RUN = re.compile(rb"[0-9*:,]+")


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Read a whole ``sequence-set`` of at most `MAX_LENGTH` octets.

    Raises:
        BadSyntax: ``text`` is not one, or it names a number beyond 32 bits.
    """
    if len(text) > MAX_LENGTH or not _SEQUENCE_SET.fullmatch(text):
        raise BadSyntax("sequence-set", text)
    ranges = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        ranges.append((_number(first), _number(last or first)))
    return SequenceSet(tuple(ranges))


def read_sequence_set(lexer: Lexer) -> SequenceSet:
    """Take a sequence set out of a command, or "$".

    Raises:
        BadSyntax: There is none.
    """
    if lexer.accept(b"$"):
        return SAVED
    return parse_sequence_set(lexer.match(_RUN, "sequence-set"))


def uid_set(numbers: Iterable[int]) -> bytes:
    """Return ``numbers`` as they are written, runs of them as ranges.

    RFC 4315 §4, uid-set: in the order given, which says what belongs to what.
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] + 1 == number:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return _written((low, high) for low, high in runs)


def uid_ranges(
    first: NDArray[np.uint32], last: NDArray[np.uint32], most: int
) -> Iterator[bytes]:
    """Yield ranges of numbers as they are written, at most so many at a time."""
    for start in range(0, len(first), most):
        some = slice(start, start + most)
        yield _written(zip(first[some].tolist(), last[some].tolist(), strict=True))


def _written(ranges: Iterable[tuple[int, int]]) -> bytes:
    return b",".join(
        b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges
    )


def _number(text: bytes) -> int | None:
    if text == b"*":
        return None
    if (number := int(text)) > MAX_UID:
        raise BadSyntax("nz-number", text)
    return number
