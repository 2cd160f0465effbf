"""What a client has said that it understands."""

from dataclasses import dataclass


@dataclass(slots=True)
class Dialect:
    """How a client is spoken to, from its login on.

    Attributes:
        tells_modseqs: Whether it is told modseqs with flags: RFC 7162 §3.1.
        tells_vanished: Whether it is told UIDs that went, not positions: §3.2.3.
        uids_only: Whether it knows messages by their UIDs only: RFC 9586 §3.
        utf8: Whether names, and what is quoted, are UTF-8: RFC 6855, RFC 9051.
        rev2: Whether IMAP4rev2 is spoken: RFC 9051 §A.
        names_no_charset: Whether a SEARCH may not name one: RFC 6855 §3.
    """

    tells_modseqs: bool = False
    tells_vanished: bool = False
    uids_only: bool = False
    utf8: bool = False
    rev2: bool = False
    names_no_charset: bool = False

    def tells_uid(self, *, by_uid: bool) -> bool:
        """Say whether UID is told unasked: a UIDFETCH begins with it."""
        return by_uid and not self.uids_only
