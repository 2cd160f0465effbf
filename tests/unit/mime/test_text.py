"""What SEARCH looks through is all text of a message, decoded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.casemap import fold
from imapbox.mime.text import (
    HeaderDecoder,
    PartDecoder,
    TextDecoder,
    stretches,
)
from tests.support.messages import ANY_MESSAGES, card_of, crlf, texts_of

MESSAGE = crlf("""\
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
 from afar
Content-Type: multipart/mixed; boundary=a

preamble
--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

H=E9llo wo=
rld
--a
Content-Type: application/pdf; name=secret

%%EOF
--a
Content-Type: message/rfc822

Subject: Inner

Inner text
--a
Content-Type: text/html; charset*=us-ascii'en'utf-8
Content-Transfer-Encoding: base64

PGI+w7w8L2I+
--a--
epilogue
""")


def text_of(message: bytes, *, headers: bool) -> str:
    return "".join(texts_of(message, headers=headers))


def test_what_is_searched() -> None:
    """Headers and text parts are searched, decoded and folded; nothing else is."""
    text = text_of(MESSAGE, headers=True)
    for there in (
        "Grüße from afar",
        "Héllo world",
        "subject: inner",
        "inner text",
        "<b>ü",
        "name=secret",
    ):
        assert fold(there) in text
    for absent in ("preamble", "epilogue", "%%EOF", "=E9"):
        assert fold(absent) not in text


def test_the_body_is_without_headers() -> None:
    """BODY looks through the texts alone."""
    text = text_of(MESSAGE, headers=False)
    assert text == fold("Héllo worldInner text<b>ü</b>")


def fed(decoder: TextDecoder, octets: bytes, cuts: list[int]) -> str:
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    pieces = [decoder.feed(octets[start:end]) for start, end in pairwise(edges)]
    return "".join([*pieces, decoder.finish()])


CUTS = st.lists(st.integers(0, 60))


@given(st.text() | st.text("e\u0301\u0323\u0316 É"), CUTS)
def test_any_cut_of_a_part(text: str, cuts: list[int]) -> None:
    """However a part comes in pieces, its text is the same."""
    octets = text.encode("utf-8", "replace")
    expected = fold(octets.decode())
    assert fed(PartDecoder(b"8BIT", b"utf-8"), octets, cuts) == expected


@given(
    st.binary(),
    CUTS,
    st.sampled_from([b"BASE64", b"QUOTED-PRINTABLE", b"7BIT", b"X-ODD"]),
    st.sampled_from(
        [b"utf-8", b"", b"utf-16", b"utf-7", b"iso-2022-jp", b"gb2312", b"zip"]
    ),
)
def test_anything_is_text(
    octets: bytes, cuts: list[int], encoding: bytes, charset: bytes
) -> None:
    """Any octets in any encoding and charset are text, however they are cut."""
    whole = fed(PartDecoder(encoding, charset), octets, [])
    assert fed(PartDecoder(encoding, charset), octets, cuts) == whole


@given(ANY_MESSAGES | st.binary(), CUTS)
def test_any_cut_of_a_header(octets: bytes, cuts: list[int]) -> None:
    """However a header comes in pieces, its text is the same."""
    assert fed(HeaderDecoder(), octets, cuts) == fed(HeaderDecoder(), octets, [])


@given(ANY_MESSAGES | st.binary(), st.booleans())
def test_any_message_is_searched(message: bytes, headers: bool) -> None:
    """The stretches of a message lie in it, in order, and can be read."""
    at = 0
    for stretch in stretches(card_of(message), headers=headers):
        assert at <= stretch.octets.start <= stretch.octets.stop <= len(message)
        at = stretch.octets.start
    text_of(message, headers=headers)


@pytest.mark.parametrize("decoder", [HeaderDecoder(), PartDecoder(b"7BIT", b"utf-7")])
def test_a_line_without_end_is_not_kept(decoder: TextDecoder) -> None:
    """A line that never ends comes out, if perhaps cut."""
    fed_now = got = 0
    for _ in range(100):
        fed_now += 10_000
        got += len(decoder.feed(b"A" * 10_000))
        assert fed_now - got <= 80_000
