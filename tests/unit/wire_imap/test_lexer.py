"""The smallest things are read as RFC 9051 §9 has them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap import strings
from imapbox.wire.imap.lexer import Lexer


def parts_of(sent: bytes) -> tuple[bytes, ...]:
    """Return what a framer would make of one string of ours."""
    start, line_end, literal = sent.partition(b"\r\n")
    return (start[: start.index(b"{")], literal, b"") if line_end else (sent,)


@given(st.binary(max_size=2000).filter(lambda data: b"\0" not in data))
def test_strings_come_back(data) -> None:
    """What is sent as a string is read as the same octets."""
    for render in (strings.string, strings.astring, strings.nstring):
        lexer = Lexer(parts_of(render(data)))
        assert lexer.astring() == data
        lexer.end()


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        (b"0", "number64", 0),
        (b"9223372036854775807", "number64", 2**63 - 1),
        (b"1", "nz_number64", 1),
        (b"9223372036854775807", "nz_number64", 2**63 - 1),
        (b"1", "nz_number", 1),
        (b"4294967295", "nz_number", 2**32 - 1),
    ],
)
def test_numbers(text, read, value) -> None:
    """Numbers are read up to 32 or 63 bits."""
    lexer = Lexer((text,))
    assert getattr(lexer, read)() == value
    lexer.end()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"", "number64"),
        (b"-1", "number64"),
        (b"+1", "number64"),
        (b" 1", "number64"),
        (b"1_0", "number64"),
        ("٣".encode(), "number64"),
        (b"9223372036854775808", "number64"),
        (b"1" * 5000, "number64"),
        (b"0", "nz_number64"),
        (b"01", "nz_number64"),
        (b"9223372036854775808", "nz_number64"),
        (b"4294967296", "nz_number"),
        (b"0", "nz_number"),
    ],
)
def test_numbers_that_are_none(text, read) -> None:
    """Only digits are a number, and only so many."""
    lexer = Lexer((text,))
    with pytest.raises(BadSyntax):
        getattr(lexer, read)()
        lexer.end()


def test_quotes_cost_no_second_look() -> None:
    """A quoted string without an end costs time in proportion to its length."""
    began = time.process_time()
    for text in (b'"' + b"a" * 10**6, b'"' + b"\\\\" * 10**6, b'"' * 10**6):
        with pytest.raises(BadSyntax):
            lexer = Lexer((text,))
            lexer.string()
            lexer.end()
    assert time.process_time() - began < 1


def test_only_two_characters_are_escaped() -> None:
    """A backslash stands before a quote or a backslash and nothing else."""
    assert Lexer((rb'"\"\\"',)).string() == b'"\\'
    with pytest.raises(BadSyntax):
        Lexer((rb'"\n"',)).string()
