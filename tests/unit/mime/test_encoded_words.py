"""Encoded words are text; everything else is, too."""

import base64
import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.encoded_words import decode_words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 2047 §8
        (b"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        (b"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
        ((b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n"
          b"  =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
         "If you can read this you understand the example."),
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        # RFC 2231 §5
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # what others send
        (b" =?utf-8?q?a?= b", " a b"),
        (b"x=?utf-8?q?a?=y", "xay"),
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        (b"=?utf-8?b?w7w?=", "ü"),
        (b"=?utf-8?q?=C3=28?=", "\ufffd("),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?q?a", "=?utf-8?q?a"),
        (b"=?zlib_codec?b?eJw=?=", "=?zlib_codec?b?eJw=?="),
        (b"=?rot13?q?a?= =?utf-8?q?b?=", "=?rot13?q?a?= b"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"a\n\tb", "a\tb"),
        (b"", ""),
    ],
)  # fmt: skip
def test_examples(value: bytes, expected: str) -> None:
    """A field's value is the text that its writer meant."""
    assert decode_words(value) == expected


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_as_others_write_it(text: str) -> None:
    """What the standard library encodes is decoded again."""
    encoded = email.header.Header(text, "utf-8").encode().encode()
    assert decode_words(encoded) == text


PIECES = st.sampled_from(
    [b"=?", b"?=", b"?q?", b"?b?", b"utf-8", b"x", b" ", b"=41", b"QUI", b"\xe4", b"\n"]
)


@given(st.lists(PIECES).map(b"".join) | st.binary())
def test_anything_is_text(value: bytes) -> None:
    """Any value is a text that can be stored."""
    decode_words(value).encode()


@given(st.lists(st.text(min_size=1), min_size=1))
def test_space_between_words_is_none(texts: list[str]) -> None:
    """Words are joined without what is between them."""
    words = [
        b"=?utf-8?b?%b?=" % base64.b64encode(text.encode("utf-8", "replace"))
        for text in texts
    ]
    expected = "".join(texts).encode("utf-8", "replace").decode()
    assert decode_words(b" ".join(words)) == expected
