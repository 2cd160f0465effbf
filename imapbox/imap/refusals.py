"""How IMAP says what the store declined.

The sentence is the error's own; the response code is chosen here. TRYCREATE is
APPEND's own business, and its handler adds it.

See Also:
    RFC 9051 §7.1 (response codes), RFC 5530 §3 (what they mean).
"""

from collections.abc import Mapping
from typing import Final

from imapbox.model.errors import (
    DiskFull,
    FileSystemUnfit,
    MailboxBusy,
    MailboxDamaged,
    MailboxExists,
    MailboxGone,
    MailboxHasChildren,
    MailboxNameRefused,
    MailboxReadOnly,
    MailError,
    MailLoop,
    MessageDamaged,
    MessageGone,
    MessageTooBig,
    NoPrivateAnnotations,
    NoSuchMailbox,
    NoSuchUser,
    NotPermitted,
    NumbersExhausted,
    QuotaExceeded,
    RightsRefused,
    SearchTextTooLong,
    StoreFailure,
    StoreFenced,
    StoreReadOnly,
    TooManyAnnotations,
    TooManyKeywords,
    TooManyMailboxes,
    TooManyRights,
    TooManySubscriptions,
    TooMuchAtOnce,
    TooMuchInADay,
    UnknownFormat,
)
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.response_codes import ResponseCode

RESPONSE_CODE: Final[Mapping[type[MailError], ResponseCode]] = {
    NoSuchMailbox: codes.NONEXISTENT,
    MailboxExists: codes.ALREADYEXISTS,
    MailboxNameRefused: codes.CANNOT,
    MailboxHasChildren: codes.HASCHILDREN,
    MailboxGone: codes.NONEXISTENT,
    MailboxReadOnly: codes.READ_ONLY,
    NotPermitted: codes.NOPERM,
    RightsRefused: codes.CANNOT,
    TooManyRights: codes.LIMIT,
    TooManyMailboxes: codes.LIMIT,
    TooManySubscriptions: codes.LIMIT,
    TooMuchInADay: codes.LIMIT,
    # LOGIN words it like a wrong password; nothing else should meet it.
    NoSuchUser: codes.AUTHENTICATIONFAILED,
    MailboxBusy: codes.INUSE,
    DiskFull: codes.OVERQUOTA,
    QuotaExceeded: codes.OVERQUOTA,
    MailboxDamaged: codes.CONTACTADMIN,
    StoreReadOnly: codes.UNAVAILABLE,
    StoreFailure: codes.UNAVAILABLE,
    StoreFenced: codes.UNAVAILABLE,
    FileSystemUnfit: codes.CONTACTADMIN,
    UnknownFormat: codes.CONTACTADMIN,
    NumbersExhausted: codes.LIMIT,
    NoPrivateAnnotations: codes.NO_PRIVATE_METADATA,
    TooManyAnnotations: codes.TOO_MANY_METADATA,
    TooManyKeywords: codes.LIMIT,
    TooMuchAtOnce: codes.LIMIT,
    SearchTextTooLong: codes.LIMIT,
    MessageTooBig: codes.TOOBIG,
    MessageGone: codes.EXPUNGEISSUED,
    MessageDamaged: codes.CORRUPTION,
    MailLoop: codes.CANNOT,
}

# After these the session knows nothing that is true any more: BYE.
_ENDS_SESSION: Final = (MailboxGone, StoreFenced)

# The client's own affair; of all others whoever runs the server should know.
_EVERYDAY: Final = (
    NoSuchMailbox,
    MailboxExists,
    MailboxNameRefused,
    MailboxHasChildren,
    MailboxGone,
    MailboxReadOnly,
    QuotaExceeded,
    TooManyAnnotations,
    NoPrivateAnnotations,
    NotPermitted,
    RightsRefused,
    TooManyKeywords,
    TooManyMailboxes,
    TooManyRights,
    TooManySubscriptions,
    TooMuchAtOnce,
    TooMuchInADay,
    SearchTextTooLong,
    MessageTooBig,
    MessageGone,
)

OUR_FAULT: Final = "Something went wrong here; it was logged."


def code_of(error: MailError) -> ResponseCode | None:
    """Return the response code for ``error``, or for what it is a kind of."""
    kinds = (RESPONSE_CODE.get(kind) for kind in type(error).__mro__)
    return next(filter(None, kinds), None)


def is_trouble(error: MailError) -> bool:
    """Say whether the log should tell of it."""
    return not isinstance(error, _EVERYDAY)


def ends_session(error: MailError) -> bool:
    """Say whether BYE is all that is left to be said."""
    return isinstance(error, _ENDS_SESSION)
