"""UTF8=ACCEPT: names and strings in UTF-8. RFC 6855."""

import pytest

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

ENABLE = b"e ENABLE UTF8=ACCEPT\r\n"
OIL = "\xf6l".encode()


@pytest.fixture
def client() -> Client:
    account = FakeAccount()
    account.boxes["\xf6l"] = account._new_box()
    account.boxes["A & B"] = account._new_box()
    account.subscribed.add('\xe4"\\')
    account.inbox.add("Subject: \xf6l\r\n\r\n".encode())
    client = Client(account).login()
    assert client.say(ENABLE) == b"* ENABLED UTF8=ACCEPT\r\ne OK Enabled.\r\n"
    return client


def test_names_are_told_in_utf8(client: Client) -> None:
    """LIST, LSUB and STATUS tell names in quoted UTF-8, and "&" is itself."""
    said = client.say(b't LIST "" *\r\n')
    assert b'* LIST (\\HasNoChildren) "/" "%b"\r\n' % OIL in said
    assert b'* LIST (\\HasNoChildren) "/" "A & B"\r\n' in said
    said = client.say(b't LSUB "" *\r\n')
    assert b'* LSUB () "/" "\xc3\xa4\\"\\\\"\r\n' in said
    said = client.say(b't STATUS "%b" (MESSAGES)\r\n' % OIL)
    assert said.startswith(b'* STATUS "%b" (MESSAGES 0)\r\n' % OIL)


@pytest.mark.parametrize(
    "name", [b'"%b"' % OIL, b"{%d+}\r\n%b" % (len(OIL), OIL), b'"o\xcc\x88l"']
)
def test_names_are_given_in_utf8(client: Client, name: bytes) -> None:
    """A name may be quoted, or a literal; it is made NFC."""
    assert client.say(b"s SELECT %b\r\n" % name).startswith(b"* FLAGS")
    assert client.say(b"d DELETE %b\r\n" % name).startswith(b"d OK ")
    assert "\xf6l" not in client.account.boxes


def test_modified_utf7_is_only_text(client: Client) -> None:
    """What is UTF-7 to others is a name like any other."""
    client.say(b"c CREATE &APY-l\r\n")
    assert "&APY-l" in client.account.boxes
    said = client.say(b't LIST "" "%b"\r\n' % OIL)
    assert said.count(b"* LIST ") == 1


def test_patterns_are_utf8(client: Client) -> None:
    """Patterns of LIST are in UTF-8, too."""
    assert b'"%b"' % OIL in client.say(b't LIST "" "\xc3\xb6%"\r\n')
    assert b'"%b"' % OIL in client.say(b't LIST "" (x "*l")\r\n')


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b'SELECT "\xff"', b"t BAD "),
        (b"SELECT {1+}\r\n\xff", b"t NO [CANNOT] "),
        (b"SELECT \xc3\xb6l", b"t BAD "),
        (b'CREATE "\xc2\x80"', b"t NO [CANNOT] "),
        (b'CREATE "\xe2\x80\xa8"', b"t NO [CANNOT] "),
        (b'CREATE "\xed\xa0\x80"', b"t BAD "),
    ],
)
def test_what_is_no_utf8_name(client: Client, command: bytes, answer: bytes) -> None:
    """What is not UTF-8, and what no name may hold, is refused: RFC 6855 §3."""
    assert client.say(b"t %b\r\n" % command).startswith(answer)


def test_without_it_utf8_is_not_quoted() -> None:
    """Who has not enabled it may not quote UTF-8, and is not sent any."""
    account = FakeAccount()
    account.boxes["\xf6l"] = account._new_box()
    client = Client(account).login()
    assert client.say(b't SELECT "%b"\r\n' % OIL).startswith(b"t BAD ")
    assert b'"/" &APY-l\r\n' in client.say(b't LIST "" *\r\n')
    said = client.say(b"t APPEND INBOX UTF8 (~{3+}\r\nabc)\r\nn NOOP\r\n")
    assert said == b"t BAD ENABLE UTF8=ACCEPT comes first.\r\nn OK Nothing more.\r\n"
    assert client.say(b"u UNAUTHENTICATE\r\n").startswith(b"u OK ")


def test_it_ends_with_the_login(client: Client) -> None:
    """The next user of the connection is told UTF-7 again: RFC 8437 §3."""
    client.say(b"u UNAUTHENTICATE\r\n")
    client.login()
    assert b'"/" &APY-l\r\n' in client.say(b't LIST "" *\r\n')
    assert client.say(ENABLE).startswith(b"* ENABLED UTF8=ACCEPT\r\n")
    assert client.say(ENABLE).startswith(b"* ENABLED\r\n")


def test_a_search_is_in_utf8(client: Client) -> None:
    """A SEARCH is in UTF-8, and may not say so: RFC 6855 §3."""
    client.select()
    said = client.say(b't SEARCH SUBJECT "%b"\r\n' % OIL)
    assert said.startswith(b"* SEARCH 1\r\n")
    for charset in (b"UTF-8", b"US-ASCII", b"x"):
        said = client.say(b"t SEARCH CHARSET %b ALL\r\n" % charset)
        assert said.startswith(b"t BAD ")
    # SORT has no other way: RFC 5256 §3.
    assert b"* SORT 1\r\n" in client.say(b"t SORT (SUBJECT) UTF-8 ALL\r\n")


MESSAGE = b"Subject: " + OIL + b"\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        b"UTF8 (~{%d+}\r\n%b)",
        b"(\\Seen) utf8 (~{%d+}\r\n%b)",
        b'"14-Nov-2023 23:13:20 +0100" UTF8 (~{%d+}\r\n%b)',
        b"~{%d+}\r\n%b",
        b"{%d+}\r\n%b",
    ],
)
def test_a_message_with_utf8_in_its_header(client: Client, text: bytes) -> None:
    """A message may be said to be UTF-8; it is stored as it comes, said or not."""
    said = client.say(b"t APPEND INBOX " + text % (len(MESSAGE), MESSAGE) + b"\r\n")
    assert said.startswith(b"t OK [APPENDUID 101 2] ")
    assert client.account.inbox.messages[2].octets == MESSAGE


def test_several_messages(client: Client) -> None:
    """Of several messages each is said to be UTF-8, or not."""
    said = client.say(
        b"t APPEND INBOX UTF8 (~{1}\r\n"
        b"a) {1+}\r\nb (\\Seen) UTF8 (~{1+}\r\nc)\r\nn NOOP\r\n"
    )
    assert said.startswith(b"+ ")
    assert b"t OK [APPENDUID 101 2:4] " in said
    assert b"n OK " in said


@pytest.mark.parametrize(
    "behind", [b"", b"))", b") ", b" )", b") UTF8", b" {1+}\r\nx", b"x) {1+}\r\nx"]
)
def test_what_does_not_close(client: Client, behind: bytes) -> None:
    """What is opened and not closed, or not only that, is BAD, and nothing stored."""
    said = client.say(b"t APPEND INBOX UTF8 (~{1+}\r\na%b\r\nn NOOP\r\n" % behind)
    assert said.startswith(b"t BAD ")
    assert said.endswith(b"n OK Nothing more.\r\n")
    assert len(client.account.inbox.messages) == 1


def test_no_other_literal_is_utf8(client: Client) -> None:
    """UTF8 goes with a literal8 only: RFC 6855 §4."""
    said = client.say(b"t APPEND INBOX UTF8 ({1+}\r\na)\r\nn NOOP\r\n")
    assert said.startswith(b"t BAD ")
