"""BODY and BODYSTRUCTURE say what the parts are. RFC 9051 §7.5.2."""

import pytest

from tests.support.messages import card_of, crlf

TEXT = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" %d %d'

NOTHING = b" NIL NIL NIL NIL)"


def structure(message: str) -> bytes:
    card = card_of(crlf(message))
    assert card.body == without_extensions(card.bodystructure)
    return card.bodystructure


def without_extensions(structure: bytes) -> bytes:
    """Make BODY of a BODYSTRUCTURE in which they are those of nothing."""
    for end in (b' ("boundary" "a") NIL NIL NIL', b' ("boundary" "b") NIL NIL NIL'):
        structure = structure.replace(end, b"")
    return structure.replace(b" NIL NIL NIL NIL)", b")")


def test_the_examples() -> None:
    """The two examples of RFC 9051 §7.5.2, with other sizes."""
    assert (
        structure(
            "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
            "Content-Transfer-Encoding: 7BIT\n\none\ntwo\n"
        )
        == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 2' + NOTHING
    )
    assert (
        structure("""\
Content-Type: MULTIPART/MIXED; boundary=a

--a
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
Content-Transfer-Encoding: 7BIT

one
--a
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"
Content-ID: <960723163407.20117h@cac.washington.edu>
Content-Description: Compiler diff
Content-Transfer-Encoding: BASE64

b25l
dHdv
--a--
""")
        == b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3 0' + NOTHING
        + b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 10 1 '
        b'NIL NIL NIL NIL) "MIXED" ("boundary" "a") NIL NIL NIL)'
    )


def test_a_message_in_a_message() -> None:
    """It has its envelope, its structure and its lines."""
    inner = b'(NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL)'
    message = crlf("Content-Type: Message/RFC822\n\nSubject: in\n\none\n")
    assert card_of(message).bodystructure == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 20 '
        + inner
        + b" "
        + TEXT % (5, 1)
        + b" NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
    )


def test_extensions() -> None:
    """They come in their order, and only in BODYSTRUCTURE."""
    card = card_of(
        crlf("""\
Content-Type: image/png
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Disposition: attachment; filename="a b.png"
Content-Language: de, en
Content-Location: http://x.test/
 a

x""")
    )
    assert card.body == b'("image" "png" NIL NIL NIL "7bit" 1)'
    assert card.bodystructure == (
        b'("image" "png" NIL NIL NIL "7bit" 1 "Q2hlY2sgSW50ZWdyaXR5IQ==" '
        b'("attachment" ("filename" "a b.png")) ("de" "en") "http://x.test/ a")'
    )


def test_extensions_of_a_multipart() -> None:
    """They come behind its parameters."""
    card = card_of(
        crlf("""\
Content-Type: multipart/mixed; boundary=a; x=y
Content-Disposition: inline
Content-Language: de

--a--
""")
    )
    empty = TEXT % (0, 0)
    assert card.body == b"(" + empty + b') "mixed")'
    assert card.bodystructure == (
        b"(" + empty + b' NIL NIL NIL NIL) "mixed" ("boundary" "a" "x" "y") '
        b'("inline" NIL) ("de") NIL)'
    )


@pytest.mark.parametrize(
    ("type_", "parameters"),
    [
        ("text/plain", b'("charset" "us-ascii")'),
        ("text/plain; Charset=utf-8", b'("Charset" "utf-8")'),
        ("TEXT/html; x=y", b'("x" "y" "charset" "us-ascii")'),
        ("text", b'("charset" "us-ascii")'),
        ("application/pdf", b"NIL"),
        ("application/pdf; x=", b'("x" "")'),
    ],
)
def test_text_has_a_charset(type_: str, parameters: bytes) -> None:
    """A text that names no charset has us-ascii, and only a text."""
    found = structure(f"Content-Type: {type_}\n\nx").split(b" ", 2)[2]
    assert found.startswith(parameters + b" NIL NIL")


def test_what_is_too_deep() -> None:
    """A container that is not opened is an application/octet-stream."""
    lines = [
        f"Content-Type: multipart/mixed; boundary={number:03}\n\n--{number:03}\n"
        for number in range(150)
    ]
    found = card_of(crlf("".join(lines))).body
    assert found.count(b'"mixed"') == 99
    assert b'("application" "octet-stream" ("boundary" "099") NIL NIL "7bit"' in found
