"""SEARCH: who is found, what is told, and what it costs others."""

import base64
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imapbox.imap.settings import SLICE, TURN
from imapbox.mailbox.searching import Searching
from imapbox.mailbox.values import Piece
from imapbox.model.criteria import And, Criterion, Larger
from imapbox.model.errors import StoreFailure
from imapbox.model.message import InternalDate
from imapbox.query.columns import Bounds, ColumnTest, Facts, Mask, column_test
from tests.support.criteria import spelled
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client
from tests.support.messages import crlf
from tests.support.naive_search import CRITERIA, MAILS, Mail, naive_search

KIB = 1024
MIB = 1024 * KIB
NEEDLE = b"sea urchin"

MIXED = crlf(
    """Return-Path: <joe@example.com>
Delivered-To: ana@example.org
From: "Joe Foo" <joe@EXAMPLE.org>
To: =?utf-8?q?=C3=84nne?= <b@c.d>
Cc: =?iso-8859-1?q?J=FCrgen?=
 <j@c.d>
Subject: =?utf-8?q?=C3=84rger?= mit
\tfold
Date: Mon, 1 Feb 2021 23:30:00 -0800
X-Empty:
Content-Type: multipart/mixed; boundary=xx

preamble
--xx
Content-Type: text/plain; charset=iso-8859-1; name=partname
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe,   two lin=
es
--xx
Content-Type: message/rfc822

Subject: inner =?utf-8?b?c3ViamVjdA==?=

inner body
--xx
Content-Type: application/octet-stream

appdata
--xx
Content-Type: text/plain
Content-Transfer-Encoding: base64

aGVsbG8gd29ybGQ=
--xx--
epilogue
"""
)
OWN_LINES = MIXED.index(b"From:")


def client_of(*messages: bytes) -> Client:
    account = FakeAccount()
    for octets in messages:
        account.inbox.add(octets)
    return Client(account).login().select()


def found_in(said: bytes) -> list[int]:
    """What was found, of a whole answer."""
    assert said.startswith(b"* SEARCH")
    assert said.endswith(b"\r\nt OK Searched.\r\n")
    found = said.removeprefix(b"* SEARCH").removesuffix(b"\r\nt OK Searched.\r\n")
    assert b"\r\n" not in found
    assert found.startswith(b" ") or not found
    return [int(each) for each in found.split()]


def sizes_read(client: Client) -> list[int]:
    """How many octets are read at a time from now on."""
    mailbox = client.account.open[0]
    sizes: list[int] = []
    read = mailbox.read

    async def note(pieces: Iterable[Piece]) -> object:
        sizes.append(sum(piece.size for piece in pieces))
        return await read(pieces)

    mailbox.read = note
    return sizes


def search(client: Client, keys: bytes, command: bytes = b"SEARCH") -> list[int]:
    return found_in(client.say(b"t %b %b\r\n" % (command, keys)))


