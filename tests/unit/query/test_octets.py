"""What is found in octets is the same however they come."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.card import Card, make_card
from imapbox.model.criteria import BodyHas, Criterion, FieldHas, TextHas
from imapbox.query.needles import MAX_FIELD
from imapbox.query.octets import PIECE, Scan
from tests.support.messages import ANY_MESSAGES, card_of, scan

KIB = 1024
WORDS = ["text", "caf", "é", "a", "content", "folded", "utf-8", "--a", "subject: "]
WANTED = st.dictionaries(
    st.integers(0, 9),
    st.one_of(
        st.builds(BodyHas, st.sampled_from(WORDS)),
        st.builds(TextHas, st.sampled_from(WORDS)),
        st.builds(
            FieldHas,
            st.sampled_from(["Subject", "content-type", "X", ""]),
            st.sampled_from(["", *WORDS]),
        ),
    ),
    max_size=4,
)


def found_in(message: bytes, wanted: dict[int, Criterion], own: int = 0) -> set[int]:
    """Look through a whole message."""
    looking = Scan(wanted, card_of(message[own:]), own)
    for octets in looking.pieces():
        assert len(octets) <= PIECE
        assert not len(octets) or octets.stop <= len(message)
        looking.feed(message[octets.start : octets.stop])
    return looking.found


def has(message: bytes, criterion: Criterion, own: int = 0) -> bool:
    return found_in(message, {0: criterion}, own) == {0}


@given(ANY_MESSAGES | st.binary(), WANTED)
def test_many_are_looked_for_like_one(message: bytes, wanted: dict[int, Any]) -> None:
    """In any octets each string is found or not, whatever else is looked for."""
    assert found_in(message, wanted) == {
        key for key, each in wanted.items() if has(message, each)
    }


@given(ANY_MESSAGES, WANTED, st.data())
def test_what_is_in_the_body_is_in_the_text(
    message: bytes, wanted: dict[int, Any], data: st.DataObject
) -> None:
    """TEXT finds what BODY finds, and our own lines add to it, not to BODY."""
    del wanted
    word = data.draw(st.sampled_from(WORDS))
    own = b"X: text\r\n"
    if has(message, BodyHas(word)):
        assert has(message, TextHas(word))
    assert has(own + message, BodyHas(word), len(own)) == has(message, BodyHas(word))
    assert has(own + message, TextHas("x: text"), len(own))
    assert has(own + message, FieldHas("x", "tex"), len(own))


@pytest.mark.parametrize("cut", range(-30, 2))
def test_a_field_across_pieces(cut: int) -> None:
    """A header field is found wherever the header is cut."""
    filler = b"Y: " + b"y" * (PIECE + cut - 5) + b"\r\n"
    message = filler + b"Subject: one\r\n\ttwo\r\nX: three\r\n\r\n"
    assert has(message, FieldHas("SUBJECT", "One Two"))
    assert has(message, FieldHas("x", "three"))
    assert has(message, TextHas("subject: one two"))
    assert not has(message, FieldHas("two", ""))


def test_fields_behind_one_without_end() -> None:
    """Of a field without end its beginning is looked at, and what follows it."""
    long = b"Y: begin" + b" y" * MAX_FIELD + b"end\r\n"
    message = long + b"Z: yes\r\n\r\n"
    assert has(message, FieldHas("y", "begin y"))
    assert has(message, FieldHas("z", "yes"))
    assert not has(message, FieldHas("y", "end"))
    assert has(message, TextHas("yend"))


@pytest.mark.parametrize("cut", range(-3, 3))
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("next_line", [b"", b"\tcontinued\r\n"])
def test_a_long_field_that_ends_where_a_piece_does(
    cut: int, end: bytes, next_line: bytes
) -> None:
    """What follows a field without end is found wherever the header is cut."""
    size = 5 * PIECE + cut - len(b"Y: ") - len(end)
    assert size > MAX_FIELD
    message = b"Y: " + b"y" * size + end + next_line + b"Z: yes\r\nQ: no\r\n\r\n"
    assert has(message, FieldHas("z", "yes"))
    assert has(message, FieldHas("q", "no"))
    assert not has(message, FieldHas("y", "continued"))


def test_absent_is_told_before_the_body() -> None:
    """That a field is not there is known when the header was read."""
    message = b"Subject: x\r\n\r\n" + b"body" * PIECE
    looking = Scan({1: FieldHas("x", "y"), 2: BodyHas("none")}, card_of(message), 0)
    pieces = looking.pieces()
    first = next(pieces)
    looking.feed(message[first.start : first.stop])
    next(pieces)
    assert looking.absent == {1}


def test_memory_is_that_of_a_piece() -> None:
    """Row 12: a message of any size costs a piece and what is decoded of it."""
    line = "größer\r\n".encode()
    message = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + line * 500_000
    looking = Scan({0: TextHas("none"), 1: BodyHas("nothing")}, card_of(message), 0)
    tracemalloc.start()
    for octets in looking.pieces():
        looking.feed(message[octets.start : octets.stop])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * PIECE


def test_many_empty_parts_are_many_pieces() -> None:
    """Row 8: who feeds us may pause between the parts, were there thousands."""
    message = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n\r\n" * 3000
    )
    card = Card(make_card(scan(message)))
    assert len(list(Scan({0: TextHas("x")}, card, 0).pieces())) >= 6000
