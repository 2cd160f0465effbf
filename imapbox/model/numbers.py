"""The numbers of IMAP, each with a type of its own.

A `Uid` is a fact about a mailbox, a `Seq` only about one client's view of it;
mypy keeps them apart.

See Also:
    RFC 9051 §2.3.1 (message numbers), RFC 7162 §3.1 (mod-sequences).
"""

from typing import Final, NewType

Uid = NewType("Uid", int)
Seq = NewType("Seq", int)
ModSeq = NewType("ModSeq", int)
UidValidity = NewType("UidValidity", int)

# RFC 9051 §9: nz-number is an unsigned 32-bit integer.
MAX_UID: Final = 2**32 - 1
# RFC 7162 §7: mod-sequence-value is an unsigned 63-bit integer.
MAX_MODSEQ: Final = 2**63 - 1


class NoSuchMessage(LookupError):
    """The client named a position its view does not have.

    Its own mistake, so the answer is BAD: RFC 9051 §9, seq-number.
    """
