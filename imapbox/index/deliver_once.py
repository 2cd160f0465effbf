"""Storing a message that its client may send again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.head import Counts
from imapbox.index.mailbox_transactions import AppendMessages, Incoming
from imapbox.index.remembered_keys import only_in_doubt
from imapbox.index.transaction import Change, NeedsNoFacts, Transaction
from imapbox.model.errors import MailError
from imapbox.model.numbers import Uid

_JUST_NOW: Final = 2**63


@dataclass(slots=True)
class DeliverOnce(NeedsNoFacts):
    """Add a message, unless this delivery was stored before.

    That it still exists is not asked: who expunged or moved it doesn't want it
    again. Its facts are `keys`.

    Attributes:
        message: With its key.
        keys: What this process remembers of the mailbox's.
        refusal: Why it may not be added; that it was is told nevertheless.
        arrived: When all of it was here, in microseconds since 1970 UTC.
        uid: Once committed, the message's, whoever stored it.
        is_new: Whether it was this one.
    """

    message: Incoming
    keys: DeliveryKeys
    refusal: MailError | None = None
    arrived: int = _JUST_NOW
    uid: Uid = field(default=Uid(0), init=False)
    is_new: bool = field(default=True, init=False)

    def change(self, counts: Counts, time: int) -> Change | None:
        """See `Transaction`."""
        before = self.keys.find(self.message.key, time, self.arrived)
        self.is_new = before is None
        if before is not None:
            self.uid = before
            return None
        if self.refusal is not None:
            raise self.refusal
        append = AppendMessages([self.message])
        change = append.change(counts, time)
        (self.uid,) = append.uids
        self.keys.add(self.message.key, self.uid)
        return change


def memories(transactions: Iterable[Transaction]) -> dict[DeliveryKeys, bool]:
    """Return what the transactions ask, and whether it matters what is in doubt."""
    found: dict[DeliveryKeys, bool] = {}
    for each in transactions:
        if isinstance(each, DeliverOnce):
            doubts = only_in_doubt(each.message.key)
            found[each.keys] = found.get(each.keys, False) or doubts
    return found
