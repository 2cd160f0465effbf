"""FETCH: RFC 9051 §6.4.5."""

import pytest

from imapbox.imap.windows import HEADER_GUESS
from imapbox.mailbox.cards import READ
from imapbox.model.errors import MailboxBusy, MailboxGone
from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

HEADER = (
    b"Received: by a\r\n\tfor b\r\nSubject: one\r\n two\r\n"
    b"received: by c\r\nX-Odd : y\r\n\r\n"
)
TEXT = b"Hello\r\n\r\nworld\r\n"
MESSAGE = HEADER + TEXT


def client_with(*messages: bytes) -> Client:
    account = FakeAccount()
    for message in messages:
        account.inbox.add(message, date=InternalDate(1_700_000_000, -90))
    return Client(account).login().select()


def fetched(client: Client, items: bytes, numbers: bytes = b"1") -> bytes:
    """The rows that FETCH tells, without its OK."""
    said = client.say(b"t FETCH %b %b\r\n" % (numbers, items))
    assert said.endswith(b"t OK Fetched.\r\n"), said
    return said.removesuffix(b"t OK Fetched.\r\n")


def literal(label: bytes, octets: bytes) -> bytes:
    return b"* 1 FETCH (%b {%d}\r\n%b)\r\n" % (label, len(octets), octets)


@pytest.mark.parametrize(
    ("item", "value"),
    [
        (b"UID", b"UID 1"),
        (b"FLAGS", b"FLAGS (\\Recent)"),
        (b"RFC822.SIZE", b"RFC822.SIZE %d" % len(MESSAGE)),
        (b"INTERNALDATE", b'INTERNALDATE "14-Nov-2023 20:43:20 -0130"'),
        (
            b"FAST",
            b'FLAGS (\\Recent) INTERNALDATE "14-Nov-2023 20:43:20 -0130" '
            b"RFC822.SIZE %d" % len(MESSAGE),
        ),
    ],
)
def test_facts(item: bytes, value: bytes) -> None:
    """What the index knows is told as RFC 9051 §7.5.2 has it."""
    assert fetched(client_with(MESSAGE), item) == b"* 1 FETCH (%b)\r\n" % value


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        (b"", MESSAGE),
        (b"HEADER", HEADER),
        (b"TEXT", TEXT),
        (b"HEADER.FIELDS (SUBJECT)", b"Subject: one\r\n two\r\n\r\n"),
        (
            b"HEADER.FIELDS (x-odd RECEIVED)",
            b"Received: by a\r\n\tfor b\r\nreceived: by c\r\nX-Odd : y\r\n\r\n",
        ),
        (b"HEADER.FIELDS.NOT (RECEIVED X-Odd)", b"Subject: one\r\n two\r\n\r\n"),
        (b"HEADER.FIELDS (TO)", b"\r\n"),
    ],
)
@pytest.mark.parametrize(
    ("partial", "start", "length"),
    [(b"", 0, 10**9), (b"<0.5>", 0, 5), (b"<3.4>", 3, 4), (b"<9999.1>", 9999, 1)],
)
def test_sections(
    section: bytes, octets: bytes, partial: bytes, start: int, length: int
) -> None:
    """Sections and their parts are octet for octet those of the message."""
    client = client_with(MESSAGE)
    label = b"BODY[%b]" % section + (b"<%d>" % start if partial else b"")
    asked = b"BODY.PEEK[%b]%b" % (section, partial)
    assert fetched(client, asked) == literal(label, octets[start : start + length])


@pytest.mark.parametrize(
    ("item", "octets"),
    [(b"RFC822", MESSAGE), (b"RFC822.HEADER", HEADER), (b"RFC822.TEXT", TEXT)],
)
def test_old_names(item: bytes, octets: bytes) -> None:
    """RFC 3501's names still work, under their own names."""
    client = client_with(MESSAGE)
    client.account.inbox.messages[1].flags |= Flag.SEEN
    assert fetched(client, item) == literal(item, octets)


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"Subject: no body", b"Subject: no body"),
        (b"Subject: no body\r\n", b"Subject: no body\r\n"),
        (b"\r\nno header", b"\r\n"),
        (b"\r\n\r\nno header", b"\r\n"),
        (b"a: b\n\nbare", b"a: b\n\n"),
        (b"a: b\r\n\r\n", b"a: b\r\n\r\n"),
    ],
)
def test_odd_messages(message: bytes, header: bytes) -> None:
    """Header and text are all of the message, whatever it looks like."""
    client = client_with(message)
    assert fetched(client, b"RFC822.HEADER") == literal(b"RFC822.HEADER", header)
    text = message[len(header) :]
    assert fetched(client, b"BODY.PEEK[TEXT]") == literal(b"BODY[TEXT]", text)


@pytest.mark.parametrize("size", [0, 1, HEADER_GUESS, READ, READ + 1, 3 * READ + 7])
@pytest.mark.parametrize("header", [0, 5, HEADER_GUESS - 2, READ - 1, READ + 1])
def test_any_size(size: int, header: int) -> None:
    """Large headers and large messages are told whole."""
    head = b"h" * header + b"\r\n\r\n"
    message = head + b"t" * size
    client = client_with(message)
    said = fetched(client, b"(BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[])")
    expected = b"* 1 FETCH (BODY[HEADER] {%d}\r\n%b BODY[TEXT] {%d}\r\n%b BODY[] {%d}"
    start = head if header else b"\r\n"
    text = message[len(start) :]
    assert said == (
        expected % (len(start), start, len(text), text, len(message))
        + b"\r\n%b)\r\n" % message
    )


