"""URLs of mailboxes, messages and parts of messages. RFC 5092, RFC 4467."""

from dataclasses import dataclass
from enum import Enum

from imapbox.wire.imap.fetch_items import Partial, Section


class Access(Enum):
    """Who may use a URL. RFC 4467 §3."""

    SUBMIT = b"submit+"
    USER = b"user+"
    AUTHUSER = b"authuser"
    ANONYMOUS = b"anonymous"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a URL leads to.

    Attributes:
        user: Whose mail is meant, if it says so.
        host: The name or address of the server, as it is written.
        port: If it says so.
    """

    user: str | None
    host: bytes
    port: int | None


@dataclass(frozen=True, slots=True)
class Authorization:
    """That somebody lets others have what a URL leads to. RFC 4467.

    Attributes:
        rump: The URL up to here, octet by octet: what a token is made of.
        expires: Until when, seconds since 1970 UTC.
        access: Who may.
        user: Which one, where that is asked.
        mechanism: What made the token, upper case; None as long as there is none.
        token: In hexadecimal digits, lower case.
    """

    rump: bytes
    expires: float | None
    access: Access
    user: str | None
    mechanism: bytes | None = None
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class ImapUrl:
    """What a URL says; what it does not say is None.

    Attributes:
        server: Where to.
        rooted: Whether the path begins with "/".
        mailbox: Its name, not looked at.
        uidvalidity: The mailbox's.
        uid: Of a message.
        section: Of the message.
        partial: Which octets of that.
        search: For messages, as the client wrote it.
        authorization: Who may have it.
    """

    server: Server | None = None
    rooted: bool = False
    mailbox: str | None = None
    uidvalidity: int | None = None
    uid: int | None = None
    section: Section | None = None
    partial: Partial | None = None
    search: bytes | None = None
    authorization: Authorization | None = None
