"""Response codes: what a client's program reads, where its user reads the text.

See Also:
    RFC 9051 §7.1, RFC 4315 §3, RFC 3516 §4.3 (UNKNOWN-CTE), RFC 4469 §4 (BADURL,
    TOOBIG), RFC 4467 §9 (URLMECH), RFC 4978 §3 (COMPRESSIONACTIVE), RFC 5465 §8
    (BADEVENT, NOTIFICATIONOVERFLOW), RFC 5530 §3, RFC 6154 §6 (USEATTR), RFC 5464
    §5 (METADATA), RFC 7162 §7, RFC 9586 §3.1 (UIDREQUIRED).
"""

import re
from collections.abc import Iterable
from typing import Final, NewType

from imapbox.model.numbers import ModSeq, Seq, Uid, UidValidity
from imapbox.wire.imap import strings
from imapbox.wire.imap.charsets import CHARSETS
from imapbox.wire.imap.object_ids import ObjectId
from imapbox.wire.imap.sequence_set import uid_set
from imapbox.wire.imap.tags import Tag
from imapbox.wire.imap.url_syntax import MAX_URL

_NOT_IN_URL = re.compile(rb"[^!-\\^-~]")

# Made only here, so that nothing of a client's gets between the brackets.
ResponseCode = NewType("ResponseCode", bytes)

ALERT: Final = ResponseCode(b"ALERT")
ALREADYEXISTS: Final = ResponseCode(b"ALREADYEXISTS")
AUTHENTICATIONFAILED: Final = ResponseCode(b"AUTHENTICATIONFAILED")
CANNOT: Final = ResponseCode(b"CANNOT")
CLIENTBUG: Final = ResponseCode(b"CLIENTBUG")
CLOSED: Final = ResponseCode(b"CLOSED")
COMPRESSIONACTIVE: Final = ResponseCode(b"COMPRESSIONACTIVE")
CONTACTADMIN: Final = ResponseCode(b"CONTACTADMIN")
CORRUPTION: Final = ResponseCode(b"CORRUPTION")
EXPUNGEISSUED: Final = ResponseCode(b"EXPUNGEISSUED")
HASCHILDREN: Final = ResponseCode(b"HASCHILDREN")
INUSE: Final = ResponseCode(b"INUSE")
LIMIT: Final = ResponseCode(b"LIMIT")
NONEXISTENT: Final = ResponseCode(b"NONEXISTENT")
NOPERM: Final = ResponseCode(b"NOPERM")
NOTIFICATIONOVERFLOW: Final = ResponseCode(b"NOTIFICATIONOVERFLOW")
OVERQUOTA: Final = ResponseCode(b"OVERQUOTA")
PARSE: Final = ResponseCode(b"PARSE")
PRIVACYREQUIRED: Final = ResponseCode(b"PRIVACYREQUIRED")
READ_ONLY: Final = ResponseCode(b"READ-ONLY")
READ_WRITE: Final = ResponseCode(b"READ-WRITE")
SERVERBUG: Final = ResponseCode(b"SERVERBUG")
TOOBIG: Final = ResponseCode(b"TOOBIG")
TRYCREATE: Final = ResponseCode(b"TRYCREATE")
NO_PRIVATE_METADATA: Final = ResponseCode(b"METADATA NOPRIVATE")
TOO_MANY_METADATA: Final = ResponseCode(b"METADATA TOOMANY")
UIDREQUIRED: Final = ResponseCode(b"UIDREQUIRED")
UNAVAILABLE: Final = ResponseCode(b"UNAVAILABLE")
UNKNOWN_CTE: Final = ResponseCode(b"UNKNOWN-CTE")
URLMECH: Final = ResponseCode(b"URLMECH INTERNAL")
USEATTR: Final = ResponseCode(b"USEATTR")


def badurl(url: bytes) -> ResponseCode:
    """Return the code that says which URL leads to nothing. RFC 4469 §4.1.

    Args:
        url: As the client gave it; what does not belong into one is %-encoded.
    """
    shown = _NOT_IN_URL.sub(lambda octet: b"%%%02X" % ord(octet[0]), url[:MAX_URL])
    return ResponseCode(b"BADURL " + (shown or b'""'))


