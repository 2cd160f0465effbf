"""What a mailbox's frames, and an account's, must say to make sense together."""

from typing import Final, NamedTuple

import numpy as np

from imapbox.index.account_operations import AccountBase, decode_account_operations
from imapbox.index.account_state import AccountState
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import Counts
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.new_uidvalidity import RESTORED
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Meta,
    Operation,
    Relocate,
    Switch,
    decode_operations,
)
from imapbox.index.remembered_keys import NO_UID, RECORD
from imapbox.model.flags import Flag

_ALL_FLAGS: Final = int(
    Flag.ANSWERED | Flag.FLAGGED | Flag.DELETED | Flag.SEEN | Flag.DRAFT
)


class _Before(NamedTuple):
    """What the frame before said."""

    counts: Counts
    time: int


class _Order:
    """That frames follow one another as they should, whatever is in them."""

    def __init__(self) -> None:
        self._before: _Before | None = None
        self._begins = True

    @property
    def time(self) -> int:
        """Return the last frame's."""
        return self._before.time if self._before is not None else 0

    def check(self, frame: Frame, kinds: list[type], *, restored: bool = False) -> None:
        """Raise `DamagedOperations` unless ``frame`` fits the ones before.

        Args:
            frame: The next one.
            kinds: Of its operations.
            restored: Whether it gives the mailbox a new UIDVALIDITY.
        """
        if not kinds:
            raise DamagedOperations("there is no operation in it")
        bases = {Base, AccountBase}.intersection(kinds)
        if bool(bases) != self._begins or (bases and len(kinds) > 1):
            raise DamagedOperations("BASE is a segment's first frame, and no other")
        if Switch in kinds and len(kinds) > 1:
            raise DamagedOperations("SWITCH is not alone")
        self._begins = Switch in kinds
        if frame.batch > frame.start:
            raise DamagedOperations("its batch lies ahead")
        before = self._before
        self._before = _Before(frame.counts, frame.time)
        if before is not None:
            _check_numbers(before, self._before, restored=restored)
            tells_nothing = kinds[0] in {Base, AccountBase, Switch, Relocate}
            if tells_nothing and frame.counts != before.counts:
                raise DamagedOperations("the counts change")


def _check_numbers(before: _Before, after: _Before, *, restored: bool) -> None:
    for what, went_back in (
        ("time", after.time < before.time),
        ("the modseq", after.counts.modseq < before.counts.modseq),
        ("UIDNEXT", after.counts.uidnext < before.counts.uidnext),
    ):
        if went_back:
            raise DamagedOperations(what, "goes back")
    grows = after.counts.uidvalidity > before.counts.uidvalidity
    if grows != restored or after.counts.uidvalidity < before.counts.uidvalidity:
        raise DamagedOperations("UIDVALIDITY changes")


class MailboxAudit:
    """See `Audit`.

    Attributes:
        state: What was found.
    """

    def __init__(self) -> None:
        self.state = MailboxState()
        self._order = _Order()

    @property
    def counts(self) -> Counts:
        """Return what the last frame said."""
        return self.state.counts

    @property
    def time(self) -> int:
        """Return the last frame's."""
        return self._order.time

    def visit(self, frame: Frame) -> None:
        """See `Audit`."""
        operations = decode_operations(frame.operations)
        restored = any(
            isinstance(each, Meta) and each.name == RESTORED for each in operations
        )
        kinds = [type(each) for each in operations]
        self._order.check(frame, kinds, restored=restored)
        if self.state.position.segment and isinstance(operations[0], Base):
            self._check_base(operations[0])
        payload = 0
        highest = max(self._highest(), 0)
        for operation in operations:
            if isinstance(operation, Append | Relocate):
                payload += operation.payload_size
            if isinstance(operation, Append):
                if not highest < operation.uid < frame.counts.uidnext:
                    raise DamagedOperations("a uid is out of order", operation.uid)
                highest = operation.uid
        if payload != frame.payload_size:
            raise DamagedOperations("the payload is not as long as its messages")
        self.state.apply(frame)
        for operation in operations:
            self._check_marks(operation)

    def check_end(self) -> list[str]:
        """Return what is wrong with the whole."""
        state, columns = self.state, self.state.columns
        rows = columns.alive_rows()
        unseen = int(((columns["flags"][rows] & np.uint32(Flag.SEEN)) == 0).sum())
        live = int(columns["size"][rows].sum(dtype=np.uint64))
        wrong = []
        if state.missing:
            wrong.append(f"{state.missing} messages are in no segment that is left")
        elif (unseen, live) != (state.counts.unseen, state.counts.live):
            wrong.append("the last frame's counts are not those of its messages")
        return wrong

    def _highest(self) -> int:
        now = self.state.roll.now
        return now.at(len(now) - 1) if len(now) else 0

    def _check_base(self, base: Base) -> None:
        facts, counts = self.state.facts, self.state.counts
        said = base.mailbox_id, base.keywords, base.meta, base.uidnext, base.modseq
        known = (
            facts.mailbox_id,
            tuple(facts.keywords),
            facts.meta,
            counts.uidnext,
            counts.modseq,
        )
        # Those without a UID are another mailbox's.
        keys = {each for each in RECORD.iter_unpack(base.keys) if each[1] != NO_UID}
        if said != known or not keys <= set(RECORD.iter_unpack(facts.keys.records())):
            raise DamagedOperations("BASE says what is not true")

    def _check_marks(self, operation: Operation) -> None:
        """See that flags and keywords are some that there are."""
        match operation:
            case Append(flags=flags, keywords=keywords):
                pass
            case Relocate(message=message):
                flags, keywords = message.flags, message.keywords
            case Flags():
                flags = operation.add
                keywords = operation.add_keywords
            case Expunge() | _:
                return
        if flags & ~_ALL_FLAGS or keywords >> len(self.state.facts.keywords):
            raise DamagedOperations("flags or keywords that there are not")


class AccountAudit:
    """See `Audit`.

    Attributes:
        state: What was found.
    """

    def __init__(self) -> None:
        self.state = AccountState()
        self._order = _Order()

    @property
    def counts(self) -> Counts:
        """Return what the last frame said."""
        return self.state.counts

    @property
    def time(self) -> int:
        """Return the last frame's."""
        return self._order.time

    def visit(self, frame: Frame) -> None:
        """See `Audit`."""
        operations = decode_account_operations(frame.operations)
        self._order.check(frame, [type(each) for each in operations])
        if frame.payload_size:
            raise DamagedOperations("an account has no payload")
        before = self.state
        if isinstance(operations[0], AccountBase):
            self.state = before.copy()
        self.state.apply(frame)
        if before is not self.state and before.position.segment:
            said = self.state.mailboxes, self.state.deleted, self.state.subscribed
            if said != (before.mailboxes, before.deleted, before.subscribed):
                raise DamagedOperations("BASE says what is not true")

    def check_end(self) -> list[str]:
        """Return what is wrong with the whole."""
        state = self.state
        if len(state.names) != len(state.mailboxes):
            return ["two mailboxes have one name"]
        return []
