"""How many descriptors a process may have: each connection costs one."""

import resource
from typing import Final, NamedTuple

# For the store's files, threads, pipes, and what others open besides.
KEPT: Final = 500
# Of what there is for connections LMTP has one in so many, where that is too little
# for all: an MTA needs a few.
_LMTPS_PART: Final = 4


class Room(NamedTuple):
    """How many connections there may be."""

    imap: int
    lmtp: int


def most_descriptors() -> int:
    """Let this process have as many descriptors as it may; return their number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def room_for(*, imap: int, lmtp: int, descriptors: int) -> Room:
    """Say how many connections leave what is kept for all else.

    Args:
        imap: How many there are to be at most; 0 where IMAP is not served.
        lmtp: The same.
        descriptors: How many there are. Of few, half are kept.
    """
    room = max(descriptors - KEPT, descriptors // 2)
    lmtp = min(lmtp, max(room // _LMTPS_PART, room - imap))
    return Room(min(imap, room - lmtp), lmtp)