def badcharset() -> ResponseCode:
    """Return the code that says in which charsets one can search."""
    names = b" ".join(name.encode() for name in CHARSETS)
    return ResponseCode(b"BADCHARSET (%b)" % names)


def metadata_maxsize(octets: int) -> ResponseCode:
    """Return the code that says how large an annotation may be."""
    return ResponseCode(b"METADATA MAXSIZE %d" % octets)


def metadata_longentries(octets: int) -> ResponseCode:
    """Return the code that says how large the largest is that was left out."""
    return ResponseCode(b"METADATA LONGENTRIES %d" % octets)


def badevent(names: Iterable[bytes]) -> ResponseCode:
    """Return the code that says of what one can be told. RFC 5465 §3.1."""
    return ResponseCode(b"BADEVENT (%b)" % b" ".join(names))


def uidnext(uid: Uid) -> ResponseCode:
    """Return the code that says which UID comes next."""
    return ResponseCode(b"UIDNEXT %d" % uid)


def uidvalidity(validity: UidValidity) -> ResponseCode:
    """Return the code that says for how long the UIDs hold."""
    return ResponseCode(b"UIDVALIDITY %d" % validity)


def unseen(seq: Seq) -> ResponseCode:
    """Return the code that names the first unseen message. RFC 3501 §7.1."""
    return ResponseCode(b"UNSEEN %d" % seq)


def highestmodseq(modseq: ModSeq) -> ResponseCode:
    """Return the code that says how far changes are counted. RFC 7162 §3.1.2.1."""
    return ResponseCode(b"HIGHESTMODSEQ %d" % modseq)


def noupdate(tag: Tag) -> ResponseCode:
    """Return the code that says that a result is not kept up. RFC 5267 §4.3.1."""
    return ResponseCode(b"NOUPDATE %b" % strings.string(tag))


def modified(ranges: Iterable[bytes]) -> ResponseCode:
    """Return the code that says which messages were not changed. RFC 7162 §3.1.3.

    Args:
        ranges: Their numbers as the client named them, UIDs or not, as
            `sequence_set.uid_ranges` writes them; at least one.
    """
    return ResponseCode(b"MODIFIED " + b",".join(ranges))


def permanent_flags(flag_list: bytes) -> ResponseCode:
    """Return the code that says which flags last.

    Args:
        flag_list: As `flags.render_flag_list` makes it.
    """
    return ResponseCode(b"PERMANENTFLAGS " + flag_list)


def append_uid(validity: UidValidity, uids: Iterable[Uid]) -> ResponseCode:
    """Return the code that says where messages went. RFC 4315 §3.

    Args:
        validity: The mailbox's UIDVALIDITY.
        uids: Theirs, ascending, at least one.
    """
    return ResponseCode(b"APPENDUID %d %b" % (validity, uid_set(uids)))


def copy_uid(
    validity: UidValidity, originals: Iterable[Uid], uids: Iterable[Uid]
) -> ResponseCode:
    """Return the code that says which messages became which. RFC 4315 §3.

    Args:
        validity: The UIDVALIDITY of where they went.
        originals: The UIDs they had, at least one.
        uids: Those they have there, in the same order.
    """
    sets = (uid_set(originals), uid_set(uids))
    return ResponseCode(b"COPYUID %d %b %b" % (validity, *sets))


def in_progress(tag: Tag | None, done: int | None, goal: int | None) -> ResponseCode:
    """Return the code that says how far a command is. RFC 9585 §4.1.

    Args:
        tag: The command's.
        done: How much is done, if that is known.
        goal: Of how much, if it is known, and not all is done.
    """
    if done is None or goal is None or done > goal:
        goal = None
    words = [
        b"NIL" if tag is None else strings.string(tag),
        b"NIL" if done is None else b"%d" % done,
        b"%d" % goal if goal else b"NIL",
    ]
    return ResponseCode(b"INPROGRESS (%b)" % b" ".join(words))


def mailbox_object(objectid: ObjectId) -> ResponseCode:
    """Return the code that names a mailbox for good. RFC 8474 §4."""
    return ResponseCode(b"MAILBOXID (%b)" % objectid)


def capability(names: bytes) -> ResponseCode:
    """Return the code that says what the server offers.

    Args:
        names: As `responses.capability_list` makes them.
    """
    return ResponseCode(b"CAPABILITY " + names)
