"""BINARY: parts with their transfer encoding undone. RFC 3516."""

import base64
import quopri
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from imapbox.mailbox.cards import READ
from imapbox.mime.card import make_card
from imapbox.model.errors import MessageGone
from imapbox.model.flags import Flag
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client
from tests.support.messages import crlf, scan

OURS = b"Return-Path: <a@example.org>\r\n"
HEADER = crlf(
    "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
)


def part(octets: bytes, encoding: bytes = b"", media_type: bytes = b"") -> bytes:
    """Return a part of a multipart; CRLF and boundary before it."""
    lines = [b"", b"--b"]
    if media_type:
        lines.append(b"Content-Type: " + media_type)
    if encoding:
        lines.append(b"Content-Transfer-Encoding: " + encoding)
    return b"\r\n".join([*lines, b"", octets])


def client_with(*parts: bytes) -> Client:
    account = FakeAccount()
    message = HEADER + b"".join(parts) + b"\r\n--b--\r\n"
    uid = account.inbox.add(OURS + message)
    account.inbox.messages[uid].header_size = len(OURS)
    account.inbox.messages[uid].card = make_card(scan(message))
    return Client(account).login().select()


def row(client: Client, items: bytes) -> bytes:
    """Return what is told of message 1, without parentheses."""
    said = client.say(b"t FETCH 1 %b\r\n" % items)
    assert said.endswith(b")\r\nt OK Fetched.\r\n"), said
    return said.removeprefix(b"* 1 FETCH (").removesuffix(b")\r\nt OK Fetched.\r\n")


def literal(label: bytes, octets: bytes) -> bytes:
    tilde = b"~" if b"\0" in octets else b""
    return b"%b %b{%d}\r\n%b" % (label, tilde, len(octets), octets)


def encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(octets, quotetabs=True).replace(b"\n", b"\r\n")
    return octets


