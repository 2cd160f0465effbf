"""FETCH of parts: ENVELOPE, BODYSTRUCTURE, BODY[1.2], by cards or without."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mailbox.cards import READ
from imapbox.mime.card import make_card
from imapbox.mime.structure import Kind, Part
from imapbox.model.flags import Flag
from imapbox.wire.imap.fetch_items import MAX_ITEMS
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client
from tests.support.messages import ANY_MESSAGES, card_of, crlf, scan

OURS = b"Return-Path: <a@example.org>\r\nDelivered-To: ana@example.org\r\n"
INNER_HEADER = crlf("Subject: inner\nFrom: c@example.org\n\n")
HEADER = crlf(
    "From: Ana <ana@example.org>\nSubject: outer\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n\n"
)
MIME = crlf("Content-Type: text/plain; charset=utf-8\n\n")
TEXT = b"".join(
    [
        b"preamble\r\n--b\r\n" + MIME + b"hello",
        b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + INNER_HEADER + b"in\r\n",
        b"\r\n--b--\r\n",
    ]
)
MESSAGE = HEADER + TEXT
WHY = {
    True: b"t NO [EXPUNGEISSUED] Some messages were expunged.\r\n",
    False: b"t NO [CORRUPTION] Some messages are damaged; they are not told.\r\n",
}


def client_with(
    *messages: bytes, ours: bytes = OURS, stored: bool = True, read: bool = False
) -> Client:
    """Return a client with messages that were delivered.

    Args:
        messages: What came.
        ours: Our own header lines.
        stored: Whether there are cards.
        read: Whether they were read.
    """
    account = FakeAccount()
    for message in messages:
        uid = account.inbox.add(ours + message, ["\\Seen"] if read else [])
        account.inbox.messages[uid].header_size = len(ours)
        if stored:
            account.inbox.messages[uid].card = make_card(scan(message))
    return Client(account).login().select()


def fetched(client: Client, items: bytes, numbers: bytes = b"1") -> bytes:
    """Return the rows that FETCH tells, without its OK."""
    said = client.say(b"t FETCH %b %b\r\n" % (numbers, items))
    assert said.endswith(b"t OK Fetched.\r\n"), said
    return said.removesuffix(b"t OK Fetched.\r\n")


def value(client: Client, item: bytes) -> bytes | None:
    """Return the octets that an item is; None for NIL."""
    row = fetched(client, item)
    if row.endswith(b" NIL)\r\n"):
        return None
    announced, _, octets = row.partition(b"}\r\n")
    size = int(announced.rpartition(b"{")[2])
    assert octets[size:] == b")\r\n"
    return octets[:size]


@pytest.mark.parametrize("stored", [True, False])
def test_what_is_on_the_card(stored: bool) -> None:
    """ENVELOPE, BODY and BODYSTRUCTURE are the card's, stored or made anew."""
    client = client_with(MESSAGE, b"Subject: x\r\n\r\n", stored=stored)
    for number, message in ((b"1", MESSAGE), (b"2", b"Subject: x\r\n\r\n")):
        card = card_of(message)
        parts = card.envelope, card.body, card.bodystructure
        row = b"* %b FETCH (ENVELOPE %b BODY %b BODYSTRUCTURE %b)\r\n"
        said = fetched(client, b"(ENVELOPE BODY BODYSTRUCTURE)", number)
        assert said == row % (number, *parts)


def test_a_card_that_can_not_be_read_is_made_anew() -> None:
    """A card of another version is as good as none."""
    client = client_with(MESSAGE)
    client.account.inbox.messages[1].card = b"IBC9" + bytes(100)
    envelope = card_of(MESSAGE).envelope
    assert fetched(client, b"ENVELOPE") == b"* 1 FETCH (ENVELOPE %b)\r\n" % envelope
    assert value(client, b"BODY[2.HEADER]") == INNER_HEADER


