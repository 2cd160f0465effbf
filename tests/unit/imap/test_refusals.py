"""How IMAP words what the store declines."""

from collections.abc import Iterator

import pytest

from imapbox.imap.refusals import RESPONSE_CODE, code_of, ends_session
from imapbox.model import errors
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    MailboxGone,
    MailError,
    StoreFenced,
)
from imapbox.wire.imap import response_codes
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client


def all_of(kind: type[MailError]) -> Iterator[type[MailError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from all_of(each)


def test_every_error_has_a_code() -> None:
    """No `MailError` reaches a client without a response code of its own."""
    assert set(all_of(MailError)) == set(RESPONSE_CODE)


def test_every_code_is_known() -> None:
    """Each code is one that RFC 9051 §7.1 or RFC 5530 §3 has."""
    known = {
        value for value in vars(response_codes).values() if isinstance(value, bytes)
    }
    assert set(RESPONSE_CODE.values()) <= known


def test_an_error_yet_to_come_is_worded_like_its_kind() -> None:
    """A more special error than the table knows has its kind's code."""

    class VeryBusy(MailboxBusy):
        """The mailbox is very busy."""

    assert code_of(VeryBusy()) == response_codes.INUSE


@pytest.mark.parametrize("error", tuple(all_of(MailError)))
def test_each_error_is_one_answer(error: type[MailError]) -> None:
    """Whatever the store declines is one NO, with the error's own sentence."""
    client = Client().login()
    client.account.pause = refusing(error())
    said = client.say(b"t STATUS INBOX (MESSAGES)\r\n")
    first, _, rest = said.partition(b"\r\n")
    sentence = error().sentence().encode()
    assert first == b"t NO [" + RESPONSE_CODE[error] + b"] " + sentence
    assert client.closed is ends_session(error())
    assert rest.startswith(b"* BYE [") if client.closed else rest == b""


@pytest.mark.parametrize("error", [MailboxGone, StoreFenced])
def test_some_errors_end_the_session(error: type[MailError]) -> None:
    """A session whose mailbox or store is gone ends with BYE."""
    assert ends_session(error())


@pytest.mark.parametrize("error", [MailboxBusy, DiskFull, MailboxDamaged])
def test_most_errors_do_not(error: type[MailError]) -> None:
    """A session outlives what may pass."""
    assert not ends_session(error())


def test_a_bug_of_ours_is_an_answer_without_internals() -> None:
    """An unexpected error is NO [SERVERBUG], and nothing of it is told."""
    account = FakeAccount()
    client = Client(account).login()
    account.pause = refusing(ZeroDivisionError("/secret/path"))
    said = client.say(b't LIST "" *\r\n')
    assert said == b"t NO [SERVERBUG] Something went wrong here; it was logged.\r\n"
    assert not client.closed


@pytest.mark.parametrize("command", [b"NOOP", b"CHECK", b"IDLE\r\nDONE"])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StoreFailure(), b"UNAVAILABLE"),
        (errors.MailboxBusy(), b"INUSE"),
        (RuntimeError("a bug"), b"SERVERBUG"),
    ],
)
def test_who_can_not_look_does_not_say_ok(
    command: bytes, error: Exception, code: bytes
) -> None:
    """A command that only asks what is new is never OK if that was not learnt: P4."""
    account = FakeAccount()
    client = Client(account).login().select()
    account.pause = refusing(error)
    said = client.say(b"t " + command + b"\r\n").removeprefix(b"+ idling\r\n")
    assert said.startswith(b"t NO [" + code + b"] ")


def test_a_success_is_told_though_its_sync_fails() -> None:
    """A message that was stored is answered OK, whatever happens afterwards."""
    account = FakeAccount()
    client = Client(account).login().select()
    account.pause = refusing(errors.StoreFailure(), "sync")
    said = client.say(b"t APPEND INBOX {1+}\r\nx\r\n")
    assert said.startswith(b"t OK [APPENDUID ")
    assert client.say(b"u NOOP\r\n").startswith(b"u NO [UNAVAILABLE]")


def test_a_deleted_mailbox_ends_its_sessions() -> None:
    """A session whose mailbox was deleted is answered, then told BYE."""
    account = FakeAccount()
    account.boxes["old"] = account._new_box()
    other = Client(account).login().select(b"old")
    said = Client(account).login().select(b"old").say(b"t DELETE old\r\n")
    assert said.startswith(b"t OK Mailbox deleted.\r\n* BYE [NONEXISTENT] ")
    assert other.say(b"n NOOP\r\n").startswith(b"n NO [NONEXISTENT] ")
    assert other.closed
    assert account.open == []
