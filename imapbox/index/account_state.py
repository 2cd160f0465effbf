"""An account's log, folded: which mailboxes there are, under which names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from imapbox.disk.steps import Steps
from imapbox.index.account_operations import (
    AccountBase,
    AccountMeta,
    AccountOperation,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    decode_account_operations,
)
from imapbox.index.encoding import DamagedOperations, Encoded
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Counts, Position
from imapbox.index.mailbox_transactions import next_modseq
from imapbox.index.name_order import NameOrder
from imapbox.index.read import switch_of
from imapbox.index.segment import ACCOUNT_META
from imapbox.index.transaction import Change
from imapbox.model.names import MailboxName
from imapbox.model.numbers import UidValidity


class AccountState:
    """The tree at `position`.

    Attributes:
        position: Up to where the log was applied.
        counts: What the last frame says; only the modseq means anything.
        mailboxes: By id.
        names: The same by name.
        deleted: Ids of deleted mailboxes, and when: microseconds since 1970.
        subscribed: Names; they need not exist.
        in_order: The mailboxes, in the order of their names.
        subscribed_in_order: The subscribed names.
        highest_uidvalidity: Ever given.
        meta: Facts by id of the mailbox (`NO_MAILBOX`: the account's own) and name.
        missing: Nothing ever is: a BASE says all.
    """

    missing: Final = 0

    def __init__(self) -> None:
        self.position = Position(0, 0, 0, 0)
        self.counts = NO_COUNTS
        self.mailboxes: dict[bytes, Create] = {}
        self.names: dict[MailboxName, Create] = {}
        self.deleted: dict[bytes, int] = {}
        self.subscribed: set[MailboxName] = set()
        self.in_order = NameOrder(_name_of)
        self.subscribed_in_order = NameOrder(_itself)
        self.highest_uidvalidity = UidValidity(0)
        self.meta: dict[bytes, dict[str, bytes]] = {}

    def copy(self) -> Self:
        """Return one that can go its own way."""
        other = type(self)()
        other.position = self.position
        other.counts = self.counts
        other.mailboxes = dict(self.mailboxes)
        other.names = dict(self.names)
        other.deleted = dict(self.deleted)
        other.subscribed = set(self.subscribed)
        other.in_order = self.in_order.copy()
        other.subscribed_in_order = self.subscribed_in_order.copy()
        other.highest_uidvalidity = self.highest_uidvalidity
        other.meta = {each: dict(facts) for each, facts in self.meta.items()}
        return other

    @property
    def features(self) -> int:
        """See `rotate.Facts`."""
        return ACCOUNT_META if self.meta else 0

    def apply(self, frame: Frame) -> None:
        """Take in the next frame.

        Raises:
            DamagedOperations: Its operations make no sense.
        """
        try:
            for operation in decode_account_operations(frame.operations):
                self._take_in(operation, frame.time)
        except KeyError as error:
            raise DamagedOperations("no such mailbox", frame.end) from error
        self.counts = frame.counts
        self.position = switch_of(frame) or frame.end

    def resume(self, directory: str, end: Position) -> Steps[Position | None]:
        """See `rotate.Facts`: of an account nothing is saved."""
        del directory, end
        yield from ()
        return None

    def base(self, counts: Counts, time: int) -> Encoded:
        """Return the ACCOUNT_BASE of a segment that begins here."""
        del counts, time
        return AccountBase(
            self.highest_uidvalidity,
            tuple(self.mailboxes.values()),
            tuple(self.deleted.items()),
            tuple(sorted(self.subscribed)),
            tuple(
                AccountMeta(mailbox_id, name, value)
                for mailbox_id, facts in self.meta.items()
                for name, value in facts.items()
            ),
        ).encode()

    def _take_in(self, operation: AccountOperation, time: int) -> None:
        match operation:
            case AccountBase():
                self._begin(operation)
            case Create():
                self._bind(operation)
            case Rename():
                mailbox = self.mailboxes[operation.mailbox_id]
                # Another one of the same frame may have the old name by now.
                if self.names.get(mailbox.name) == mailbox:
                    del self.names[mailbox.name]
                self._bind(mailbox._replace(name=operation.name))
            case Delete():
                mailbox = self.mailboxes.pop(operation.mailbox_id)
                del self.names[mailbox.name]
                self.in_order.remove(mailbox)
                self.deleted[operation.mailbox_id] = time
                self.meta.pop(operation.mailbox_id, None)
            case Subscribe():
                if operation.name not in self.subscribed:
                    self.subscribed_in_order.add(operation.name)
                self.subscribed.add(operation.name)
            case Unsubscribe():
                self.subscribed_in_order.remove(operation.name)
                self.subscribed.discard(operation.name)
            case AccountMeta():
                self._note(operation)

    def _begin(self, base: AccountBase) -> None:
        self.mailboxes, self.names = {}, {}
        for mailbox in base.mailboxes:
            self._name(mailbox)
        self.in_order = NameOrder(_name_of, self.mailboxes.values())
        self.deleted = dict(base.deleted)
        self.subscribed = set(base.subscribed)
        self.subscribed_in_order = NameOrder(_itself, self.subscribed)
        self.highest_uidvalidity = base.highest_uidvalidity
        self.meta = {}
        for fact in base.meta:
            self._note(fact)

    def _note(self, fact: AccountMeta) -> None:
        facts = self.meta.setdefault(fact.mailbox_id, {})
        if fact.value:
            facts[fact.name] = fact.value
        else:
            facts.pop(fact.name, None)
        if not facts:
            del self.meta[fact.mailbox_id]

    def _bind(self, mailbox: Create) -> None:
        before = self.mailboxes.get(mailbox.mailbox_id)
        if before is not None:
            self.in_order.remove(before)
        self.in_order.add(mailbox)
        self._name(mailbox)

    def _name(self, mailbox: Create) -> None:
        self.mailboxes[mailbox.mailbox_id] = mailbox
        self.names[mailbox.name] = mailbox
        self.highest_uidvalidity = max(self.highest_uidvalidity, mailbox.uidvalidity)


def _name_of(mailbox: Create) -> MailboxName:
    return mailbox.name


def _itself(name: MailboxName) -> MailboxName:
    return name


@dataclass(slots=True)
class ChangeAccount:
    """A change of the tree, decided on what is true under the lock.

    Attributes:
        state: What was known at first; nobody changes it.
        decide: Returns the operations, or raises a `MailError`.
    """

    state: AccountState
    decide: Callable[[AccountState], Sequence[AccountOperation]]
    _now: AccountState | None = None

    @property
    def since(self) -> Position | None:
        """See `Transaction`."""
        return self.state.position

    def follow(self, frame: Frame) -> None:
        """See `Transaction`."""
        if self._now is None:
            self._now = self.state.copy()
        self._now.apply(frame)

    def change(self, counts: Counts, time: int) -> Change | None:
        """See `Transaction`."""
        del time
        operations = self.decide(self._now or self.state)
        if not operations:
            return None
        return Change(
            [operation.encode() for operation in operations], next_modseq(counts)
        )

    def begin_anew(self) -> None:
        """See `Transaction`."""
        self._now = None
