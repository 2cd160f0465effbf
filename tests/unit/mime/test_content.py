"""Content fields say what they say, and broken ones what they still can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.content import read_content, read_parameters
from imapbox.mime.header import NAMES, read_fields
from imapbox.mime.structure import NO_CONTENT, Content, Parameters


def content(**fields: str) -> Content:
    return read_content(
        {
            f"content-{name.replace('_', '-')}".encode(): [value.encode()]
            for name, value in fields.items()
        }
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain", ("text", "plain")),
        ("Text/HTML; charset=utf-8", ("Text", "HTML")),
        (" text / plain (comment)", ("text", "plain")),
        ("(c) text/plain (c) ; (c) a = b", ("text", "plain")),
        ("text/plain charset=utf-8", ("text", "plain")),
        ("application/vnd.ms-excel+xml;", ("application", "vnd.ms-excel+xml")),
        ("text", ("", "")),
        ("text/", ("", "")),
        ("/plain", ("", "")),
        ("", ("", "")),
        ("text/(plain", ("", "")),
    ],
)
def test_types(value: str, expected: tuple[str, str]) -> None:
    """A type needs both its halves."""
    found = content(type=value)
    assert (found.type.decode(), found.subtype.decode()) == expected


def parameters(value: str) -> list[tuple[str, str]]:
    return [
        (name.decode(), text.decode())
        for name, text in read_parameters(value.encode(), 0)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('; a=b; C="d e"', [("a", "b"), ("C", "d e")]),
        (';a="x\\"y\\\\z"', [("a", 'x"y\\z')]),
        (';a="x\n y"', [("a", "x y")]),
        ("; a (c) = (c) b (c)", [("a", "b")]),
        ("; a=; b=c", [("a", ""), ("b", "c")]),
        ("; a; b=c", [("b", "c")]),
        (";;; =x; b=c;", [("b", "c")]),
        ("; a=b junk; c=d", [("a", "b"), ("c", "d")]),
        ('; a="never ends; c=d', []),
        ("; name==?utf-8?q?x?=; b=c", [("name", "=?utf-8?q?x?="), ("b", "c")]),
        # RFC 2231 §3, §4, §4.1
        ('; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/x"',
         [("access-type", "URL"), ("URL", "ftp://cs.utk.edu/x")]),
        ("; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
         [("title*", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")]),
        (("; title*0*=us-ascii'en'This%20is%20even%20more%20"
          "; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\""),
         [("title*", ("us-ascii'en'This%20is%20even%20more%20"
                      "%2A%2A%2Afun%2A%2A%2A%20isn't it!"))]),
        ("; a*1=y; a*0=x; b*0=z", [("a", "xy"), ("b", "z")]),
        ("; a*0=100%; a*1*=%20", [("a*", "''100%25%20")]),
        ("; a*1=y; a*2*=z", [("a*1", "y"), ("a*2*", "z")]),
        ("; a**=x; a*b=y", [("a*b", "y"), ("a*", "x")]),
    ],
)  # fmt: skip
def test_parameters(value: str, expected: list[tuple[str, str]]) -> None:
    """Parameters are names and values; the pieces of one are put together."""
    assert parameters(value) == expected


def test_other_fields() -> None:
    """What is no valid value is none."""
    found = content(
        transfer_encoding=" Base64 (c)",
        disposition="attachment; filename=x",
        language="de, en-GB (c), fr",
        id="<a@b>",
    )
    assert found.encoding == b"Base64"
    assert found.disposition == b"attachment"
    assert found.disposition_parameters == ((b"filename", b"x"),)
    assert found.languages == (b"de", b"en-GB", b"fr")
    assert found.id == b"<a@b>"
    assert content(transfer_encoding="base64 or so").encoding is None
    assert content(transfer_encoding="").encoding is None
    assert content(language=",").languages == ()
    assert read_content({b"subject": [b"x"]}) == NO_CONTENT


PIECES = st.sampled_from(
    [*(bytes([octet]) for octet in b'();:\\"=*/ab0 \t\n\xe4'), b"; a*0=", b"; a*1*="]
)


@given(st.lists(PIECES).map(b"".join) | st.binary())
def test_anything_is_read(value: bytes) -> None:
    """Any value of any Content field is read, and no parameter lacks its name."""
    found = read_content({name: [value] for name in NAMES})
    for name, _ in (*found.parameters, *found.disposition_parameters):
        assert name


TOKENS = st.text("abc-.", min_size=1).map(str.encode)


@given(
    st.lists(
        st.tuples(
            TOKENS,
            TOKENS | st.text("a ;=,()").map(lambda text: f'"{text}"'.encode()),
        )
    )
)
def test_the_short_way_is_the_long_one(pairs: Parameters) -> None:
    """What is read in one go is read as it would be piece by piece."""
    value = b"text/plain" + b"".join(b"; %b=%b" % pair for pair in pairs)
    # A comment keeps it from the short way.
    assert read_content({b"content-type": [value]}) == read_content(
        {b"content-type": [value + b" ()"]}
    )


def test_fields() -> None:
    """A header's fields have names in any case, and values in several lines."""
    header = b"""\
garbage
SUBJECT : one\r
 \ttwo\r\r
Subject:
X-Subject: no
 subject: no
to:\0x
Content-type:text/plain"""
    assert read_fields(header) == {
        b"subject": [b"one\n \ttwo\r", b""],
        b"to": [b"\xef\xbf\xbdx"],
        b"content-type": [b"text/plain"],
    }
