"""What mailboxes and accounts take and give, as values: see `interfaces`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from imapbox.disk.spool import Content
from imapbox.model.message import InternalDate
from imapbox.model.names import MailboxName
from imapbox.model.numbers import ModSeq, Uid, UidValidity
from imapbox.model.rights import ALL_RIGHTS, Rights


@dataclass(frozen=True, slots=True)
class Listed:
    r"""A name in the account's tree.

    Attributes:
        name: Of the mailbox.
        subscribed: Whether LSUB shows it.
        exists: False for a name that has children but is no mailbox
            (``\Noselect``), or is subscribed only.
        has_children: Whether names below it exist.
        special_use: Such as ``\Sent``, several with a space between, or None: RFC
            6154 §2.
        rights: What may be done with it.
        is_personal: Whether it is one's own.
        mailbox_id: The mailbox's, if it is one: RFC 8474 §4.
    """

    name: MailboxName
    subscribed: bool
    exists: bool
    has_children: bool
    special_use: str | None = None
    rights: Rights = ALL_RIGHTS
    is_personal: bool = True
    mailbox_id: bytes | None = None


class Namespaces(NamedTuple):
    """With what names begin; "" where they are at the top. RFC 2342 §3.

    Attributes:
        personal: Of the user's own mailboxes.
        others: Of other users'.
        shared: Of nobody's.
    """

    personal: Sequence[str] = ("",)
    others: Sequence[str] = ()
    shared: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Status:
    r"""What STATUS can tell. RFC 9051 §6.3.11.

    ``size`` is the sum of all RFC822.SIZE (RFC 8438 §2), ``deleted_size`` of those
    with ``\Deleted`` (RFC 9208 §4.1.4), ``mailbox_id`` the 16 octets of RFC 8474's
    MAILBOXID.
    """

    messages: int
    recent: int | None
    uidnext: int
    uidvalidity: UidValidity
    unseen: int
    deleted: int | None
    deleted_size: int | None
    size: int
    highestmodseq: ModSeq
    mailbox_id: bytes


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to append. ``date`` None means now.

    Attributes:
        content: Its octets.
        flags: Names of system flags and keywords.
        date: INTERNALDATE.
    """

    content: Content
    flags: frozenset[str]
    date: InternalDate | None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where messages went; no UIDs if nobody knows, or may know. RFC 4315 §3.

    Attributes:
        take_back: Removes them again, durably, whatever their mailbox is called by
            then, and nothing else; raises `NoSuchMailbox` if it is gone.
    """

    uidvalidity: UidValidity
    uids: Sequence[Uid]
    take_back: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Copied:
    """Which messages became which: RFC 4315 §3.

    Attributes:
        uidvalidity: Of the mailbox that they are in now.
        originals: The UIDs that they had, ascending.
        uids: The UIDs that they have there, in the same order; none as in `Appended`.
    """

    uidvalidity: UidValidity
    originals: Sequence[Uid]
    uids: Sequence[Uid]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some octets of a message: ``size`` from ``start`` on, fewer at its end."""

    uid: Uid
    start: int
    size: int
