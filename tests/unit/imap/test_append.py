"""APPEND: RFC 9051 §6.3.12, RFC 7888, and row 6 of the attacks."""

import pytest

from imapbox.imap.settings import Settings
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    NoSuchMailbox,
    StoreFailure,
    StoreReadOnly,
)
from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

MESSAGE = b"Subject: hello\r\n\r\nworld {5}\r\n"


def test_a_message_goes_in_and_comes_out() -> None:
    """What APPEND took is what FETCH tells, flags and date included."""
    client = Client().login().select()
    command = b't APPEND INBOX (\\Seen blue) " 1-Feb-2026 12:00:00 +0100" {%d}\r\n'
    assert client.say(command % len(MESSAGE)) == b"+ Send it.\r\n"
    said = client.say(MESSAGE + b"\r\n")
    assert b"* 1 EXISTS\r\n* 1 RECENT\r\n" in said
    assert said.endswith(b"t OK [APPENDUID 101 1] Message stored.\r\n")
    (stored,) = client.account.inbox.messages.values()
    assert stored.octets == MESSAGE
    assert stored.flags == Flag.SEEN
    assert client.account.inbox.keywords == ["blue"]
    assert stored.date == InternalDate(1_769_943_600, 60)
    assert client.account.spools == set()


def test_another_mailbox_is_not_confused() -> None:
    """An APPEND elsewhere tells nothing of the selected mailbox."""
    client = Client().login()
    client.say(b"c CREATE other\r\n")
    client.select()
    said = client.say(b"t APPEND other {1+}\r\nx\r\n")
    assert said == b"t OK [APPENDUID 102 1] Message stored.\r\n"


@pytest.mark.parametrize(
    ("mailbox", "size", "answer"),
    [
        (b"nowhere", 10, b"t NO [TRYCREATE] No mailbox has this name.\r\n"),
        (b"&AAA-", 10, b"t NO [CANNOT] A mailbox can not have this name.\r\n"),
        (b"INBOX", 0, b"t NO [CANNOT] A message has at least one octet.\r\n"),
        (
            b"INBOX",
            101,
            b"t NO [TOOBIG] The message is larger than this server accepts.\r\n",
        ),
        (
            b"INBOX",
            9_999_999_999_999,
            b"t NO [TOOBIG] The message is larger than this server accepts.\r\n",
        ),
    ],
)
def test_refused_before_it_is_sent(mailbox: bytes, size: int, answer: bytes) -> None:
    """What will be refused is refused before the "+", and nothing is spooled."""
    client = Client(settings=Settings(message_limit=100)).login()
    said = client.say(b"t APPEND %b {%d}\r\n" % (mailbox, size))
    assert said == answer
    assert client.account.spools == set()
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


@pytest.mark.parametrize("mailbox", [b"nowhere", b"INBOX"])
def test_an_uninvited_message_is_thrown_away(mailbox: bytes) -> None:
    """Octets of a refused LITERAL+ are never read as commands: row 5."""
    client = Client(settings=Settings(message_limit=10)).login()
    evil = b"x LOGOUT\r\nc CREATE hacked\r\n"
    said = client.say(b"t APPEND %b {%d+}\r\n%b\r\n" % (mailbox, len(evil), evil))
    assert said.startswith(b"t NO [")
    assert said.count(b"\r\n") == 1
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"
    assert "hacked" not in client.account.boxes


def test_an_uninvited_flood_ends_the_connection() -> None:
    """A LITERAL+ too large to be thrown away is answered, and the session ends."""
    client = Client().login()
    said = client.say(b"t APPEND INBOX {9999999999+}\r\n")
    assert said.startswith(b"t NO [TOOBIG] ")
    assert b"\r\n* BYE " in said
    assert client.closed


def test_an_append_before_login_is_never_invited() -> None:
    """Who is not logged in is never asked to send a message."""
    client = Client()
    client.heard()
    assert client.say(b"t APPEND INBOX {10}\r\n") == b"t BAD Log in first.\r\n"


MANY = (
    b't APPEND INBOX (\\Seen) {3+}\r\none "01-Feb-2026 12:00:00 +0100" {3+}\r\ntwo'
    b" (blue) {5+}\r\nthree"
)


def test_several_at_once() -> None:
    """Several messages in one APPEND are stored together, each with its own facts."""
    client = Client().login().select()
    assert client.say(MANY + b"\r\n") == (
        b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft blue)\r\n"
        b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft blue "
        b"\\*)] These flags last.\r\n* 3 EXISTS\r\n* 3 RECENT\r\n"
        b"t OK [APPENDUID 101 1:3] Messages stored.\r\n"
    )
    stored = list(client.account.inbox.messages.values())
    assert [each.octets for each in stored] == [b"one", b"two", b"three"]
    assert [each.flags for each in stored] == [Flag.SEEN, 0, 0]
    assert stored[1].date == InternalDate(1_769_943_600, 60)
    assert [each.keywords for each in stored] == [0, 0, 1]
    assert client.account.spools == set()


def test_each_of_several_is_invited() -> None:
    """Who waits for "+" is invited to send each message by itself."""
    client = Client().login()
    assert client.say(b"t APPEND INBOX {1}\r\n") == b"+ Send it.\r\n"
    assert client.say(b"x (\\Seen) {1}\r\n") == b"+ Send it.\r\n"
    assert client.say(b"y {1+}\r\nz") == b""
    said = client.say(b"\r\n")
    assert said == b"t OK [APPENDUID 101 1:3] Messages stored.\r\n"