def test_many_keys_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have their turn between keys, too, not only between messages.

    Who has it may move rows: what is asked then is of the messages' own.
    """
    client = client_of(b"x", b"y")
    mailbox = client.account.open[0]
    facts, fresh = mailbox.facts, list[Facts]()
    asked = [0]

    async def pause() -> None:
        fresh.clear()
        asked.append(0)

    def note_facts(places: slice) -> Facts:
        fresh.append(facts(places))
        return fresh[-1]

    def note(criterion: Criterion, bounds: Bounds) -> ColumnTest:
        asked[-1] += 1
        test = column_test(criterion, bounds)

        def noting(facts: Facts) -> Mask:
            asked[-1] += 1
            assert any(facts is each for each in fresh)
            return test(facts)

        return noting

    monkeypatch.setattr(mailbox, "facts", note_facts)
    monkeypatch.setattr("imapbox.mailbox.search_plan.column_test", note)
    keys = And(tuple(Larger(number) for number in range(500)))
    searching = Searching(mailbox, keys, pause, now=0)

    async def search() -> None:
        async for _ in searching.found():
            pass

    assert Deferred.fromCoroutine(search()).called
    assert sum(asked) == 2 * 500
    assert max(asked) <= 32


@pytest.mark.slow
@given(st.lists(MAILS, max_size=4), CRITERIA)
def test_search_finds_what_is_so(mails: list[Mail], criterion: Criterion) -> None:
    """Who is found is who would be found by reading every message from end to end."""
    account = FakeAccount()
    for mail in mails:
        account.inbox.add(mail.octets, mail.flags, mail.arrived)
    client = Client(account).login().select()
    assert search(client, spelled(criterion)) == naive_search(mails, criterion)


FOUND = (
    b"SUBJECT {15+}\r\n\xc3\x84rger mit fold",
    b"SUBJECT {15+}\r\n\xc3\xa4RGER mit FOLD",
    b"CHARSET ISO-8859-1 SUBJECT {5+}\r\n\xe4rger",
    b'HEADER subject "mit fold"',
    b'SUBJECT "mit  fold"',
    b'FROM "joe foo"',
    b"FROM joe@example",
    b"TO {5+}\r\n\xc3\xa4nne",
    b"CC {7+}\r\nj\xc3\xbcrgen",
    b'CC "rgen <j@c.d>"',
    b'HEADER X-Empty ""',
    b'HEADER delivered-to "ANA@"',
    b'HEADER Return-Path ""',
    b"HEADER Content-Type boundary",
    b'SUBJECT ""',
    b"SENTON 1-Feb-2021",
    b"SENTBEFORE 2-Feb-2021",
    b"BODY {8+}\r\nGR\xc3\x9cSSE,",
    b'BODY "two lines"',
    b'BODY "hello world"',
    b'BODY "inner body"',
    b'BODY ""',
    b'TEXT "hello world"',
    b'TEXT "delivered-to: ana@example.org"',
    b'TEXT "x-empty:"',
    b"TEXT partname",
    b'TEXT "inner subject"',
    b'TEXT "mit fold"',
    b'TEXT ""',
    b"NOT BODY appdata",
)
NOT_FOUND = (
    b"SUBJECT arger",
    b'BCC ""',
    b'HEADER X-None ""',
    b'HEADER "Sub ject" ""',
    b"HEADER {5+}\r\nT\xc3\xb6to x",
    b"FROM {3+}\r\nb\r\n",
    b"SENTON 2-Feb-2021",
    b"SENTSINCE 2-Feb-2021",
    b"BODY preamble",
    b"BODY epilogue",
    b"BODY appdata",
    b"TEXT appdata",
    b"BODY partname",
    b"BODY joe",
    b'BODY "inner subject"',
    b"BODY boundary",
    b"TEXT --xx",
    b"TEXT aGVsbG8",
    b'TEXT "lines inner"',
)


@pytest.mark.parametrize("keys", [*FOUND, *NOT_FOUND], ids=repr)
@pytest.mark.parametrize("own_lines", [0, OWN_LINES])
def test_texts_are_looked_for_decoded(keys: bytes, own_lines: int) -> None:
    """Words are found as they are read, in headers, in text, not in attachments."""
    client = client_of(MIXED)
    client.account.inbox.messages[1].header_size = own_lines
    assert search(client, keys) == ([1] if keys in FOUND else [])


def test_a_message_without_date_was_never_sent() -> None:
    """SENTBEFORE and SENTSINCE find no message without a Date."""
    client = client_of(b"Subject: x\r\n\r\nx", b"Date: nonsense\r\n\r\nx")
    assert search(client, b"OR SENTBEFORE 1-Jan-2030 SENTSINCE 1-Jan-1970") == []
    assert search(client, b"NOT SENTON 1-Jan-2030") == [1, 2]


def test_a_field_that_is_empty_is_there() -> None:
    """The empty string finds every message that has the field."""
    client = client_of(b"Subject:\r\nX:\r\n\r\n", b"\r\n")
    for keys in (b'SUBJECT ""', b'HEADER Subject ""', b'HEADER X ""'):
        assert search(client, keys) == [1]


def test_uid_search_tells_uids() -> None:
    """SEARCH tells sequence numbers, UID SEARCH tells UIDs; empty is told, too."""
    client = client_of(b"a: 1\r\n\r\n", b"a: 2\r\n\r\n", b"a: 3\r\n\r\n")
    client.say(b"s STORE 1 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\n")
    assert search(client, b"HEADER a 3") == [2]
    assert search(client, b"HEADER a 3", b"UID SEARCH") == [3]
    assert search(client, b"UID 3,7:9", b"uid search") == [3]
    assert search(client, b"UID *") == [2]
    assert search(client, b"HEADER a 1", b"UID SEARCH") == []
    assert client.say(b"t SEARCH KEYWORD none\r\n") == (
        b"* SEARCH\r\nt OK Searched.\r\n"
    )


def test_older_and_younger_count_from_now() -> None:
    """OLDER and YOUNGER count seconds back from when the search begins, to the second.

    RFC 5032 §2: what arrived just then is both.
    """
    account = FakeAccount()
    for ago in (100, 99, 1, 0):
        account.inbox.add(b"x", date=InternalDate(10_000 - ago, 60))
    clock = Clock()
    clock.advance(10_000.9)
    client = Client(account, clock=clock).login().select()
    assert search(client, b"OLDER 99") == [1, 2]
    assert search(client, b"YOUNGER 99") == [2, 3, 4]
    clock.advance(1)
    assert search(client, b"YOUNGER 99") == [3, 4]
    assert search(client, b"NOT OLDER 4294967295") == [1, 2, 3, 4]


def test_numbers_beyond_the_last_are_nobodys() -> None:
    """A sequence number that no message has is no mistake in a SEARCH."""
    empty, one = client_of(), client_of(b"x")
    assert search(empty, b"1:*") == search(empty, b"*") == search(empty, b"ALL") == []
    assert search(one, b"5") == []
    assert search(one, b"1:4294967295") == search(one, b"9:*") == [1]


def test_an_unknown_charset_is_refused() -> None:
    """A charset that we don't read is NO, and the code lists those that we do."""
    client = client_of(b"x")
    said = client.say(b"t SEARCH CHARSET zip BODY x\r\n")
    assert said.startswith(b"t NO [BADCHARSET (US-ASCII UTF-8 ")
    assert said.count(b"\r\n") == 1
    assert client.say(b"t SEARCH CHARSET zip BODY\r\n").startswith(b"t BAD ")


