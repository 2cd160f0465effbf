"""One message as a session sees it."""

from typing import NamedTuple, TypeAlias

from imapbox.model.numbers import ModSeq, Seq, Uid

# What FLAGS tells of a message: flags, keywords and recent, as in `Message`.
Marks: TypeAlias = tuple[int, int, bool]
# What is asked of whole mailboxes, in the cheapest form that there is.
MarkedRow: TypeAlias = tuple[Seq, Uid, Marks]


class Message(NamedTuple):
    r"""A row of the view. A copy: it does not change any more.

    Attributes:
        seq: Its position in the view at the time.
        uid: Its UID.
        flags: The bits of `model.flags.Flag`.
        keywords: Bit n is set if it has keyword number n of the mailbox.
        modseq: When its flags last changed.
        date: INTERNALDATE, seconds since 1970 UTC.
        zone: INTERNALDATE's zone, minutes east of UTC.
        size: RFC822.SIZE, octets.
        recent: Whether this session is told ``\\Recent``.
        header_size: How many octets are our own header lines; what is behind
            them came from outside, and its card counts from there.
        card_size: Of its stored card, octets; 0 if it has none.
        savedate: When it came into this mailbox, seconds since 1970 UTC.
        emailid: Of its octets, 16 octets: RFC 8474 §5.1.
    """

    seq: Seq
    uid: Uid
    flags: int
    keywords: int
    modseq: ModSeq
    date: int
    zone: int
    size: int
    recent: bool
    header_size: int
    card_size: int
    savedate: int
    emailid: bytes

    @property
    def marks(self) -> Marks:
        """What FLAGS tells of it."""
        return self.flags, self.keywords, self.recent
