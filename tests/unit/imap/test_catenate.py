"""CATENATE: messages made of parts of others. RFC 4469."""

import pytest

from imapbox.imap.settings import Settings
from imapbox.model.errors import DiskFull, StoreFailure
from imapbox.model.flags import Flag
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

MAIL = (
    b"Subject: old\r\nFrom: a@example.org\r\nContent-Type: multipart/mixed; "
    b"boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n"
    b"Content-Type: application/zip\r\n\r\n\x00zip\r\n--b--\r\n"
)
LARGE = b"Subject: large\r\n\r\n" + bytes(range(256)) * 4096


@pytest.fixture
def client() -> Client:
    """INBOX with one message, Drafts with UIDVALIDITY 102, and Work/Ideas."""
    account = FakeAccount()
    account.inbox.add(b"Subject: inbox\r\n\r\n")
    for name in ("Drafts", "Work/Ideas", "Work/\u00f6l"):
        account.boxes[name] = account._new_box()
    account.boxes["Drafts"].add(MAIL)
    account.boxes["Drafts"].add(LARGE)
    account.boxes["Work/Ideas"].add(b"Subject: idea\r\n\r\nbright\r\n")
    account.boxes["Work/\u00f6l"].add(b"oil")
    return Client(account, settings=Settings(message_limit=2_000_000)).login()


def stored(client: Client, name: str = "INBOX") -> list[bytes]:
    """What was appended to a mailbox that had one message."""
    return [each.octets for each in client.account.boxes[name].messages.values()][1:]


def left_behind(client: Client) -> tuple[object, ...]:
    """Spools that are not given back, and mailboxes that are still open."""
    return client.account.spools, client.account.open


def test_an_attachment_is_replaced(client: Client) -> None:
    """Parts of messages and octets of the client's become one message: RFC 4469 §A."""
    said = client.say(
        b"t APPEND INBOX (\\Seen $x) CATENATE "
        b'(URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=HEADER" TEXT {5}\r\n'
    )
    assert said == b"+ Send it.\r\n"
    said = client.say(
        b'--b\r\n URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=1.MIME"'
        b" URL {44+}\r\n/Drafts;UIDVALIDITY=102/;UID=1/;section=1.M!"
    )
    assert said == b""
    said = client.say(b" TEXT {9+}\r\n\r\n--b--\r\n)\r\n")
    assert said.startswith(
        b"t NO [BADURL /Drafts;UIDVALIDITY=102/;UID=1/;section=1.M!]"
    )
    said = client.say(
        b'u APPEND INBOX (\\Seen $x) " 1-Feb-2026 12:00:00 +0100" CATENATE '
        b'(URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=HEADER" TEXT {5+}\r\n'
        b'--b\r\n URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=1.MIME"'
        b" URL {41+}\r\n/Drafts;UIDVALIDITY=102/;UID=1/;section 1 TEXT {9+}\r\n"
        b"\r\n--b--\r\n)\r\n"
    )
    assert b"BADURL /Drafts;UIDVALIDITY=102/;UID=1/;section%201]" in said
    said = client.say(
        b'v APPEND INBOX (\\Seen $x) " 1-Feb-2026 12:00:00 +0100" CATENATE '
        b'(URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=HEADER" TEXT {5+}\r\n'
        b'--b\r\n URL "/Drafts;UIDVALIDITY=102/;UID=1/;section=1.MIME"'
        b" URL {41}\r\n"
    )
    assert said == b"+ Go on.\r\n"
    said = client.say(
        b"/Drafts;UIDVALIDITY=102/;UID=1/;section=1 TEXT ~{10+}\r\n\r\n--b--\0\r\n)\r\n"
    )
    assert said == b"v OK [APPENDUID 101 2] Message stored.\r\n"
    header, _, _ = MAIL.partition(b"\r\n\r\n")
    mime = b"Content-Type: text/plain\r\n\r\n"
    new = header + b"\r\n\r\n--b\r\n" + mime + b"one\r\n--b--\0\r\n"
    assert stored(client) == [new]
    message = client.account.inbox.messages[2]
    assert (message.flags, message.date.seconds) == (Flag.SEEN, 1_769_943_600)
    # What is copied is not seen by that, and nothing stays open.
    assert client.account.boxes["Drafts"].messages[1].flags == 0
    assert left_behind(client) == (set(), [])


