"""By what messages are sorted, or put into threads, as values.

See Also:
    RFC 5256 §3 (SORT, THREAD), RFC 5957 §4 (DISPLAYFROM, DISPLAYTO), RFC 6203 §6
    (RELEVANCY).
"""

from dataclasses import dataclass
from enum import Enum


class SortKey(Enum):
    """What of a message decides."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    FROM = b"FROM"
    RELEVANCY = b"RELEVANCY"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


@dataclass(frozen=True, slots=True)
class SortBy:
    """One criterion of several, the first of which decides first.

    Attributes:
        key: What of a message decides.
        descending: REVERSE.
    """

    key: SortKey
    descending: bool = False


class ThreadAlgorithm(Enum):
    """By what messages are put into threads. RFC 5256 §3."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
