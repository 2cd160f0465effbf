"""Bytes that mean harm, and what is answered: the rows of the attacks."""

import pytest

from imapbox.imap.settings import Settings
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

MIB = 1024 * 1024


def test_a_line_without_end_before_login() -> None:
    """Row 4: 200 MiB without an end are not kept; the connection closes at 8 KiB."""
    client = Client()
    client.heard()
    sent = 0
    while not client.closed and sent < 200 * MIB:
        client.say(b"x" * 1024)
        sent += 1024
    assert client.closed
    assert sent <= 9 * 1024


def test_a_line_without_end_after_login() -> None:
    """Row 4: after login a line may have 64 KiB."""
    client = Client().login()
    sent = 0
    while not client.closed and sent < 200 * MIB:
        client.say(b"x" * 1024)
        sent += 1024
    assert client.closed
    assert 64 * 1024 <= sent <= 66 * 1024
    assert client.protocol._session.input.framer.buffered == 0


def test_a_command_that_is_too_long_is_answered() -> None:
    """Row 4: a command without end has its answer, too, if it has a tag."""
    client = Client().login()
    assert client.say(b"tag NOOP " + b"x" * 70_000) == (
        b"* BYE Too long: command.\r\ntag BAD Too long: command.\r\n"
    )
    assert client.closed
    client = Client().login()
    assert client.say(b"x" * 70_000) == b"* BYE Too long: command.\r\n"


def test_what_is_behind_the_end_is_not_kept() -> None:
    """Whatever comes in one piece with what ended the connection is dropped."""
    client = Client().login()
    said = client.say(b"a LOGOUT\r\n" + b"x NOOP\r\n" * 20_000)
    assert said.endswith(b"a OK Logged out.\r\n")
    assert client.closed


@pytest.mark.parametrize("size", [b"-1", b"+5", b" 5", b"1_0", b"5 ", b"0x5", b""])
def test_a_literal_that_is_none(size: bytes) -> None:
    """Row 5: what is not digits announces no literal, and is BAD."""
    client = Client()
    client.heard()
    assert client.say(b"a LOGIN {%b}\r\n" % size).startswith(b"a BAD ")
    assert client.say(b"b NOOP\r\n") == b"b OK Nothing more.\r\n"


@pytest.mark.parametrize("digits", [b"9" * 20, b"9" * 5000, b"9223372036854775808"])
def test_a_literal_beyond_63_bits(digits: bytes) -> None:
    """Row 5: a literal of more than 63 bits is BAD, and never invited."""
    client = Client().login()
    said = client.say(b"a SELECT {%b}\r\n" % digits)
    assert said.startswith(b"a BAD ")
    assert b"+" not in said


def test_a_large_literal_is_not_read_as_commands() -> None:
    """Row 5: what a too large LITERAL+ holds is never run."""
    client = Client()
    client.heard()
    said = client.say(b"a LOGIN {8193+}\r\nb CAPABILITY\r\n")
    assert b"b OK" not in said
    assert said.startswith((b"* BYE ", b"a BAD "))
    assert client.closed


def test_literals_before_login_are_small() -> None:
    """Row 5: before login no literal of over 8 KiB is invited."""
    client = Client()
    client.heard()
    assert client.say(b"a LOGIN {8193}\r\n").startswith(b"a BAD ")
    assert client.say(b"b LOGIN {8192}\r\n").startswith(b"+ ")


@pytest.mark.parametrize(
    "text",
    [
        b"SEARCH " + b"(" * 8000,
        b"FETCH 1 " + b"(" * 8000,
        b"FETCH 1 (" + b"BODY[" * 1000,
        b"STORE 1 FLAGS " + b"(" * 8000,
        b"LIST " + b"(" * 8000,
        b"NOOP " + b"((((" * 2000,
        b"STATUS INBOX " + b"(" * 8000 + b")" * 8000,
    ],
)
def test_nesting(text: bytes) -> None:
    """Row 7: nesting without end is one BAD."""
    client = Client().login().select()
    said = client.say(b"a " + text + b"\r\n")
    assert said.startswith(b"a BAD ")
    assert said.count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("numbers", "by_uid", "answer"),
    [
        (b"1:4294967295", b"UID ", b"a OK"),
        (b"4294967295:1", b"UID ", b"a OK"),
        (b",".join([b"1:4294967295"] * 500), b"UID ", b"a OK"),
        (b",".join([b"1"] * 3000), b"", b"a OK"),
        (b"1:4294967295", b"", b"a BAD No such message."),
        (b"1:4294967296", b"UID ", b"a BAD Not a valid"),
        (b"1:99999999999999999999999", b"UID ", b"a BAD Not a valid"),
        (b"0", b"", b"a BAD Not a valid"),
        (b"1," * 3000, b"", b"a BAD Not a valid"),
        (b",".join([b"1"] * 5000), b"", b"a BAD Not a valid"),
    ],
)
def test_sequence_sets(numbers: bytes, by_uid: bytes, answer: bytes) -> None:
    """Row 10: no set costs more than the mailbox; beyond 32 bits it is BAD."""
    account = FakeAccount()
    for _ in range(3):
        account.inbox.add(b"x")
    client = Client(account).login().select()
    said = client.say(b"a %bFETCH %b UID\r\n" % (by_uid, numbers))
    assert said.count(b"FETCH (") <= 3
    assert said.splitlines()[-1].startswith(answer)