@pytest.mark.parametrize(
    ("url", "octets"),
    [
        (b"/Drafts/;UID=1", MAIL),
        (b"/drafts/;UID=1", None),
        (b"Drafts/;UID=1", MAIL),
        (b"/Drafts/;UID=1/;SECTION=TEXT/;PARTIAL=3", b"\r\nContent-Type: text"),
        (b"/Drafts/;UID=1/;SECTION=HEADER.FIELDS%20(From)", b"From: a@example.org\r\n"),
        (b"/Drafts/;UID=1/;SECTION=HEADER.FIELDS%20(From)/;PARTIAL=6.1", b"a"),
        # Octets are those that are stored, whatever FETCH would make of them.
        (b"/Drafts/;UID=1/;SECTION=2", b"\x00zip"),
        (b"/Work/%C3%B6l/;UID=1", b"oil"),
        (b"/Work/&APY-l/;UID=1", None),
        (b"/INBOX;UIDVALIDITY=101/;UID=1", b"Subject: inbox"),
        (b"/inbox;UIDVALIDITY=102/;UID=1", None),
        *(
            (url, None)
            for url in (
                *(b"/Drafts/;UID=3", b"/Drafts/;UID=1/;SECTION=9", b"/nowhere/;UID=1"),
                *(b"/Drafts/;UID=1/;SECTION=1.1", b"/Drafts", b"", b"/", b"x\r\ny"),
                *(
                    b";UID=1",
                    b"/;UID=1",
                    b";SECTION=1",
                    b"/a//b/;UID=1",
                    b"/%00/;UID=1",
                ),
                *(b"/Drafts/;UID=0", b"/\xff/;UID=1", b"[]"),
                b"//localhost/Drafts/;UID=1",
                b"imap://ana@localhost/Drafts/;UID=1",
                b"/Drafts/;UID=1;URLAUTH=anonymous:internal:" + b"a" * 64,
            )
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_where_a_url_leads(client: Client, url: bytes, octets: bytes | None) -> None:
    """A URL is one's own message or a part of it, or the answer is BADURL."""
    said = client.say(
        b"t APPEND INBOX CATENATE (URL {%d+}\r\n%b)\r\n" % (len(url), url)
    )
    if octets is None:
        assert said.startswith(b"t NO [BADURL ")
        assert said.count(b"\r\n") == 1
        assert stored(client) == []
    else:
        assert said == b"t OK [APPENDUID 101 2] Message stored.\r\n"
        assert stored(client)[0].startswith(octets)
    assert left_behind(client) == (set(), [])


def test_relative_to_what_is_selected(client: Client) -> None:
    """A URL without a mailbox means the selected one; else it counts from there."""
    for name, url, octets in (
        (b"Drafts", b";UID=1/;SECTION=2", b"\x00zip"),
        (b"Work/Ideas", b"%C3%B6l/;UID=1", b"oil"),
        (b"Work/Ideas", b"Drafts/;UID=1", None),
        (b"INBOX", b"Work/Ideas/;UID=1/;SECTION=TEXT", b"bright\r\n"),
    ):
        client.select(name)
        said = client.say(b't APPEND "Work/&APY-l" CATENATE (URL "%b")\r\n' % url)
        assert (b"t OK " in said) is (octets is not None), said
        if octets is not None:
            assert stored(client, "Work/\u00f6l")[-1] == octets
    # The selected one, whatever is called so now.
    client.select(b"Drafts")
    client.account.boxes["Drafts"] = client.account.boxes["Work/Ideas"]
    said = client.say(b"t APPEND INBOX CATENATE (URL ;UID=1)\r\n")
    assert b"t NO [BADURL ;UID=1]" in said
    # What the client was not told of is there, too.
    client.select(b"INBOX")
    client.account.inbox.add(b"new")
    said = client.say(b"t APPEND Drafts CATENATE (URL ;UID=2)\r\n")
    assert b"t OK " in said


def test_several_messages_at_once(client: Client) -> None:
    """In one APPEND there may be messages of either kind; they are told as one."""
    said = client.say(
        b"t APPEND INBOX CATENATE (URL /Drafts/;UID=1) (\\Seen) CATENATE (TEXT {1+}\r\n"
        b"x URL /INBOX/;UID=1 TEXT {1+}\r\ny) {1+}\r\nz CATENATE (TEXT {1+}\r\nw)\r\n"
    )
    assert said == b"t OK [APPENDUID 101 2:5] Messages stored.\r\n"
    inbox = b"Subject: inbox\r\n\r\n"
    assert stored(client) == [MAIL, b"x" + inbox + b"y", b"z", b"w"]
    flags = [each.flags for each in client.account.inbox.messages.values()]
    assert flags == [0, 0, Flag.SEEN, 0, 0]
    assert left_behind(client) == (set(), [])


def test_a_message_takes_the_place_of_what_it_is_made_of(client: Client) -> None:
    """REPLACE may be made of the message that it replaces: RFC 8508 §4.2."""
    client.select(b"Drafts")
    said = client.say(b"t UID REPLACE 1 Drafts CATENATE (TEXT {11}\r\n")
    assert said == b"+ Send it.\r\n"
    said = client.say(b"To: m@x.y\r\n URL ;UID=1)\r\n")
    assert said.startswith(b"* OK [APPENDUID 102 3] Stored.\r\n* 1 EXPUNGE\r\n")
    assert list(client.account.boxes["Drafts"].messages) == [2, 3]
    assert client.account.boxes["Drafts"].messages[3].octets == b"To: m@x.y\r\n" + MAIL
    said = client.say(b"t REPLACE 1 INBOX CATENATE (URL ;UID=3) {1+}\r\nx\r\n")
    assert said.startswith(b"t BAD ")
    assert stored(client) == []
    assert left_behind(client)[0] == set()


def test_utf8_among_the_parts(client: Client) -> None:
    """Once UTF8=ACCEPT is enabled a part may be said to be UTF-8: RFC 6855 §4."""
    append = b"t APPEND INBOX CATENATE (UTF8 (~{2+}\r\n\xc3\xb6) URL /INBOX/;UID=1)\r\n"
    assert client.say(append).startswith(b"t BAD ENABLE UTF8=ACCEPT comes first.")
    client.say(b"e ENABLE UTF8=ACCEPT\r\n")
    assert client.say(append) == b"t OK [APPENDUID 101 2] Message stored.\r\n"
    assert stored(client) == [b"\xc3\xb6Subject: inbox\r\n\r\n"]
    # Names in URLs are UTF-8 anyway, and never more than that.
    quoted = b't APPEND INBOX CATENATE (URL "/Work/\xc3\xb6l/;UID=1")\r\n'
    assert client.say(quoted).startswith(b"t NO [BADURL /Work/%C3%B6l/;UID=1]")


def test_large_parts_are_copied_piece_by_piece(client: Client) -> None:
    """Of a large part 256 KiB are read at a time, and sizes are looked at before."""
    reads: list[int] = []

    async def pause(what: str) -> None:
        if what == "spool":
            (spool,) = client.account.spools
            reads.append(spool.size)

    client.account.pause = pause
    said = client.say(b"t APPEND INBOX CATENATE (URL /Drafts/;UID=2)\r\n")
    assert b"t OK " in said
    assert stored(client) == [LARGE]
    assert reads == list(range(0, len(LARGE), 256 * 1024))
    reads.clear()
    two = b"URL /Drafts/;UID=2 URL /Drafts/;UID=2"
    said = client.say(b"t APPEND INBOX CATENATE (%b)\r\n" % two)
    assert said.startswith(b"t NO [TOOBIG] ")
    assert len(reads) == 5
    assert len(stored(client)) == 1
    assert left_behind(client) == (set(), [])


@pytest.mark.parametrize(
    ("list_", "answer"),
    [
        (b"TEXT {0+}\r\n URL /INBOX/;UID=1/;PARTIAL=99999", b"NO [CANNOT] "),
        (b"TEXT {2000001}", b"NO [TOOBIG] "),
        (b"URL /INBOX/;UID=1 TEXT {1999990}", b"NO [TOOBIG] "),
        (b"URL /x/;UID=1 TEXT {3}", b"NO [BADURL /x/;UID=1] "),
        (b"TEXT {1+}\r\nx URL /x/;UID=1 TEXT {3+}\r\nabc", b"NO [BADURL /x/;UID=1] "),
        (b"URL /INBOX/;UID=1 " * 1000 + b"URL /INBOX/;UID=1", b"NO [LIMIT] "),
        (b"TEXT {1+}\r\nx URL /INBOX/;UID=1 junk", b"BAD "),
        (b"TEXT {1+}\r\nx, TEXT {1+}\r\ny", b"BAD "),
        (b"TEXT {1+}\r\nx URL {131073+}\r\n" + b"x" * 131_073, b"BAD "),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refusals(client: Client, list_: bytes, answer: bytes) -> None:
    """What can't be made is refused as soon as that is known, and nothing is kept."""
    end = b"\r\n" if list_.endswith(b"}") else b")\r\n"
    said = client.say(b"t APPEND INBOX CATENATE (%b%bn NOOP\r\n" % (list_, end))
    assert said.startswith(b"t " + answer), said
    assert said.endswith(b"\r\nn OK Nothing more.\r\n")
    assert said.count(b"\r\n") == 2
    assert stored(client) == []
    assert left_behind(client) == (set(), [])


def test_nowhere_to_put_it(client: Client) -> None:
    """A mailbox that is missing is told before any URL is looked at."""
    said = client.say(b"t APPEND nowhere CATENATE (URL /x/;UID=1)\r\n")
    assert said.startswith(b"t NO [TRYCREATE] ")


@pytest.mark.parametrize(
    ("step", "error", "answer"),
    [
        ("spool", DiskFull(), b"NO [OVERQUOTA] "),
        ("finish", StoreFailure(), b"NO [UNAVAILABLE] "),
        ("select", StoreFailure(), b"NO [UNAVAILABLE] "),
        ("read", StoreFailure(), b"NO [UNAVAILABLE] "),
        ("read_cards", RuntimeError("bug"), b"NO [SERVERBUG] "),
    ],
)
def test_failures_on_the_way(
    client: Client, step: str, error: Exception, answer: bytes
) -> None:
    """Where something fails in between, nothing is stored, and nothing stays."""
    client.account.pause = refusing(error, step)
    said = client.say(
        b"t APPEND INBOX CATENATE (URL /Drafts/;UID=2 TEXT {3+}\r\nabc)\r\nn NOOP\r\n"
    )
    assert said.startswith(b"t " + answer)
    assert said.endswith(b"\r\nn OK Nothing more.\r\n")
    assert stored(client) == []
    assert left_behind(client) == (set(), [])


def test_what_can_not_be_read(client: Client) -> None:
    """A message that is there and is not what was stored is CORRUPTION, not BADURL."""
    client.account.boxes["Drafts"].bodies_gone.add(2)
    said = client.say(b"t APPEND INBOX CATENATE (URL /Drafts/;UID=2)\r\n")
    assert said.startswith(b"t NO [CORRUPTION] ")
    assert stored(client) == []