def test_another_sessions_expunge_waits() -> None:
    """SEARCH tells no EXPUNGE, and searches what the client knows; UID SEARCH does."""
    account = FakeAccount()
    for _ in range(2):
        account.inbox.add(b"Subject: x\r\n\r\nbody")
    one, two = (Client(account).login().select() for _ in range(2))
    two.say(b"s STORE 1 +FLAGS.SILENT (\\Deleted)\r\ne EXPUNGE\r\n")
    account.inbox.bodies_gone.add(1)
    assert b"* SEARCH 1 2\r\n* 1 FETCH (" in one.say(b"t SEARCH ALL\r\n")
    assert search(one, b"SUBJECT x") == [2]
    assert search(one, b"BODY body") == [2]
    assert search(one, b"NOT BODY body") == [1]
    said = one.say(b"t UID SEARCH BODY body\r\n")
    assert said == b"* SEARCH 2\r\n* 1 EXPUNGE\r\nt OK Searched.\r\n"
    assert search(one, b"ALL") == [1]


def test_what_can_not_be_read_is_no_result() -> None:
    """If the store fails, the answer is NO, and nothing is said to be found."""
    client = client_of(b"Subject: x\r\n\r\nbody")
    client.account.pause = refusing(StoreFailure(), "read")
    said = client.say(b"t SEARCH BODY body\r\n")
    assert said.startswith(b"t NO [UNAVAILABLE] ")
    assert search(client, b"SUBJECT x") == [1]


