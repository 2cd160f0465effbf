"""How LMTP says what the store declined.

The first number decides what becomes of the message: 4 is "keep it and try
again", 5 is "send it back". What may pass is never a 5.

See Also:
    RFC 5321 §4.2.1 (first number), RFC 3463 §3 (the other three).
"""

from collections.abc import Mapping
from typing import Final

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.disk.failures import of_spool
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
from imapbox.wire.lmtp.replies import reply

_log = Logger()

STATUS: Final[Mapping[type[MailError], str]] = {
    NoSuchUser: "550 5.1.1",
    MailLoop: "554 5.4.6",
    MessageTooBig: "552 5.3.4",
    MailboxBusy: "451 4.2.0",
    DiskFull: "452 4.3.1",
    # Whoever has too much may remove some: the sender's server keeps it till then.
    QuotaExceeded: "452 4.2.2",
    StoreFailure: "451 4.3.0",
    StoreFenced: "451 4.3.2",
    StoreReadOnly: "451 4.3.2",
    FileSystemUnfit: "451 4.3.5",
    UnknownFormat: "451 4.3.5",
    # Somebody can mend these.
    MailboxDamaged: "451 4.2.1",
    MailboxReadOnly: "451 4.2.1",
    NumbersExhausted: "452 4.2.2",
    NoPrivateAnnotations: "451 4.2.0",
    TooManyAnnotations: "451 4.2.0",
    TooManyKeywords: "451 4.2.0",
    TooMuchAtOnce: "451 4.2.0",
    SearchTextTooLong: "451 4.2.0",
    NotPermitted: "451 4.2.0",
    RightsRefused: "451 4.2.0",
    TooManyRights: "451 4.2.0",
    TooManyMailboxes: "451 4.2.0",
    TooManySubscriptions: "451 4.2.0",
    TooMuchInADay: "452 4.2.2",
    # The tree of mailboxes changed under us: the next try finds it as it is.
    NoSuchMailbox: "451 4.2.0",
    MailboxGone: "451 4.2.0",
    MailboxExists: "451 4.2.0",
    MailboxNameRefused: "451 4.2.0",
    MailboxHasChildren: "451 4.2.0",
    MessageGone: "451 4.2.0",
    MessageDamaged: "451 4.2.0",
}
_FAULT: Final = "451 4.3.0"


def refuse(address: str, error: Exception, transaction: str) -> bytes:
    """Log that mail for ``address`` is refused, and return the reply.

    Args:
        address: The recipient, or the sender.
        error: A `MailError`, or whatever happened to us.
        transaction: Its name in our log.
    """
    declined = _declined(error)
    _log.info(
        "{transaction}: refused {address}: {reason}",
        transaction=transaction,
        address=address,
        # The words of a fault are not for a log of one line: they may be long,
        # or hold what the client sent.
        reason=type(error).__name__ if declined is None else repr(declined),
    )
    if declined is None:
        return reply(_FAULT, f"<{address}> Something went wrong here; try again.")
    status = STATUS.get(type(declined), _FAULT)
    return reply(status, f"<{address}> {declined.sentence()}")


def too_late(address: str) -> bytes:
    """Return the reply for a recipient whose turn does not come in time."""
    return reply("451 4.2.0", f"<{address}> This takes too long; try again.")


def report_fault(error: Exception, transaction: str) -> None:
    """Log the exception that is being handled, unless it is a plain refusal."""
    if _declined(error) is None:
        _log.failure("{transaction}: our fault", transaction=transaction)


def _declined(error: Exception) -> MailError | None:
    """Return what ``error`` says about mail, or None if it is a fault of ours."""
    if isinstance(error, MailError):
        return error
    if isinstance(error, OSError):
        return of_spool(error)
    if isinstance(error, CancelledError):
        return StoreFailure()  # whoever runs the store is ending it
    return None
