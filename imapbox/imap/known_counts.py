"""What a client was told of a mailbox that it has not selected.

RFC 5465 §5.1 to §5.3.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.values import Status
from imapbox.model.numbers import ModSeq, UidValidity
from imapbox.wire.imap.commands.notify import Event
from imapbox.wire.imap.commands.status import StatusAtt

_COUNTS: Final = (StatusAtt.MESSAGES, StatusAtt.UIDNEXT)


class KnownCounts(NamedTuple):
    """Each None where it is not known what the client knows.

    Attributes:
        messages: How many there are.
        uidnext: What the next UID will be.
        unseen: How many are unseen.
        uidvalidity: For how long UIDs hold.
        modseq: Where this is still the mailbox's, nothing happened.
    """

    messages: int | None = 0
    uidnext: int | None = 1
    unseen: int | None = None
    uidvalidity: UidValidity | None = None
    modseq: ModSeq | None = None

    def after(self, uids: Sequence[int]) -> "KnownCounts":
        """Return what is known once the client itself brought these messages."""
        first, last = uids[0], uids[-1]
        alone = first == self.uidnext and last - first + 1 == len(uids)
        if self.messages is None or not alone:
            return self
        return self._replace(
            messages=self.messages + len(uids), uidnext=last + 1, unseen=None
        )

    def news(
        self, now: Status, events: Event, *, tells_modseqs: bool
    ) -> Sequence[StatusAtt]:
        """Return what is to be told; nothing, if nothing is.

        Args:
            now: What is.
            events: What the client wants to be told of, at least messages that
                come and go.
            tells_modseqs: Whether it knows modseqs.
        """
        if now.highestmodseq == self.modseq:
            return ()
        atts: list[StatusAtt] = []
        if (now.messages, now.uidnext) != (self.messages, self.uidnext):
            atts += _COUNTS
        flags = Event.FLAG_CHANGE in events and self.modseq is not None
        if (atts or flags) and self.unseen not in {None, now.unseen}:
            atts.append(StatusAtt.UNSEEN)
        if flags and self.uidvalidity not in {None, now.uidvalidity}:
            atts = [*_COUNTS, StatusAtt.UNSEEN]
        if tells_modseqs and (atts or flags):
            atts.append(StatusAtt.HIGHESTMODSEQ)
        if atts and (flags or self.uidvalidity != now.uidvalidity):
            atts.append(StatusAtt.UIDVALIDITY)
        return atts

    def told(self, now: Status, atts: Sequence[StatusAtt]) -> "KnownCounts":
        """Return what is known once the client was told these, or nothing."""
        known = known_from(now)
        if StatusAtt.UIDVALIDITY in atts:
            return known
        return known._replace(uidvalidity=self.uidvalidity)


# Of a mailbox that was not there before.
NEW: Final = KnownCounts()


def known_from(status: Status) -> KnownCounts:
    """Return what a client knows who was told all of this."""
    return KnownCounts(
        status.messages,
        status.uidnext,
        status.unseen,
        status.uidvalidity,
        status.highestmodseq,
    )


def known_of_selected(mailbox: SelectedMailbox) -> KnownCounts:
    """Return what a client knows that had it selected until now."""
    return KnownCounts(
        mailbox.exists, None, None, mailbox.uidvalidity, mailbox.highestmodseq
    )


def first_atts(events: Event, *, tells_modseqs: bool) -> Sequence[StatusAtt]:
    """Return what is told at first to who asks for STATUS. RFC 5465 §3.1."""
    atts = [*_COUNTS, StatusAtt.UIDVALIDITY, StatusAtt.UNSEEN]
    if tells_modseqs or Event.FLAG_CHANGE in events:
        atts.append(StatusAtt.HIGHESTMODSEQ)
    return atts