def test_reading_sets_seen() -> None:
    r"""BODY[] sets \Seen once and tells it; BODY.PEEK[] doesn't."""
    client = client_with(MESSAGE)
    assert b"FLAGS" not in fetched(client, b"BODY.PEEK[TEXT]")
    first = fetched(client, b"BODY[TEXT]")
    assert first.startswith(b"* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {")
    assert b"FLAGS" not in fetched(client, b"BODY[TEXT]")
    assert client.account.inbox.messages[1].flags == Flag.SEEN
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_seen_is_told_once() -> None:
    r"""A FETCH of FLAGS and BODY[] tells the flags once, \Seen among them."""
    said = fetched(client_with(MESSAGE), b"(BODY[TEXT] FLAGS)")
    assert said.count(b"FLAGS") == 1
    assert said.endswith(b" FLAGS (\\Seen \\Recent))\r\n")


def test_mail_can_be_read_whoever_holds_the_lock() -> None:
    r"""Where \Seen can't be set, the message is told nevertheless."""
    client = client_with(MESSAGE)
    client.account.pause = refusing(MailboxBusy(), "set_flags")
    assert fetched(client, b"BODY[TEXT]") == literal(b"BODY[TEXT]", TEXT)


def test_a_fetch_in_a_deleted_mailbox_ends() -> None:
    r"""Where setting \Seen finds the mailbox deleted, the session ends."""
    client = client_with(MESSAGE)
    client.account.pause = refusing(MailboxGone(), "set_flags")
    said = client.say(b"t FETCH 1 BODY[]\r\n")
    assert said.startswith(b"t NO [NONEXISTENT] ")
    assert client.closed


def test_uid_fetch_tells_uids() -> None:
    """UID FETCH tells the UID in each row, asked or not, and skips the absent."""
    client = client_with(MESSAGE, MESSAGE, MESSAGE)
    client.say(b"s STORE 2 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\n")
    said = client.say(b"t UID FETCH 1:9 RFC822.SIZE\r\n")
    assert said == (
        b"* 1 FETCH (UID 1 RFC822.SIZE %d)\r\n* 2 FETCH (UID 3 RFC822.SIZE %d)\r\n"
        b"t OK Fetched.\r\n" % (len(MESSAGE), len(MESSAGE))
    )
    assert client.say(b"t UID FETCH 2 UID\r\n") == b"t OK Fetched.\r\n"
    for numbers in (b"*", b"99:*"):
        said = client.say(b"t UID FETCH %b UID\r\n" % numbers)
        assert said.startswith(b"* 2 FETCH (UID 3)\r\n")


def test_the_last_uid_is_that_of_a_message() -> None:
    """In UIDs "*" is the last message there is, not the last there was."""
    client = client_with(MESSAGE, MESSAGE)
    client.say(b"s STORE 2 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\n")
    said = client.say(b"t UID FETCH * UID\r\n")
    assert said.startswith(b"* 1 FETCH (UID 1)\r\n")


def test_nobodys_number_is_bad() -> None:
    """A sequence number beyond EXISTS is BAD; a UID beyond all is not."""
    client = client_with(MESSAGE)
    assert client.say(b"t FETCH 1:2 UID\r\n") == b"t BAD No such message.\r\n"
    assert client.say(b"t UID FETCH 2 UID\r\n") == b"t OK Fetched.\r\n"
    empty = client_with()
    assert empty.say(b"t FETCH * UID\r\n") == b"t BAD No such message.\r\n"
    assert empty.say(b"t UID FETCH 1:* UID\r\n") == b"t OK Fetched.\r\n"


def test_gone_messages_are_left_out() -> None:
    """Bodies that are gone are skipped, the others told, and the answer is NO."""
    client = client_with(MESSAGE, MESSAGE, MESSAGE)
    client.account.inbox.bodies_gone.add(2)
    del client.account.inbox.messages[2]
    said = client.say(b"t FETCH 1:3 BODY.PEEK[TEXT]\r\n")
    assert said.count(TEXT) == 2
    assert said.endswith(b"t NO [EXPUNGEISSUED] Some messages were expunged.\r\n")
    assert not client.closed


def test_a_literal_that_can_not_be_completed() -> None:
    """If a body goes while it is told, the connection ends, and not the literal."""
    client = client_with(b"\r\n" + b"x" * (3 * READ))
    asked = 0

    async def lose_it(what: str) -> None:
        nonlocal asked
        asked += what == "read"
        if asked == 2:
            client.account.inbox.bodies_gone.add(1)

    client.account.pause = lose_it
    said = client.say(b"t FETCH 1 BODY.PEEK[]\r\n")
    assert client.closed
    assert b"t OK" not in said
    assert len(said) < READ + 100


def test_another_sessions_expunge_waits() -> None:
    """FETCH and STORE by position tell no EXPUNGE; UID FETCH does."""
    account = FakeAccount()
    for _ in range(2):
        account.inbox.add(MESSAGE)
    one, two = (Client(account).login().select() for _ in range(2))
    two.say(b"s STORE 1 +FLAGS.SILENT (\\Deleted)\r\ne EXPUNGE\r\n")
    assert b"EXPUNGE" not in one.say(b"t FETCH 2 UID\r\n")
    assert b"EXPUNGE" not in one.say(b"t STORE 2 +FLAGS (\\Flagged)\r\n")
    assert b"* 1 EXPUNGE\r\n" in one.say(b"t UID FETCH 2 UID\r\n")
    assert one.say(b"t FETCH 1 UID\r\n").startswith(b"* 1 FETCH (UID 2)\r\n")