def test_macros() -> None:
    """ALL and FULL are what RFC 9051 §6.4.5 says."""
    client = client_with(MESSAGE)
    fast = b"FLAGS INTERNALDATE RFC822.SIZE"
    for macro, items in (
        (b"ALL", fast + b" ENVELOPE"),
        (b"FULL", fast + b" ENVELOPE BODY"),
    ):
        assert fetched(client, macro) == fetched(client, b"(%b)" % items)


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        (b"1", b"hello"),
        (b"1.MIME", MIME),
        (b"1.HEADER", None),
        (b"1.TEXT", None),
        (b"1.1", None),
        (b"2", INNER_HEADER + b"in\r\n"),
        (b"2.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        (b"2.HEADER", INNER_HEADER),
        (b"2.HEADER.FIELDS (subject X)", b"Subject: inner\r\n\r\n"),
        (b"2.HEADER.FIELDS.NOT (subject)", b"From: c@example.org\r\n\r\n"),
        (b"2.TEXT", b"in\r\n"),
        (b"2.1", b"in\r\n"),
        (b"2.1.MIME", INNER_HEADER),
        (b"2.2", None),
        (b"2.1.1", None),
        (b"3", None),
        (b"3.MIME", None),
        (b"3.HEADER.FIELDS (Subject)", None),
        (b"4294967295.4294967295", None),
        (b"HEADER", OURS + HEADER),
        (b"HEADER.FIELDS (delivered-to)", OURS.split(b"\n")[1] + b"\n\r\n"),
        (b"TEXT", TEXT),
        (b"", OURS + MESSAGE),
    ],
)
@pytest.mark.parametrize(
    ("partial", "start", "length"),
    [(b"", 0, 10**9), (b"<0.3>", 0, 3), (b"<2.9>", 2, 9), (b"<999999.1>", 999999, 1)],
)
def test_sections_of_parts(
    section: bytes, octets: bytes | None, partial: bytes, start: int, length: int
) -> None:
    """Parts are octet for octet those of the message; what is not there is NIL."""
    wanted = None if octets is None else octets[start : start + length]
    client = client_with(MESSAGE)
    assert value(client, b"BODY.PEEK[%b]%b" % (section, partial)) == wanted


@pytest.mark.parametrize("ours", [OURS, b""])
def test_a_message_that_is_no_multipart(ours: bytes) -> None:
    """It has one part, 1: its body; its MIME header is the message's own."""
    client = client_with(b"Subject: x\r\n\r\nbody", ours=ours)
    assert value(client, b"BODY.PEEK[1]") == b"body"
    assert value(client, b"BODY.PEEK[1.MIME]") == ours + b"Subject: x\r\n\r\n"
    assert value(client, b"BODY.PEEK[2]") is None
    assert value(client, b"BODY.PEEK[1.1]") is None


def numbered(message: Part, before: str = "") -> Iterator[tuple[str, Part]]:
    """Number the parts of a message, as RFC 9051 §6.4.5.1 does."""
    if message.kind is Kind.MULTIPART:
        yield from numbered_in(message, before)
    else:
        yield f"{before}1", message
        yield from numbered_in(message, f"{before}1.")


def numbered_in(part: Part, before: str) -> Iterator[tuple[str, Part]]:
    """Number the parts in a part."""
    if part.kind is Kind.MESSAGE:
        yield from numbered(part.parts[0], before)
    for at, inner in enumerate(part.parts, start=1):
        if part.kind is Kind.MULTIPART:
            yield f"{before}{at}", inner
            yield from numbered_in(inner, f"{before}{at}.")


@given(ANY_MESSAGES, st.sampled_from([b"", OURS]), st.booleans())
def test_every_part_of_any_message(
    message: bytes,
    ours: bytes,
    stored: bool,
) -> None:
    """Whatever comes, each part is told, and all sections are in the message."""
    client = client_with(message, ours=ours, stored=stored)

    whole = (ours + message).replace(b"\0", b"\x80")

    def octets(place: range) -> bytes:
        return whole[place.start + len(ours) : place.stop + len(ours)]

    root = scan(message)
    header = ours + octets(root.header)
    assert value(client, b"BODY.PEEK[HEADER]") == header
    for name, part in numbered(root):
        number = name.encode()
        mime = header if part is root else octets(part.header)
        assert value(client, b"BODY.PEEK[%b]" % number) == octets(part.body)
        assert value(client, b"BODY.PEEK[%b.MIME]" % number) == mime
        inner = part.parts[0] if part.kind is Kind.MESSAGE else None
        for text, place in (
            (b"HEADER", inner and inner.header),
            (b"TEXT", inner and inner.body),
        ):
            told = value(client, b"BODY.PEEK[%b.%b]" % (number, text))
            assert told == (None if place is None else octets(place))
        assert value(client, b"BODY.PEEK[%b.99]" % number) is None


def test_items_come_in_the_order_asked_for() -> None:
    """Each row has its items as they were asked for, whatever they are."""
    client = client_with(MESSAGE, read=True)
    said = fetched(
        client, b"(BODY[1] UID BINARY.SIZE[1] ENVELOPE BODY[TEXT]<0.3> FLAGS BODY[9])"
    )
    envelope = card_of(MESSAGE).envelope
    assert said == (
        b"* 1 FETCH (BODY[1] {5}\r\nhello UID 1 BINARY.SIZE[1] 5 ENVELOPE %b "
        b"BODY[TEXT]<0> {3}\r\npre FLAGS (\\Seen \\Recent) BODY[9] NIL)\r\n" % envelope
    )


