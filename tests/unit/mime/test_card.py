"""A card says of a message what the message says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.bodystructure import render_body
from imapbox.mime.card import Card, CardUnreadable, Field, make_card
from imapbox.mime.envelope import render_envelope
from tests.support.messages import (
    ANY_HEADERS,
    ANY_MESSAGES,
    card_of,
    crlf,
    parts_of,
    scan,
)

MESSAGE = crlf("""\
From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>
To: Ana <ana@example.org>
Subject: Re: =?utf-8?b?w4RyZ2Vy?=
Date: Tue, 24 Nov 2026 23:30:00 -0500
Content-Type: multipart/mixed; boundary=a

--a

one
--a
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

two =C3=BC
--b--
--a
Content-Type: message/rfc822

Subject: simple

three
--a--
""")


@given(ANY_MESSAGES | ANY_HEADERS | st.binary())
def test_a_card_is_what_the_tree_is(message: bytes) -> None:
    """What is read from a card is what is rendered from the tree."""
    root = scan(message)
    card = Card(make_card(root))
    assert card.envelope == render_envelope(root.fields)
    assert (card.body, card.bodystructure) == render_body(root)
    assert [(one.mime, one.body, one.kind) for one in card.entities()] == [
        (part.header, part.body, part.kind) for part in parts_of(root)
    ]


def octets(message: bytes, extent: range | None) -> bytes | None:
    return None if extent is None else message[extent.start : extent.stop]


@pytest.mark.parametrize(
    ("part", "body", "is_message"),
    [
        ((1,), b"one", False),
        ((2,), b"Subject: inner", True),
        ((2, 1), b"two =C3=BC", False),
        ((3,), b"Subject: simple", True),
        ((3, 1), b"three", False),
    ],
)
def test_numbers_of_parts(part: tuple[int, ...], body: bytes, is_message: bool) -> None:
    """A part is found by the numbers that RFC 9051 §6.4.5.1 gives it."""
    located = card_of(MESSAGE).locate(part)
    assert located is not None
    found = octets(MESSAGE, located.body)
    assert found is not None
    assert found.startswith(body)
    assert located.is_message is is_message


@pytest.mark.parametrize(
    "part", [(0,), (4,), (1, 1), (2, 2), (2, 1, 1), (3, 2), (3, 1, 1), (1,) * 50]
)
def test_parts_that_are_not_there(part: tuple[int, ...]) -> None:
    """What has no such part has None."""
    assert card_of(MESSAGE).locate(part) is None


def test_sections_of_a_message_in_it() -> None:
    """A message in a message has a header and a text, and a MIME header."""
    located = card_of(MESSAGE).locate((3,))
    assert located is not None
    assert octets(MESSAGE, located.mime) == b"Content-Type: message/rfc822\r\n\r\n"
    assert octets(MESSAGE, located.header) == b"Subject: simple\r\n\r\n"
    assert octets(MESSAGE, located.text) == b"three"


def test_the_message_itself() -> None:
    """Without numbers, the whole message is meant."""
    located = card_of(MESSAGE).locate(())
    assert located is not None
    assert located.body == range(len(MESSAGE))
    assert located.mime is None
    assert located.is_message


def test_a_simple_message_has_one_part() -> None:
    """A message that is no multipart has the part 1, its body."""
    message = b"Subject: x\r\n\r\nbody\r\n"
    located = card_of(message).locate((1,))
    assert located is not None
    assert octets(message, located.body) == b"body\r\n"
    assert octets(message, located.mime) == b"Subject: x\r\n\r\n"
    assert card_of(message).locate((2,)) is None
    assert card_of(message).locate((1, 1)) is None


def test_fields_for_a_search() -> None:
    """Fields are decoded and folded; a date is also one in its own zone."""
    card = card_of(MESSAGE)
    assert card.field(Field.FROM) == "ju\u0308rgen <j@example.com>"
    assert card.field(Field.CC) is None
    assert card.base_subject == "a\u0308rger"
    assert card.sent is not None
    assert str(card.sent.local_date) == "2026-11-24"
    assert card.sent.seconds == 1795581000
    assert card.preview == "one"


def test_what_is_no_card() -> None:
    """Every prefix of a card, and one of another version, is refused."""
    card = make_card(scan(MESSAGE))
    for size in range(len(card)):
        with pytest.raises(CardUnreadable):
            Card(card[:size])
    with pytest.raises(CardUnreadable):
        Card(b"IBC1" + card[4:])