@pytest.mark.parametrize("encoding", ["base64", "Quoted-Printable", "7bit", "8BIT"])
@pytest.mark.parametrize("size", [0, 1, 1000, 3 * READ])
def test_decoded(encoding: str, size: int) -> None:
    """A part comes decoded, whole or in part, and its size is told before."""
    octets = bytes(range(65, 91)) * (size // 26) + b"x" * (size % 26)
    if encoding == "Quoted-Printable":
        octets = octets.replace(b"Z", b"=")
    client = client_with(
        part(b"a"), part(encoded(octets, encoding.lower()), encoding.encode())
    )
    wanted = literal(b"BINARY[2]", octets)
    assert row(client, b"BINARY.PEEK[2]") == wanted
    some = literal(b"BINARY[2]<3>", octets[3:8])
    assert row(client, b"BINARY.PEEK[2]<3.5>") == some
    more = literal(b"BINARY[2]<%d>" % (2 * READ), octets[2 * READ :][: READ + 9])
    assert row(client, b"BINARY.PEEK[2]<%d.%d>" % (2 * READ, READ + 9)) == more
    assert row(client, b"BINARY.SIZE[2]") == b"BINARY.SIZE[2] %d" % size


@given(
    st.binary(max_size=300),
    st.sampled_from(["base64", "quoted-printable", "binary"]),
    st.integers(0, 400),
    st.integers(1, 400),
)
def test_any_octets_come_back(
    octets: bytes, encoding: str, start: int, length: int
) -> None:
    """What was encoded comes back octet for octet; with a NUL as a literal8."""
    if encoding == "quoted-printable":
        octets = octets.replace(b"\r", b"").replace(b"\n", b"")
    if b"--b" in octets:
        return
    client = client_with(part(encoded(octets, encoding), encoding.encode()))
    wanted = octets[start : start + length]
    said = row(client, b"(BINARY[1]<%d.%d> BINARY.SIZE[1])" % (start, length))
    label = b"BINARY[1]<%d>" % start
    flags = b"FLAGS (\\Seen \\Recent) "
    assert said == b"%b%b BINARY.SIZE[1] %d" % (
        flags,
        literal(label, wanted),
        len(octets),
    )


def test_a_nul_anywhere_makes_a_literal8() -> None:
    """A part with a NUL in its last piece is announced as a literal8."""
    octets = b"x" * (3 * READ) + b"\0"
    client = client_with(part(encoded(octets, "base64"), b"base64"))
    assert row(client, b"BINARY.PEEK[1]") == literal(b"BINARY[1]", octets)
    before = literal(b"BINARY[1]<0>", octets[:-1])
    assert row(client, b"BINARY.PEEK[1]<0.%d>" % (3 * READ)) == before


def test_what_is_not_there() -> None:
    """A part that does not exist is NIL, and its size 0; never an error."""
    client = client_with(part(b"a"))
    assert row(client, b"BINARY.PEEK[9]") == b"BINARY[9] NIL"
    assert row(client, b"BINARY.PEEK[1.1]<5.6>") == b"BINARY[1.1]<5> NIL"
    assert row(client, b"BINARY.SIZE[9]") == b"BINARY.SIZE[9] 0"


def test_what_holds_other_parts() -> None:
    """A message and a multipart have nothing to be decoded: they come as they are."""
    inner = crlf("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\naGk=")
    client = client_with(part(inner, b"base64", b"message/rfc822"))
    whole = OURS + HEADER + part(inner, b"base64", b"message/rfc822") + b"\r\n--b--\r\n"
    assert row(client, b"BINARY.PEEK[]") == literal(b"BINARY[]", whole)
    assert row(client, b"BINARY.SIZE[]") == b"BINARY.SIZE[] %d" % len(whole)
    assert row(client, b"BINARY.PEEK[1]") == literal(b"BINARY[1]", inner)
    assert row(client, b"BINARY.PEEK[1.1]") == literal(b"BINARY[1.1]", b"hi")


@pytest.mark.parametrize(
    "item", [b"BINARY.PEEK[1]", b"BINARY[1]<0.1>", b"BINARY.SIZE[1]"]
)
def test_an_encoding_that_nobody_knows(item: bytes) -> None:
    """It is NO [UNKNOWN-CTE]; all else that was asked for is told."""
    client = client_with(part(b"a", b"x-strange"), part(b"b"))
    client.account.inbox.messages[1].flags |= Flag.SEEN
    said = client.say(b"t FETCH 1 %b\r\n" % item)
    assert said.startswith(b"t NO [UNKNOWN-CTE] ")
    said = client.say(b"t FETCH 1 (UID %b BINARY.SIZE[2])\r\n" % item)
    assert said.startswith(b"* 1 FETCH (UID 1 BINARY.SIZE[2] 1)\r\nt NO [UNKNOWN-CTE] ")


def test_reading_sets_seen() -> None:
    r"""BINARY[1] sets \Seen; BINARY.PEEK[1] and BINARY.SIZE[1] don't."""
    client = client_with(part(b"a"))
    row(client, b"(BINARY.PEEK[1] BINARY.SIZE[1])")
    assert not client.account.inbox.messages[1].flags
    assert row(client, b"BINARY[1]").startswith(b"FLAGS (\\Seen \\Recent) BINARY[1] {")
    assert client.account.inbox.messages[1].flags == Flag.SEEN


@pytest.mark.parametrize("item", [b"BINARY.PEEK[1]<%d.1>", b"BINARY[1]<%d.1>"])
def test_one_part_is_not_decoded_for_ever(item: bytes) -> None:
    """Who asks for one part again and again in one FETCH is refused: NO [LIMIT]."""
    client = client_with(*[part(b"abc") for _ in range(30)])
    many = b" ".join(item % number for number in range(16))
    assert client.say(b"t FETCH 1 (%b)\r\n" % many).endswith(b"t OK Fetched.\r\n")
    for more in (item % 16, b"BINARY.SIZE[1]"):
        said = client.say(b"t FETCH 1 (%b %b)\r\n" % (many, more))
        assert said.startswith(b"t NO [LIMIT] ")
    each = b" ".join(b"BINARY.PEEK[%d]" % (number + 1) for number in range(30))
    assert row(client, b"(%b)" % each).count(b"abc") == 30


@pytest.mark.parametrize("error", [OSError(), CancelledError(), MessageGone()])
@pytest.mark.parametrize(
    "item", [b"BINARY.PEEK[1]", b"BODY.PEEK[1]", b"BODY.PEEK[HEADER.FIELDS (X)]"]
)
def test_no_line_is_left_half_written(item: bytes, error: Exception) -> None:
    """Where a message can't be told to its end the connection is closed at once."""
    octets = b"x" * (READ + 1)
    ends = set()
    for good in range(9):
        client = client_with(part(octets))
        message = client.account.inbox.messages[1]
        message.octets = message.octets.replace(b"Subj", b"X: %b\r\nSubj" % octets)
        message.card = make_card(scan(message.octets[len(OURS) :]))
        reads = 0

        async def fail(what: str, good: int = good) -> None:
            nonlocal reads
            reads += what == "read"
            if reads > good:
                raise error

        client.account.pause = fail
        said = client.say(b"t FETCH 1 (UID %b)\r\n" % item)
        begun, whole = b"* 1 FETCH (" in said, b")\r\nt OK" in said
        if begun and not whole:
            assert b"t NO" not in said, "nothing is answered within a literal"
            assert client.closed
        else:
            assert whole or said.startswith(b"t NO ")
            assert not client.closed
        ends.add((begun, whole))
    assert ends == {(False, False), (True, False), (True, True)}


def test_a_huge_part_costs_bounded_memory() -> None:
    """20 MiB of base64 are decoded and told in pieces, at the client's speed."""
    octets = b"\0" * (20 * 2**20)
    client = client_with(part(base64.encodebytes(octets), b"base64"))
    client.transport.clear()
    client.transport.read = False
    written = 0
    tracemalloc.start()
    client.protocol.dataReceived(b"t FETCH 1 BINARY.PEEK[1]\r\n")
    said = b""
    while not said.endswith(b"t OK Fetched.\r\n"):
        client.turn(1)
        said = client.transport.value()
        written += len(said)
        client.transport.clear()
        client.transport.producer.resumeProducing()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > len(octets)
    assert most < 8 * 2**20


def test_a_message_with_nul_can_be_appended() -> None:
    """APPEND takes a literal8, and BINARY gives back what came. RFC 3516 §4.4."""
    client = client_with(part(b"a"))
    message = b"Content-Transfer-Encoding: binary\r\n\r\na\0b"
    said = client.say(b"a APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(message), message))
    assert b"a OK" in said
    said = client.say(b"t FETCH 2 (BINARY.PEEK[1] BODY.PEEK[1])\r\n")
    assert said.startswith(
        b"* 2 FETCH (BINARY[1] ~{3}\r\na\0b BODY[1] {3}\r\na\x80b)\r\n"
    )


def test_it_is_offered() -> None:
    """Who has logged in is offered BINARY."""
    assert b" BINARY" in client_with().say(b"c CAPABILITY\r\n")
