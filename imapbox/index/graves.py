"""Where nobody lives any more: bodies of expunged messages, and old places.

An expunged body stays in its segment for a time, so that sessions that were
not told yet can still fetch it, and so that it can be undone. So does the old
place of a message that was written again. Afterwards it may be punched out, or
go with its segment. A grave that is in grace is remembered; older ones are
until they were punched out, as long as they are not too many.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.index.punched import Punched
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
# So many are remembered behind their grace: half a MiB.
LIMIT: Final = 16 * 1024


class Grave(NamedTuple):
    """A part of a payload that nobody needs any more.

    Attributes:
        uid: Whose it was.
        segment: Which segment.
        offset: Of the first octet in it, the card's if there is one.
        size: Of card and message.
        time: Since when, microseconds since 1970 UTC.
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
        """Note the places that messages left at ``time``."""
        if not self._graves.has_room(len(graves)):
            kept = max(LIMIT, len(self.since(time - GRACE)))
            self._graves.replace(self.now[-kept:])
        graves["time"] = time
        self._graves.append(graves)

    def forget(self, punched: Punched) -> None:
        """Drop those that were punched out."""
        graves = self.now
        done = (graves["time"] <= punched.time) & (graves["segment"] < punched.segment)
        if done.any():
            self._graves.replace(graves[~done])

    def since(self, time: int) -> NDArray[Any]:
        """Return those since ``time``: those still in grace.

        Args:
            time: Microseconds since 1970 UTC; at most `GRACE` ago, since older
                graves may be forgotten.
        """
        graves = self.now
        return graves[graves["time"].searchsorted(np.uint64(max(0, time)), "right") :]

    def each(self) -> list[Grave]:
        """Return all that are remembered, one by one."""
        return [Grave(Uid(uid), *rest) for uid, *rest in self.now.tolist()]
