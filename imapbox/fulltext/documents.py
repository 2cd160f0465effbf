"""What goes into an index and what comes out of it, as values."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# While so many results become Python's, no other thread runs: a few milliseconds.
AT_ONCE: Final = 8192


class IndexBroken(Exception):
    """This index can't be read or written. There is nothing in it to be lost."""


class Found(NamedTuple):
    """Messages that were found: of each its UID, and how well it was found."""

    uids: NDArray[np.uint32]
    scores: NDArray[np.float32]


class Newest(NamedTuple):
    """The message in an index that has the greatest UID."""

    uid: int
    emailid: int


class Document(NamedTuple):
    """A message as it is put into an index.

    Attributes:
        uid: Its UID.
        emailid: `emailid_number` of its EMAILID.
        texts: By the names of fields.
    """

    uid: int
    emailid: int
    texts: Mapping[str, Sequence[str]]


def emailid_number(emailid: bytes) -> int:
    """Return of an EMAILID what an index keeps."""
    return int.from_bytes(emailid[:8])
