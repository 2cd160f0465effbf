"""URLAUTH: others may have what one lets them. RFC 4467; URL-PARTIAL, RFC 5550."""

import pytest

from imapbox.imap.settings import Settings
from imapbox.model.errors import StoreFailure
from imapbox.model.names import UserName
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

MAIL = (
    b"Subject: secret\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n\x00two\r\n--b--\r\n"
)
LARGE = b"Subject: large\r\n\r\n" + bytes(range(1, 256)) * 4096
INBOX = b"imap://ana@example.org/INBOX"
PART = INBOX + b"/;uid=1/;section=1"
REFUSAL = Settings().url_refusal
NOBODY = FakeAccount(user=UserName("nobody"))


@pytest.fixture
def ana() -> Client:
    """Her INBOX has two messages; Work, in which there is none, has UIDVALIDITY 102."""
    account = FakeAccount()
    account.inbox.add(MAIL)
    account.inbox.add(LARGE)
    account.boxes["Work"] = account._new_box()
    return Client(account).login()


def neighbour(
    ana: Client, name: str = "bob", settings: Settings | None = None
) -> Client:
    """Somebody else on the same server."""
    others = {"ana": ana.account, "nobody": NOBODY}
    account = FakeAccount(user=UserName(name), others=others)
    return Client(account, settings=settings, clock=ana.clock).login()


def authorize(client: Client, rump: bytes) -> bytes:
    """Return an authorised URL."""
    said = client.say(b'g GENURLAUTH "%b" INTERNAL\r\n' % rump)
    start, url, end = said.split(b'"')
    assert (start, end) == (b"* GENURLAUTH ", b"\r\ng OK Authorised.\r\n")
    assert url.startswith(rump + b":internal:01")
    return url


def follow(client: Client, url: bytes) -> bytes | None:
    """Return what a client is told that a URL leads to; the answer is OK."""
    said = client.say(b't URLFETCH "%b"\r\n' % url) or client.turn(REFUSAL)
    start, end = b'* URLFETCH "%b" ' % url, b"\r\nt OK Fetched.\r\n"
    assert said.startswith(start), said
    assert said.endswith(end), said
    value = said[len(start) : -len(end)]
    if value == b"NIL":
        return None
    size, _, octets = value.partition(b"}\r\n")
    assert size == b"{%d" % len(octets)
    return octets


@pytest.mark.parametrize(
    ("what", "octets"),
    [
        (b"/;uid=1/;section=1", b"one"),
        (b"/;UID=1", MAIL.replace(b"\0", b"\x80")),
        (b"/;uid=1/;section=HEADER.FIELDS%20(Subject)", b"Subject: secret\r\n\r\n"),
        (b"/;uid=1/;section=2/;PARTIAL=1.2", b"tw"),
        (b"/;uid=1/;PARTIAL=99999", b""),
        (b"/;uid=2", LARGE),
        (b"/;uid=1/;section=3", None),
        (b"/;uid=3", None),
        (b";UIDVALIDITY=101/;uid=1/;section=1", b"one"),
        (b";UIDVALIDITY=102/;uid=1/;section=1", None),
    ],
)
def test_what_a_url_leads_to(ana: Client, what: bytes, octets: bytes | None) -> None:
    """Whoever may have it is told what FETCH would tell the owner; nothing changes."""
    url = authorize(ana, INBOX + what + b";urlauth=authuser")
    bob = neighbour(ana)
    bob.select()
    assert follow(bob, url) == octets
    assert follow(ana, url) == octets
    assert bob.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"
    assert ana.account.inbox.messages[1].flags == 0
    assert ana.account.inbox.recent_from == 1
    assert ana.account.open == []


@pytest.mark.parametrize(
    ("access", "who"),
    [
        (b"authuser", {"ana", "bob", "mta"}),
        (b"anonymous", {"ana", "bob", "mta"}),
        (b"user+bob", {"bob"}),
        (b"user+%42ob", {"bob"}),
        (b"user+ana", {"ana"}),
        # Not even bob: he is no submission server.
        (b"submit+bob", {"mta"}),
        (b"SUBMIT+nobody", {"mta"}),
    ],
)
def test_who_may_have_it(ana: Client, access: bytes, who: set[str]) -> None:
    """The URL says who may have what it leads to: RFC 4467 §3."""
    url = authorize(ana, PART + b";urlauth=" + access)
    settings = Settings(submission_users=frozenset({UserName("mta")}))
    clients = [ana, *(neighbour(ana, name, settings) for name in ("bob", "mta"))]
    assert {each.account.user for each in clients if follow(each, url)} == who


