"""ENVELOPE says what the header says. RFC 9051 §7.5.2."""

import pytest

from tests.support.messages import card_of, crlf


def envelope(header: str) -> bytes:
    return card_of(crlf(header) + b"\r\n").envelope


def test_the_example() -> None:
    """The example of RFC 9051 §8."""
    header = """\
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev2 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
"""
    gray = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'
    assert envelope(header) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
        b'"IMAP4rev2 WG mtg summary and minutes" '
        + b" ".join([gray] * 3)
        + b' ((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")'
        b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def test_nothing() -> None:
    """What a header doesn't have is NIL."""
    assert envelope("X: y\n") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_sender_and_reply_to() -> None:
    """They are From, unless there are addresses in them."""
    found = envelope("From: a@x\nSender:\nReply-To: c@x\n")
    assert found == (
        b'(NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "c" "x")) '
        b"NIL NIL NIL NIL NIL)"
    )


def test_fields_that_come_twice() -> None:
    """Of addresses all count, of other fields the last."""
    found = envelope("To: a@x\nSubject: one\nTo: b@x\nSubject: two\n")
    assert found == (
        b'(NIL "two" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "x")) NIL NIL NIL NIL)'
    )


def test_groups() -> None:
    """A group is its name without a host, its members, and its end."""
    assert b'((NIL NIL "g" NIL)(NIL NIL "a" "x")(NIL NIL NIL NIL))' in envelope(
        "To: g: a@x;\n"
    )


@pytest.mark.parametrize(
    ("header", "rendered"),
    [
        ("Subject: a\n  b\n\tc \n", b'"a b c"'),
        ("Subject: \n", b'""'),
        ("Subject: =?utf-8?q?x?= y\n", b'"=?utf-8?q?x?= y"'),
        ('Subject: "q" \\\n', b'"\\"q\\" \\\\"'),
        ("Subject: é\n", b"{2}\r\n\xc3\xa9"),
        ("Subject: a\0b\n", b"{5}\r\na\xef\xbf\xbdb"),
        ("Subject: a\rb\n", b'"a b"'),
        ("Subject: a\x01b\n", b"{3}\r\na\x01b"),
    ],
)
def test_subjects(header: str, rendered: bytes) -> None:
    """A subject is in one line, undecoded, and a string whatever is in it."""
    assert envelope(header).split(b" ", 1)[1].startswith(rendered + b" NIL")


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("Mon,\n  1 Jan 2000", b'"Mon,  1 Jan 2000"'),
        ("a\rb", b'"a b"'),
        ("\n x", b'" x"'),
    ],
)
def test_dates(value: str, rendered: bytes) -> None:
    """A date is unfolded, and otherwise as it was sent."""
    assert envelope(f"Date: {value}\n").startswith(b"(" + rendered + b" NIL")


def test_names_are_words() -> None:
    """A display name is its words with one space between them."""
    assert b'(("A B C" NIL "a" "x"))' in envelope('From: A\n  B   "C" <a@x>\n')