@pytest.mark.parametrize(
    ("end", "answer"),
    [
        (b" {0}\r\n", b"t NO [CANNOT] A message has at least one octet."),
        (b" {0+}\r\n\r\n", b"t NO [CANNOT] A message has at least one octet."),
        (b" {90}\r\n", b"t NO [TOOBIG] "),
        (b" {90+}\r\n" + b"x" * 90 + b" {1+}\r\nx\r\n", b"t NO [TOOBIG] "),
        (b" junk\r\n", b"t BAD Not a valid end of command."),
        (b" (\\Seen {1+}\r\nx\r\n", b"t BAD Not a valid flag."),
        (b"{1+}\r\nx\r\n", b"t BAD Not a valid space."),
        (b" INBOX {1+}\r\nx\r\n", b"t BAD Not a valid end of command."),
        (b" {1+}\r\nx" * 62 + b"\r\n", b"t NO [LIMIT] Too many messages at once."),
    ],
)
def test_of_several_all_or_none(end: bytes, answer: bytes) -> None:
    """Where one of several messages is refused, none is stored: RFC 3502."""
    client = Client(settings=Settings(message_limit=100)).login()
    said = client.say(MANY + end + b"n NOOP\r\n")
    assert said.startswith(answer)
    assert said.endswith(b"\r\nn OK Nothing more.\r\n")
    assert said.count(b"\r\n") == 2
    assert client.account.inbox.messages == {}
    assert client.account.spools == set()


def test_as_many_as_may_be() -> None:
    """64 messages may come at once."""
    client = Client().login()
    said = client.say(MANY + b" {1+}\r\nx" * 61 + b"\r\n")
    assert said == b"t OK [APPENDUID 101 1:64] Messages stored.\r\n"


def test_of_too_many_cards_some_are_left_out() -> None:
    """What is found in messages is held to 1 MiB while others come; then it is made."""
    client = Client().login()
    card = client.account.card = bytes(400_000)
    client.say(b"t APPEND INBOX {1+}\r\nx" + b" {1+}\r\nx" * 4 + b"\r\n")
    assert client.account.cards == [card, card, b"", b"", card]
    large = client.account.card = bytes(2_000_000)
    client.say(b"t APPEND INBOX {1+}\r\nx\r\n")
    assert client.account.cards == [large]
    client.say(b"t APPEND INBOX {1+}\r\nx {1+}\r\nx\r\n")
    assert client.account.cards == [b"", large]


def test_a_spool_that_fails_in_the_middle() -> None:
    """Where the second message finds no room, the third is not invited."""
    client = Client().login()
    client.say(b"t APPEND INBOX {1}\r\n")
    client.say(b"x {3}\r\n")
    client.account.pause = refusing(DiskFull(), "spool")
    said = client.say(b"two {5}\r\n")
    assert said.startswith(b"t NO [OVERQUOTA] ")
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"
    assert client.account.spools == set()


def test_large_messages_pass_piece_by_piece() -> None:
    """A large message is written to the spool as it comes."""
    client = Client().login()
    message = bytes(range(1, 256)) * 5000
    client.say(b"t APPEND INBOX {%d}\r\n" % len(message))
    for at in range(0, len(message), 65536):
        client.say(message[at : at + 65536])
        (spool,) = client.account.spools
        assert spool.size == min(at + 65536, len(message))
    assert client.say(b"\r\n") == b"t OK [APPENDUID 101 1] Message stored.\r\n"
    assert client.account.inbox.messages[1].octets == message


def test_junk_behind_the_message() -> None:
    """An APPEND with something behind its message is BAD, and stores nothing."""
    client = Client().login()
    said = client.say(b"t APPEND INBOX {1+}\r\nx junk\r\nn NOOP\r\n")
    assert said == b"t BAD Not a valid end of command.\r\nn OK Nothing more.\r\n"
    assert client.account.inbox.messages == {}
    assert client.account.spools == set()


@pytest.mark.parametrize(
    ("step", "error", "answer"),
    [
        ("spool", DiskFull(), b"t NO [OVERQUOTA] "),
        ("spool", StoreFailure(), b"t NO [UNAVAILABLE] "),
        ("spool", RuntimeError("bug"), b"t NO [SERVERBUG] "),
        ("finish", StoreReadOnly(), b"t NO [UNAVAILABLE] "),
        ("append", DiskFull(), b"t NO [OVERQUOTA] "),
        ("append", MailboxBusy(), b"t NO [INUSE] "),
        ("append", NoSuchMailbox(), b"t NO [TRYCREATE] "),
    ],
)
def test_failures_on_the_way(step: str, error: Exception, answer: bytes) -> None:
    """A message that could not be kept is read to its end and refused once."""
    account = FakeAccount()
    client = Client(account).login()

    account.pause = refusing(error, step)
    client.say(b"t APPEND INBOX {6}\r\nabc")
    said = client.say(b"def\r\nn NOOP\r\n")
    assert said.startswith(answer)
    assert said.endswith(b"\r\nn OK Nothing more.\r\n")
    assert account.spools == set()
    assert account.inbox.messages == {}