@pytest.mark.parametrize("stars", [6, 8, 30, 200])
def test_list_patterns(stars: int) -> None:
    """Row 11: a pattern full of wildcards costs no more than its length."""
    account = FakeAccount()
    for number in range(200):
        account.boxes["A" * 200 + str(number)] = account._new_box()
    client = Client(account).login()
    said = client.say(b'a LIST "" "' + b"*A" * stars + b'*Z"\r\n')
    assert said == b"a OK Listed.\r\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"", b"* BAD "),
        (b" ", b"* BAD "),
        (b"a", b"a BAD "),
        (b"a ", b"a BAD "),
        (b"a \xff\xfe", b"a BAD "),
        (b"* NOOP", b"* BAD "),
        (b"+ NOOP", b"* BAD "),
        (b"\xff NOOP", b"* BAD "),
        (b"a\x00b NOOP", b"* BAD "),
        (b"a STATUS INBOX (FOO)", b"a BAD "),
        (b"a STATUS INBOX ()", b"a BAD "),
        (b"a FETCH 1 BODY[999999999999999999999]", b"a BAD "),
        (b"a FETCH 1 BODY[]<0.0>", b"a BAD "),
        (b"a FETCH 1 BODY[]<5.9e20>", b"a BAD "),
        (b"a FETCH 1 BODY[]<-1.5>", b"a BAD "),
        (b"a STORE 1 BLAH (\\Deleted)", b"a BAD "),
        (b"a SEARCH SINCE 99-Foo-0000", b"a BAD "),
        (b"a NOOP extra", b"a BAD "),
        (b'a LOGIN "ana\\x" b', b"a BAD "),
        (b"GET / HTTP/1.1", b"GET BAD "),
    ],
)
def test_malformed_input(line: bytes, answer: bytes) -> None:
    """Row 21: whatever comes is one BAD, tagged if there is a tag."""
    client = Client().login().select()
    said = client.say(line + b"\r\n")
    assert said.startswith(answer)
    assert said.count(b"\r\n") == 1
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_the_clients_words_are_not_repeated() -> None:
    """Row 20: no answer repeats anything of a client's but its tag."""
    client = Client().login().select()
    for command in (
        b"a SELECT xyzzy",
        b"a xyzzy",
        b"a FETCH xyzzy FLAGS",
        b"a FETCH 1 xyzzy",
        b"a CREATE {18+}\r\nx\r\n* BYE xyzzy ok",
        b"a STATUS INBOX (xyzzy)",
    ):
        said = client.say(command + b"\r\n")
        assert b"xyzzy" not in said, command
        assert b"BYE" not in said


def test_strangers_make_few_mistakes() -> None:
    """Ten mistakes before login end the connection."""
    client = Client(settings=Settings(mistakes=10))
    client.heard()
    for _ in range(10):
        assert not client.closed
        said = client.say(b"Host: example.org\r\n")
    assert said.endswith(b"* BYE Too many mistakes.\r\n")
    assert client.closed


def test_friends_make_many() -> None:
    """After login mistakes are only answered."""
    client = Client().login()
    assert client.say(b"a XYZZY\r\n" * 1000).count(b"a BAD ") == 1000
    assert not client.closed


@pytest.mark.parametrize("keyword", [b"x" * 256, b"a]b", b'a"b', b"{x}", b"\xe4"])
def test_flags_that_are_none(keyword: bytes) -> None:
    """A keyword that could not be told again is BAD."""
    account = FakeAccount()
    account.inbox.add(b"x")
    client = Client(account).login().select()
    said = client.say(b"a STORE 1 +FLAGS (%b)\r\n" % keyword)
    assert said.startswith(b"a BAD ")
    assert account.inbox.keywords == []