def test_only_what_decides_is_read() -> None:
    """No card is read where flags decide, and no octet where cards do."""
    account = FakeAccount()
    for number in range(4):
        flags = ["\\Seen"] if number % 2 else []
        account.inbox.add(b"Subject: s%d\r\n\r\nbody" % number, flags)
    client = Client(account).login().select()
    asked: list[str] = []

    async def note(what: str) -> None:
        asked.append(what)

    account.pause = note

    def asks(keys: bytes) -> tuple[list[int], set[str]]:
        asked.clear()
        found = search(client, keys)
        return found, set(asked) - {"sync", "make_card"}

    assert asks(b"SEEN") == ([2, 4], set())
    assert asks(b"UNSEEN SEEN BODY body") == ([], set())
    assert asks(b"OR ALL BODY body") == ([1, 2, 3, 4], set())
    assert asks(b"SEEN SUBJECT s1") == ([2], {"read_cards"})
    assert asks(b"BODY body SUBJECT s9") == ([], {"read_cards"})
    assert asks(b"BODY body SUBJECT s1") == ([2], {"read_cards", "read"})


def large(start: bytes, size: int, end: bytes) -> bytes:
    return b"Subject: large\r\n\r\n" + start + b"." * (size - 40) + end


@pytest.mark.parametrize("cut", range(-12, 3))
def test_a_string_across_pieces_is_found(cut: int) -> None:
    """A string is found wherever the pieces are cut in which a message is read."""
    before = 256 * KIB - len(b"Subject: large\r\n\r\n") + cut
    client = client_of(large(b"x" * before + NEEDLE, 300 * KIB, b""))
    assert search(client, b'BODY "%b"' % NEEDLE) == [1]
    assert search(client, b'TEXT "%b"' % NEEDLE.upper()) == [1]
    assert search(client, b'BODY "%bx"' % NEEDLE) == []


def test_a_header_that_decides_spares_the_body() -> None:
    """Where a header field is not what was asked, nothing else is read."""
    client = client_of(b"X: y\r\n" + large(b"", MIB, NEEDLE))
    asked = sizes_read(client)
    assert search(client, b"HEADER X z BODY nowhere") == []
    assert len(asked) == 1
    assert search(client, b"HEADER X y BODY nowhere") == []
    assert len(asked) > 3


def test_a_long_header_is_read_again() -> None:
    """Of a large message with a long header, field and text are both found."""
    fields = b"".join(b"X-%d: value\r\n" % number for number in range(20_000))
    client = client_of(b"X: first\r\n" + fields + large(b"", 300 * KIB, NEEDLE))
    keys = b'HEADER X-19999 value TEXT "first" HEADER X-1 value BODY "%b"' % NEEDLE
    assert search(client, keys) == [1]


@pytest.mark.slow
def test_a_message_of_64_mib_is_read_in_pieces() -> None:
    """The end of the largest message is searched like its beginning."""
    client = client_of(large(b"", 64 * MIB, NEEDLE))
    asked = sizes_read(client)
    client.protocol.dataReceived(b't SEARCH BODY "%b"\r\n' % NEEDLE)
    assert found_in(client.turn()) == [1]
    assert max(asked) <= 256 * KIB


def test_an_encoded_body_is_cut_anywhere() -> None:
    """A body in base64 is found across the pieces, too."""
    text = ("ß" * 1000 + "\r\n").encode() * 200 + "grüße".encode()
    octets = (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64"
        b"\r\n\r\n" + base64.encodebytes(text).replace(b"\n", b"\r\n")
    )
    client = client_of(octets)
    assert search(client, b"BODY {10+}\r\n\xc3\x9f\r\nGR\xc3\x9c\xc3\x9f") == [1]
    assert search(client, b"BODY {7+}\r\n\xc3\x9fgru\xc3\x9f") == []


@pytest.mark.parametrize("keys", [b"SUBJECT x", b"BODY x", b"OR TEXT x HEADER y z"])
def test_others_have_their_turn(keys: bytes) -> None:
    """Another session is answered while a long search goes on."""
    clock = Clock()
    account = FakeAccount()
    for _ in range(300):
        account.inbox.add(b"Subject: s\r\n\r\nbody")
    searcher, other = (Client(account, clock=clock).login().select() for _ in range(2))
    looks = 0

    def seconds() -> float:
        nonlocal looks
        looks += 1
        clock.rightNow += TURN / 4
        return clock.rightNow

    clock.seconds = seconds
    searcher.protocol.dataReceived(b"t SEARCH %b\r\n" % keys)
    answered = 0
    while not searcher.heard():
        before = looks
        other.protocol.dataReceived(b"n NOOP\r\n")
        answered += other.heard().count(b"n OK")
        searcher.reactor_turn()
        assert looks - before < 100
    assert answered > 5


