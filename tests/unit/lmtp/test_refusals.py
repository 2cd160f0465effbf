"""How what went wrong is told."""

import errno

import pytest
from twisted.internet.defer import CancelledError

from imapbox.lmtp.refusals import STATUS, refuse
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailError,
    MailLoop,
    MessageTooBig,
    NoSuchUser,
)


def all_errors(kind: type[MailError] = MailError) -> set[type[MailError]]:
    kinds = set(kind.__subclasses__())
    return kinds.union(*(all_errors(each) for each in kinds))


def test_every_error_can_be_worded() -> None:
    """No `MailError` can reach a client without a status of its own."""
    assert all_errors() == set(STATUS)


def test_mail_is_sent_back_for_three_reasons_only() -> None:
    """Only no such user, a loop and size are permanent; all else may pass."""
    permanent = {kind for kind, status in STATUS.items() if status[0] == "5"}
    assert permanent == {NoSuchUser, MailLoop, MessageTooBig}
    assert {status[0] for status in STATUS.values()} == {"4", "5"}
    assert all(status[0] == status[4] for status in STATUS.values())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoSuchUser(), b"550 5.1.1 "),
        (MailLoop(), b"554 5.4.6 "),
        (MessageTooBig(), b"552 5.3.4 "),
        (MailboxBusy("host 1 FETCH"), b"451 4.2.0 "),
        (DiskFull(), b"452 4.3.1 "),
        (OSError(errno.ENOSPC, "/secret"), b"452 4.3.1 "),
        (OSError(errno.EDQUOT, "/secret"), b"452 4.3.1 "),
        (OSError(errno.EIO, "/secret"), b"451 4.3.0 "),
        (OSError(errno.EROFS, "/secret"), b"451 4.3.2 "),
        (OSError(errno.ESHUTDOWN, "/secret"), b"451 4.3.2 "),
        (OSError(errno.ENOENT, "/secret"), b"451 4.3.0 "),
        (RuntimeError("secret"), b"451 4.3.0 "),
        (CancelledError(), b"451 4.3.0 "),
        (MailError("secret"), b"451 4.3.0 "),
    ],
)
def test_statuses(error: Exception, status: bytes) -> None:
    """Each error has the status that the issue names, and says nothing inner."""
    text = refuse("alice@example.test", error, "id")
    assert text.startswith(status + b"<alice@example.test> ")
    assert text.endswith(b"\r\n")
    assert b"secret" not in text
    assert b"FETCH" not in text
