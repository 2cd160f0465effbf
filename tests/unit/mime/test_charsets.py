"""A charset is on our list, or it is none."""

import codecs
import encodings.aliases
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime import charsets
from imapbox.mime.charsets import decode_bare, decode_text, is_known, open_decoder


def test_every_codec_of_python_that_is_no_charset_is_unknown() -> None:
    """No name leads to a codec that is not one of text in octets."""
    others = set()
    for name in {*encodings.aliases.aliases, *encodings.aliases.aliases.values()}:
        with suppress(LookupError):  # Windows has some more
            if not codecs.lookup(name)._is_text_encoding:
                others |= {name, name.replace("_", "-"), name.upper()}
    assert len(others) > 20
    assert [name for name in others if is_known(name.encode())] == []


@pytest.mark.parametrize(
    "name",
    ["zlib_codec", "zip", "bz2", "hex", "rot13", "rot_13", "idna", "punycode", "uu",
     "quopri", "base64", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs",
     "oem", "", "utf-8\0", "x" * 65536],
)  # fmt: skip
def test_what_is_no_charset(name: str) -> None:
    """Of a charset that is none, ASCII is read, and that at once."""
    began = time.process_time()
    assert not is_known(name.encode())
    assert decode_text(b"a\xe4", name.encode()) == "a\ufffd"
    assert open_decoder(name.encode()).decode(b"a\xe4") == "a\ufffd"
    assert time.process_time() - began < 0.05


@given(st.sampled_from(sorted(charsets._CODECS)), st.binary())
def test_every_charset_reads_anything(name: str, octets: bytes) -> None:
    """In each charset any octets are text, at once or in pieces."""
    assert is_known(name.upper().encode())
    decode_text(octets, name.encode()).encode("utf-8", "replace")
    decoder = open_decoder(name.encode())
    for octet in octets:
        decoder.decode(bytes([octet]))
    decoder.decode(b"", final=True)


@pytest.mark.parametrize(
    ("charset", "octets"),
    [
        ("ISO-8859-1", b"caf\xe9"),
        ("iso_8859-15", b"caf\xe9"),
        ("Windows-1252", b"caf\xe9"),
        ("us-ascii", b"caf\xc3\xa9"),
        ("UTF-8", b"caf\xc3\xa9"),
        (" utf-8 ", b"caf\xc3\xa9"),
        ("utf-7", b"caf+AOk-"),
        ("utf-16", b"\xff\xfec\0a\0f\0\xe9\0"),
        ("macintosh", b"caf\x8e"),
        ("cp437", b"caf\x82"),
    ],
)
def test_coffee(charset: str, octets: bytes) -> None:
    """The charsets of mail are read under the names that mail gives them."""
    assert decode_text(octets, charset.encode()) == "café"


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本"),
        ("Shift_JIS", b"\x93\xfa\x96{", "日本"),
        ("euc-jp", b"\xc6\xfc\xcb\xdc", "日本"),
        ("gb2312", b"\xc8\xd5\xb1\xbe", "日本"),
        ("big5", b"\xa4\xe9\xa5\xbb", "日本"),
        ("ks_c_5601-1987", b"\xc7\xd1", "한"),
        ("koi8-r", b"\xcd\xc9\xd2", "мир"),
        ("windows-1251", b"\xec\xe8\xf0", "мир"),
        ("iso-8859-8-i", b"\xf9", "ש"),
    ],
)
def test_other_scripts(charset: str, octets: bytes, text: str) -> None:
    """Scripts from all over are read."""
    assert decode_text(octets, charset.encode()) == text


def test_without_a_charset() -> None:
    """Octets that name no charset are UTF-8 if they can be, else ISO 8859-1."""
    assert decode_bare(b"caf\xc3\xa9") == decode_bare(b"caf\xe9") == "café"