@pytest.mark.parametrize("keys", [b"SUBJECT x", b"BODY x"])
def test_time_is_looked_at_after_each_message(keys: bytes) -> None:
    """However few messages there are, each may take long: others come between."""
    client = client_of(*[b"Subject: s\r\n\r\nbody"] * 6)

    def slow() -> float:
        client.clock.rightNow += TURN
        return client.clock.rightNow

    client.clock.seconds = slow
    client.protocol.dataReceived(b"t SEARCH %b\r\n" % keys)
    turns = 0
    while client.reactor_turn():
        turns += 1
    assert found_in(client.heard()) == []
    assert turns >= 6


@pytest.mark.parametrize("key", [b"BODY", b"TEXT", b"SUBJECT", b"NOT HEADER X-Odd"])
def test_texts_have_a_limit(key: bytes) -> None:
    """A text of more than 4,096 characters is not searched for: NO [LIMIT]."""
    client = client_of(b"Subject: x\r\n\r\nbody")
    for size in (4096, 4097, 100_000):
        said = client.say(b"t SEARCH ALL %b {%d+}\r\n%b\r\n" % (key, size, b"x" * size))
        if size == 4096:
            assert said.endswith(b"t OK Searched.\r\n")
        else:
            assert said.startswith(b"t NO [LIMIT] This text is too long ")
    assert search(client, b"ALL") == [1]


def test_a_long_search_is_not_silent() -> None:
    """Every ten seconds a client reads that its search goes on, and how far it is."""
    account = FakeAccount()
    for _ in range(100):
        account.inbox.add(b"Subject: s\r\n\r\nbody")
    client = Client(account).login().select()

    async def slowly(what: str) -> None:
        client.clock.rightNow += 4 * (what == "make_card")

    account.pause = slowly
    said = client.say(b"t SEARCH BODY body\r\n")
    lines = said.split(b"\r\n")
    told = [line for line in lines if line.startswith(b"* OK [INPROGRESS (")]
    assert told[-1] == (
        b'* OK [INPROGRESS ("t" 0 100)] Still searching: 0 of 100 messages so far.'
    )
    assert 1 <= len(told) <= 40
    assert found_in(said.split(told[-1] + b"\r\n")[-1]) == list(range(1, 101))


def test_who_leaves_ends_the_search() -> None:
    """A search whose client has gone does nothing more, and leaves nothing."""
    clock = Clock()
    account = FakeAccount()
    for _ in range(300):
        account.inbox.add(b"Subject: s\r\n\r\nbody")
    client = Client(account, clock=clock).login().select()
    reads = 0

    async def work(what: str) -> None:
        nonlocal reads
        reads += what == "read"

    account.pause = work
    clock.seconds = lambda: (
        setattr(clock, "rightNow", clock.rightNow + TURN) or (clock.rightNow)
    )
    client.protocol.dataReceived(b"t SEARCH TEXT x\r\n")
    assert client.heard() == b""
    client.drop()
    before = reads
    for _ in range(50):
        clock.advance(1)
    assert reads == before
    assert account.open == []
    assert clock.getDelayedCalls() == []


def test_a_long_answer_goes_out_in_slices() -> None:
    """A hundred thousand numbers are one line, in slices of 64 KiB."""
    account = FakeAccount()
    for _ in range(30_000):
        account.inbox.add(b"")
    client = Client(account).login().select()
    client.protocol.dataReceived(b"t UID SEARCH ALL\r\n")
    slices = [client.heard()]
    while client.reactor_turn():
        slices.append(client.heard())
    assert found_in(b"".join(slices)) == list(range(1, 30_001))
    assert max(map(len, slices)) < 2 * SLICE
    assert len(slices) > 2