def test_reading_a_part_sets_seen() -> None:
    r"""BODY[1] sets \Seen; BODY.PEEK[1], ENVELOPE and BODYSTRUCTURE don't."""
    client = client_with(MESSAGE)
    for item in (b"BODY.PEEK[1]", b"ENVELOPE", b"BODYSTRUCTURE", b"BODY"):
        assert b"FLAGS" not in fetched(client, item)
        assert not client.account.inbox.messages[1].flags
    assert b"FLAGS (\\Seen" in fetched(client, b"BODY[1]")
    assert client.account.inbox.messages[1].flags == Flag.SEEN


@pytest.mark.parametrize(
    "items", [b"ENVELOPE", b"BODY.PEEK[1]", b"(UID BODY[9])", b"BINARY.PEEK[1]"]
)
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("expunged", [True, False])
def test_gone_messages_are_left_out(items: bytes, stored: bool, expunged: bool) -> None:
    """Of those whose octets are gone, and the card too, nothing is told but why."""
    client = client_with(MESSAGE, MESSAGE, MESSAGE, stored=stored)
    inbox = client.account.inbox
    inbox.bodies_gone.add(2)
    inbox.messages[2].card = b""
    if expunged:
        del inbox.messages[2]
    said = client.say(b"t FETCH 1:3 %b\r\n" % items)
    assert said.count(b" FETCH (") == 2
    assert said.endswith(WHY[expunged])
    assert not client.closed


@pytest.mark.parametrize("size", [0, 1, READ - 1, READ, READ + 1, 3 * READ + 7])
@pytest.mark.parametrize("before", [0, READ])
def test_parts_of_any_size(size: int, before: int) -> None:
    """Large parts are told whole, wherever in the message they are."""
    body = b"x" * size
    message = HEADER + b"p" * before + b"\r\n--b\r\n\r\n" + body + b"\r\n--b--\r\n"
    client = client_with(message)
    assert value(client, b"BODY.PEEK[1]") == body
    assert value(client, b"BODY.PEEK[1]<3.%d>" % (2 * READ)) == body[3:][: 2 * READ]


def test_what_is_large_is_checked_before_it_is_told() -> None:
    """Of a large message that is not what was stored no part is told."""
    client = client_with(HEADER + b"\r\n--b\r\n\r\nx\r\n--b\r\n\r\n" + b"y" * 2 * READ)
    assert value(client, b"BODY.PEEK[1]") == b"x"

    async def lose_it(what: str) -> None:
        if what == "read":
            client.account.inbox.bodies_gone.add(1)

    client.account.pause = lose_it
    said = client.say(b"t FETCH 1 BODY.PEEK[1]\r\n")
    assert said == WHY[False]


def test_a_large_envelope_goes_out_in_slices() -> None:
    """An envelope of megabytes is told at the speed of the client."""
    message = b"Subject: " + b"x" * 2**21 + b"\r\n\r\n"
    client = client_with(message)
    envelope = card_of(message).envelope
    assert len(envelope) > 2**21
    for items in (b"ENVELOPE", b"(ENVELOPE BODY.PEEK[1])"):
        client.transport.clear()
        client.transport.read = False
        client.protocol.dataReceived(b"t FETCH 1 %b\r\n" % items)
        said = b""
        while not said.endswith(b"t OK Fetched.\r\n"):
            client.turn(1)
            assert 0 < len(client.transport.value()) < 2**18
            said += client.transport.value()
            client.transport.clear()
            client.transport.producer.resumeProducing()
        assert said.startswith(b"* 1 FETCH (ENVELOPE " + envelope)


def test_nul_has_no_place_in_a_literal() -> None:
    """A NUL of a message is told as 0x80 (RFC 9051 §4.3.1); sizes stay true."""
    client = client_with(b"Subject: a\0b\r\n\r\nc\0d")
    assert value(client, b"BODY.PEEK[1]") == b"c\x80d"
    assert value(client, b"BODY.PEEK[TEXT]<1.2>") == b"\x80d"
    fields = value(client, b"BODY.PEEK[HEADER.FIELDS (Subject)]")
    assert fields == b"Subject: a\x80b\r\n\r\n"


def test_many_parts_at_once() -> None:
    """A thousand items of one message are told, one after the other."""
    body = b"".join(b"--b\r\n\r\n%d\r\n" % n for n in range(1, MAX_ITEMS + 1))
    client = client_with(HEADER + body + b"--b--\r\n")
    items = b" ".join(b"BODY.PEEK[%d]" % n for n in range(1, MAX_ITEMS + 1))
    said = fetched(client, b"(%b)" % items)
    assert said.count(b"BODY[") == MAX_ITEMS
    assert said.endswith(b"BODY[%d] {4}\r\n1000)\r\n" % MAX_ITEMS)
