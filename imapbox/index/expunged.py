"""Who was expunged, when, and who of them came back: what undo must know.

A snapshot says nothing of the dead, so the log is read from its beginning.
"""

from typing import NamedTuple

from imapbox.index.frame import Frame
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.operations import Expunge, Meta, decode_operations
from imapbox.index.uid_ranges import Bounds
from imapbox.index.undone import UNDONE, Undone
from imapbox.model.numbers import ModSeq, Uid


class Death(NamedTuple):
    """An expunge of one message.

    Attributes:
        modseq: Of the expunge.
        time: Of the expunge, microseconds since 1970 UTC.
        is_known: Whether the log still says what the message was.
    """

    modseq: ModSeq
    time: int
    is_known: bool


class Expunged:
    """A mailbox and its dead; see `opening.Folded`.

    Attributes:
        position: Behind the last frame that was taken in.
        state: The mailbox. Its rows are those of the dead, too.
        deaths: By UID.
        back: Which UID those have that came back.
        begins: The modseq at which the log begins; None: not read yet.
    """

    def __init__(self) -> None:
        self.state = MailboxState()
        self.position = self.state.position
        self.deaths: dict[Uid, Death] = {}
        self.back: dict[Uid, Uid] = {}
        self.begins: ModSeq | None = None

    @property
    def missing(self) -> int:
        """See `Folded`."""
        return self.state.missing

    def apply(self, frame: Frame) -> None:
        """Take in the next frame.

        Raises:
            DamagedOperations: It makes no sense.
        """
        operations = decode_operations(frame.operations)
        for operation in operations:
            if isinstance(operation, Expunge):
                there = self.state.roll.now.within(Bounds.of(operation.uids))
                self._bury(operation.uids, {*there.tolist()}, frame)
        self.state.apply(frame)
        self.position = self.state.position
        if self.begins is None:
            self.begins = frame.counts.modseq
        for operation in operations:
            match operation:
                case Meta(name=name, value=value) if name == UNDONE and value:
                    undone = Undone.decode(value)
                    for now, before in enumerate(undone.before, start=undone.first):
                        self.back[before] = Uid(now)

    def since(self, modseq: ModSeq) -> list[Uid]:
        """Return who was expunged behind a modseq and has not come back."""
        return sorted(
            uid
            for uid, death in self.deaths.items()
            if death.modseq > modseq and uid not in self.back
        )

    def _bury(self, uids: tuple[range, ...], there: set[int], frame: Frame) -> None:
        """Note who dies by a frame; of these the log says what they were."""
        for each in uids:
            for number in each:
                uid = Uid(number)
                # One that is not known was in a segment that is gone.
                is_known = number in there
                if is_known or uid not in self.deaths:
                    self.deaths[uid] = Death(frame.counts.modseq, frame.time, is_known)