def test_no_octet_can_be_changed(ana: Client) -> None:
    """A URL of which any octet is another leads nowhere."""
    url = authorize(
        ana,
        b"imap://ana;AUTH=*@example.org/INBOX;UIDVALIDITY=101/;uid=1/;section=1"
        b"/;partial=0.2;expire=2030-01-01T00:00:00Z;urlauth=authuser",
    )
    assert follow(ana, url) == b"on"
    mechanism = url.index(b":internal:")
    for at, octet in enumerate(url):
        other = ord("b") if octet in b"aA3" else ord("3")
        changed = url[:at] + bytes([other]) + url[at + 1 :]
        assert follow(ana, changed) is None, changed
        case = url[:at] + bytes([octet]).swapcase() + url[at + 1 :]
        is_same = case == url or at > mechanism
        assert (follow(ana, case) is not None) is is_same, case
    assert follow(ana, url + b"0") is None
    assert follow(ana, url[:mechanism]) is None
    assert follow(ana, url.replace(b":internal:", b":xsample:")) is None


def test_until_when(ana: Client) -> None:
    """After its day a URL leads nowhere any more."""
    url = authorize(ana, PART + b";expire=1970-01-01T01:01:40+01:00;urlauth=anonymous")
    bob = neighbour(ana)
    assert follow(bob, url) == b"one"
    ana.clock.advance(100 - ana.clock.seconds())
    assert follow(bob, url) == b"one"
    ana.clock.advance(1)
    assert follow(bob, url) is None
    assert follow(ana, url) is None


def test_keys_are_taken_back(ana: Client) -> None:
    """RESETKEY takes back what was authorised of one mailbox, or of all."""
    url = authorize(ana, PART + b";urlauth=authuser")
    ana.account.boxes["Work"].add(b"w")
    work = authorize(ana, b"imap://ana@x/Work/;uid=1;urlauth=authuser")
    said = ana.say(b"r RESETKEY inbox internal\r\n")
    assert said.startswith(b"r OK [URLMECH INTERNAL] ")
    assert (follow(ana, url), follow(ana, work)) == (None, b"w")
    again = authorize(ana, PART + b";urlauth=authuser")
    assert (again != url, follow(ana, again)) == (True, b"one")
    assert ana.say(b"r RESETKEY\r\n").startswith(b"r OK No")
    assert (follow(ana, again), follow(ana, work)) == (None, None)
    assert ana.say(b"r RESETKEY nowhere\r\n").startswith(b"r NO [NONEXISTENT] ")
    assert ana.say(b"r RESETKEY INBOX XSAMPLE\r\n").startswith(b"r NO [CANNOT] ")
    assert ana.account.keys == {}


def test_a_name_that_means_another_mailbox(ana: Client) -> None:
    """What is called by the name later is not what was authorised."""
    ana.account.boxes["Work"].add(b"old")
    url = authorize(ana, b"imap://ana@x/Work/;uid=1;urlauth=authuser")
    ana.say(b"a RENAME Work Done\r\nb CREATE Work\r\n")
    ana.account.boxes["Work"].add(b"new")
    authorize(ana, b"imap://ana@x/Work/;uid=1;urlauth=anonymous")
    assert follow(ana, url) is None
    ana.say(b"a DELETE Work\r\nb RENAME Done Work\r\n")
    assert follow(ana, url) == b"old"


@pytest.mark.parametrize(
    ("rump", "mechanism"),
    [
        (PART + b";urlauth=authuser", b"XSAMPLE"),
        (PART, b"INTERNAL"),
        (INBOX, b"INTERNAL"),
        (INBOX + b"/;uid=0;urlauth=authuser", b"INTERNAL"),
        (INBOX + b";urlauth=authuser", b"INTERNAL"),
        (PART + b";urlauth=everybody", b"INTERNAL"),
        (PART + b";urlauth=authuser:internal:" + b"0" * 66, b"INTERNAL"),
        (b"imap://ana@x/nowhere/;uid=1;urlauth=authuser", b"INTERNAL"),
        (b"imap://ana@x//a/;uid=1;urlauth=authuser", b"INTERNAL"),
        (b"imap://bob@x/INBOX/;uid=1;urlauth=authuser", b"INTERNAL"),
        (b"imap://nobody@x/INBOX/;uid=1;urlauth=authuser", b"INTERNAL"),
        (b"imap://x/INBOX/;uid=1;urlauth=authuser", b"INTERNAL"),
        (b"/INBOX/;uid=1;urlauth=authuser", b"INTERNAL"),
    ],
)
def test_what_can_not_be_authorised(ana: Client, rump: bytes, mechanism: bytes) -> None:
    """What is not one's own, or is no part of a message, is BAD, in the same words."""
    good = PART + b";urlauth=authuser"
    said = ana.say(b'g GENURLAUTH "%b" INTERNAL "%b" %b\r\n' % (good, rump, mechanism))
    assert said == b"g BAD A URL can not be authorised.\r\n"


