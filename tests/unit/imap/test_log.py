"""What is logged of a session, and what never is."""

import gc

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    MailError,
    MessageTooBig,
    NoSuchMailbox,
    StoreFailure,
)
from tests.support.fake_mail import refusing
from tests.support.imap_client import Client


def logged(client: Client, *commands: bytes) -> list[str]:
    gc.collect()  # the sessions that other tests left end, and say so
    with capturedLogs() as events:
        for command in commands:
            client.say(command + b"\r\n")
            client.turn(10)
    return [formatEvent(event) for event in events]


def test_one_line_for_the_login_and_one_for_the_end() -> None:
    """A session is two lines: who logged in from where, and how it ended."""
    login, end = logged(
        Client(), b"a LOGIN ana secret", b"b SELECT INBOX", b"c NOOP", b"d LOGOUT"
    )
    assert login == "login of ana from 127.0.0.1, without TLS"
    assert end.startswith("end of session of ana from 127.0.0.1: Good bye. (")


def test_a_hostile_name_is_one_line() -> None:
    """A user name with line ends, escapes and braces is one harmless line: row 20."""
    name = b"x\r\nlogin of root \x1b[2J{log_system} \xe2\x80\xa8"
    client = Client()
    (line,) = logged(client, b"a LOGIN {%d+}\r\n%b secret2" % (len(name), name))
    assert line.startswith("login refused for b'x\\r\\nlogin of root \\x1b[2J{log")
    assert line.isprintable()


def test_who_does_not_wait_is_logged() -> None:
    """A login whose client hangs up while it is looked at is a line, as a wrong one."""
    client = Client()
    client.logins.pause = lambda _what: Deferred()
    gc.collect()
    with capturedLogs() as events:
        client.say(b"a LOGIN ana hunter2\r\n")
        client.drop()
    line, _ = [formatEvent(event) for event in events]
    assert line == "login given up for b'ana' from 127.0.0.1"


def test_no_password_is_logged() -> None:
    """Neither a right password nor a wrong one is ever logged."""
    lines = logged(
        Client(),
        b"a LOGIN ana hunter2",
        b"b AUTHENTICATE PLAIN AGFuYQBodW50ZXIy",
        b"c LOGIN ana secret",
        b"d LOGIN ana hunter2",
        b"e AUTHENTICATE PLAIN AGFuYQBodW50ZXIy",
        b"f LOGOUT",
    )
    assert len(lines) == 4
    for line in lines:
        assert "hunter2" not in line
        assert "secret" not in line
        assert "AGFuYQ" not in line


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (StoreFailure(OSError(5, "Input/output error")), 1),
        (DiskFull("x\r\ny"), 1),
        (MailboxBusy(), 1),
        (MailboxDamaged(), 1),
        (NoSuchMailbox("x"), 0),
        (MessageTooBig(), 0),
    ],
)
def test_troubles_of_the_store_are_logged(error: MailError, lines: int) -> None:
    """What the store fails to do is one line with the reason; a typo is none."""
    client = Client().login()
    client.account.pause = refusing(error)
    said = logged(client, b"a STATUS INBOX (MESSAGES)")
    assert len(said) == lines
    for line in said:
        assert line.startswith("refused STATUS of ana: ")
        assert repr(error) in line
        assert line.isprintable()
