"""Where the bodies of expunged messages lie, while they are in grace.

An expunged body stays in its segment for a time, so that sessions that were
not told yet can still fetch it, and so that it can be undone. What is neither
a message's nor a grave may be punched out or left behind.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.records import Records
from imapbox.model.numbers import Uid

# One record; see `Grave`.
GRAVES: Final = np.dtype(
    [
        ("uid", "<u4"),
        ("segment", "<u4"),
        ("offset", "<u8"),
        ("size", "<u8"),
        ("time", "<u8"),
    ]
)
GRACE: Final = 24 * 3600 * 1_000_000  # microseconds


class Grave(NamedTuple):
    """One expunged message's part of a payload.

    Attributes:
        uid: Whose it was.
        segment: Which segment.
        offset: Of the first octet in it, the card's if there is one.
        size: Of card and message.
        time: Of the expunge, microseconds since 1970 UTC.
    """

    uid: Uid
    segment: int
    offset: int
    size: int
    time: int


class Graves:
    """The graves of a mailbox, in the order of their times."""

    def __init__(self) -> None:
        self._graves = Records(GRAVES)

    @property
    def now(self) -> NDArray[Any]:
        """Return all that are remembered. The array stays as it is."""
        return self._graves.now

    def load(self, graves: NDArray[Any]) -> None:
        """Hold what a snapshot says."""
        self._graves.replace(graves)

    def add(self, graves: NDArray[Any], time: int) -> None:
        """Note the places of messages that were expunged at ``time``."""
        if self._graves.is_full:
            self._graves.replace(self.since(time - GRACE))
        graves["time"] = time
        self._graves.append(graves)

    def since(self, time: int) -> NDArray[Any]:
        """Return those expunged after ``time``: those still in grace.

        Args:
            time: Microseconds since 1970 UTC; at most `GRACE` ago, since older
                graves may be forgotten.
        """
        graves = self.now
        return graves[graves["time"].searchsorted(np.uint64(max(0, time)), "right") :]

    def each(self) -> list[Grave]:
        """Return all that are remembered, one by one."""
        return [Grave(Uid(uid), *rest) for uid, *rest in self.now.tolist()]
