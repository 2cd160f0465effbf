"""A new UIDVALIDITY: clients forget what they know of a mailbox.

One frame with META ``restored``: 16 octets that name the run of `imapbox
restored` to which it belongs. Its UIDVALIDITY is greater than that of the frame
before, which no other frame's is. All else stays: messages, UIDs, flags.
"""

from dataclasses import dataclass
from typing import Final

from imapbox.index.encoding import Encoded
from imapbox.index.head import Counts
from imapbox.index.mailbox_transactions import next_modseq
from imapbox.index.operations import Meta
from imapbox.index.transaction import Change, NeedsNoFacts
from imapbox.model.errors import NumbersExhausted
from imapbox.model.numbers import MAX_UID, UidValidity

RESTORED: Final = "restored"
# RFC 9051 §9: UIDVALIDITY is an nz-number, as a UID is.
MAX_UIDVALIDITY: Final = MAX_UID


@dataclass(frozen=True, slots=True)
class GiveUidValidity(NeedsNoFacts):
    """Give a mailbox a new UIDVALIDITY. Decided under the same lock.

    Attributes:
        uidvalidity: Greater than the one that it has.
        run: Why: the run of `imapbox restored`.
    """

    uidvalidity: UidValidity
    run: bytes

    def change(self, counts: Counts, time: int) -> Change:
        """See `Transaction`."""
        del time
        if not counts.uidvalidity < self.uidvalidity <= MAX_UIDVALIDITY:
            raise NumbersExhausted
        operations: list[Encoded] = [Meta(RESTORED, self.run).encode()]
        after = next_modseq(counts)._replace(uidvalidity=self.uidvalidity)
        return Change(operations, after)
