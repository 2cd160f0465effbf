"""What a commit is asked to do.

A transaction says, from what is true under the lock, which operations it wants
written. It is asked in a thread, and touches nothing but itself. If what others
of its batch want can't be written, it is asked again, for itself.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from imapbox.disk.spool import Content
from imapbox.index.encoding import Encoded
from imapbox.index.frame import Frame
from imapbox.index.head import Counts, Position


class Octets(NamedTuple):
    """A message to be written: card, our own header lines, what was received."""

    card: bytes
    header: bytes
    content: Content

    @property
    def size(self) -> int:
        """Return how much of a frame's payload it is."""
        return len(self.card) + len(self.header) + self.content.size


class Change(NamedTuple):
    """One frame to be written.

    Attributes:
        operations: In their order.
        payload: What APPENDs refer to, in their order.
        counts: What is true afterwards.
    """

    operations: Sequence[Encoded]
    counts: Counts
    payload: Sequence[Octets] = ()


class Transaction(Protocol):
    """A change that is wanted."""

    @property
    def since(self) -> Position | None:
        """The position up to which its facts are; None if it needs none."""
        ...

    def follow(self, frame: Frame) -> None:
        """Learn what was committed since, frame by frame."""
        ...

    def change(self, counts: Counts, time: int) -> Change | None:
        """Return what to write, or None if there is nothing to do.

        Args:
            counts: What is true now.
            time: The clock's, microseconds since 1970 UTC. The frame's is another
                one where the clock is behind the frame before.

        Raises:
            MailError: It can't be done.
        """
        ...

    def begin_anew(self) -> None:
        """Be as at first: what it followed and wanted was not written."""
        ...


def segment_of(transaction: Transaction) -> int:
    """Return the segment up to which a transaction knows the log; 0: no matter."""
    return transaction.since.segment if transaction.since is not None else 0


class NeedsNoFacts:
    """Base of transactions that want the same whatever was committed before."""

    __slots__ = ()

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return None

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""

    def begin_anew(self) -> None:
        """See `Transaction`."""


class Outcome(NamedTuple):
    """What became of a transaction.

    Attributes:
        transaction: Which.
        change: What was written durably; None if there was nothing to do.
        error: Why it was refused; the change then is None.
    """

    transaction: Transaction
    change: Change | None
    error: Exception | None = None