def test_whose_it_is_nobody_learns(ana: Client) -> None:
    """What one may not have is answered in the same words, after the same time."""
    url = authorize(ana, PART + b";urlauth=authuser")
    token = url.rpartition(b":")[2]
    bob = neighbour(ana)
    forms = [
        *(b"imap://nobody@x/INBOX/;uid=1", b"imap://zoe@x/INBOX/;uid=1"),
        *(b"imap://ana@x/Work/;uid=1", b"imap://ana@x/nowhere/;uid=1"),
        *(
            b"imap://ana@x/INBOX/;uid=1",
            b"imap://ana@x/INBOX/;uid=9",
            b"imap://ana@x//a/;uid=1",
        ),
        b"imap://ana@x/INBOX/;uid=1/;section=9",
    ]
    urls = [b"%b;urlauth=authuser:internal:%b" % (form, token) for form in forms]
    urls += [PART, PART + b";urlauth=authuser", PART + b";urlauth=user+zoe" + token]

    def heard(url: bytes) -> list[bytes]:
        said = [bob.say(b't URLFETCH "%b"\r\n' % url)]
        said += [bob.turn(REFUSAL * 0.9), bob.turn(REFUSAL * 0.2)]
        return [each.replace(url, b"URL") for each in said]

    same = [b"", b"", b'* URLFETCH "URL" NIL\r\nt OK Fetched.\r\n']
    assert [heard(each) for each in urls] == [same] * len(urls)
    for step in ("other", "find key"):
        ana.account.pause = bob.account.pause = refusing(StoreFailure(), step)
        assert heard(url) == same
    # Her own are refused at once, and so is what says of nobody whose it is.
    assert follow(ana, urls[0].replace(b"nobody", b"ana")) is None
    for each in (b"", b"/INBOX/;uid=1", b"imap://x/INBOX/;uid=1", b"]" * 9000):
        assert b" NIL\r\nt OK " in bob.say(
            b"t URLFETCH {%d+}\r\n%b\r\n" % (len(each), each)
        )


def test_several_at_once(ana: Client) -> None:
    """Each URL has its line, in the order in which they were named."""
    one = authorize(ana, PART + b";urlauth=authuser")
    two = authorize(ana, INBOX + b"/;uid=1/;section=2;urlauth=authuser")
    bad = b'a"b\r\n\xff'
    said = ana.say(b'u URLFETCH %b {%d+}\r\n%b "%b"\r\n' % (one, len(bad), bad, two))
    assert said == (
        b'* URLFETCH "%b" {3}\r\none\r\n* URLFETCH {%d}\r\n%b NIL\r\n'
        b'* URLFETCH "%b" {4}\r\n\x80two\r\nu OK Fetched.\r\n'
    ) % (one, len(bad), bad, two)
    said = ana.say(
        b"g GENURLAUTH %b INTERNAL %b internal\r\n"
        % ((PART + b";urlauth=anonymous",) * 2)
    )
    assert said.startswith(b'* GENURLAUTH "imap://')
    assert said.count(b"anonymous:internal:01") == 2


@pytest.mark.parametrize(
    "line",
    [
        *(b"GENURLAUTH", b"GENURLAUTH x", b"GENURLAUTH x INTERNAL y", b"URLFETCH"),
        *(
            b"URLFETCH ",
            b"URLFETCH x ",
            b"RESETKEY ",
            b"RESETKEY INBOX ",
            b"URLFETCH (x)",
        ),
        b"URLFETCH" + b" x" * 101,
        b"GENURLAUTH" + b" x INTERNAL" * 101,
    ],
    ids=lambda line: repr(line)[:30],
)
def test_what_is_bad(ana: Client, line: bytes) -> None:
    """What names nothing, or too much, is BAD."""
    assert ana.say(b"t %b\r\n" % line).startswith(b"t BAD Not a valid ")


@pytest.mark.parametrize("step", ["select", "read_cards", "read"])
def test_what_can_not_be_read_now(ana: Client, step: str) -> None:
    """Who may have it learns that it can't be read, and is told all others."""
    url = authorize(ana, PART + b";urlauth=authuser")
    opened = 0

    async def pause(what: str) -> None:
        nonlocal opened
        opened += what == "select"
        if what == step and opened == 1:
            raise StoreFailure

    bob = neighbour(ana)
    ana.account.pause = pause
    said = bob.say(b"t URLFETCH %b %b\r\n" % (url, url))
    told = b'* URLFETCH "%b" NIL\r\n* URLFETCH "%b" {3}\r\none\r\n' % (url, url)
    assert said.startswith(told + b"t NO [UNAVAILABLE] ")
    assert ana.account.open == []


def test_what_breaks_off(ana: Client) -> None:
    """Where a large message can't be read any more in between, the session ends."""
    url = authorize(ana, INBOX + b"/;uid=2;urlauth=authuser")
    reads = 0

    async def pause(what: str) -> None:
        nonlocal reads
        reads += what == "read"
        if reads == 3:
            raise StoreFailure

    bob = neighbour(ana)
    ana.account.pause = pause
    said = bob.say(b"t URLFETCH %b\r\n" % url)
    assert said.startswith(b'* URLFETCH "%b" {%d}\r\n' % (url, len(LARGE)))
    assert bob.closed
    assert ana.account.open == []


def test_what_rotted(ana: Client) -> None:
    """What is not what was stored is NIL, and CORRUPTION."""
    url = authorize(ana, INBOX + b"/;uid=2;urlauth=authuser")
    ana.account.inbox.bodies_gone.add(2)
    said = neighbour(ana).say(b"t URLFETCH %b\r\n" % url)
    assert said.startswith(b'* URLFETCH "%b" NIL\r\nt NO [CORRUPTION] ' % url)
