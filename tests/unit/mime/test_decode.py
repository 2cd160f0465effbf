"""Transfer encodings are undone, however they come."""

import base64
import binascii
import quopri
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.decode import UnknownCTE, decode_transfer, open_transfer_decoder

BASE64 = b"BASE64"
QUOTED = b"Quoted-Printable"


@given(st.binary())
def test_base64(octets: bytes) -> None:
    """What was encoded comes back, in whatever lines."""
    assert decode_transfer(base64.encodebytes(octets), BASE64) == octets
    bare = base64.b64encode(octets).rstrip(b"=")
    assert decode_transfer(bare, BASE64) == octets


@given(st.binary(), st.data())
def test_garbage_in_base64(octets: bytes, data: st.DataObject) -> None:
    """What base64 doesn't know, wherever it is, changes nothing."""
    encoded = base64.b64encode(octets).rstrip(b"=")
    garbled = b"".join(
        data.draw(st.text("-_ \r\n\0!*", max_size=2)).encode() + bytes([octet])
        for octet in encoded
    )
    assert decode_transfer(garbled, BASE64) == octets


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"", b""),
        (b"Y", b""),
        (b"YQ", b"a"),
        (b"YQ==", b"a"),
        (b"YQ=", b"a"),
        (b"YQ==YmM=", b"abc"),
        (b"====", b""),
        (b"YWJjY", b"abc"),
    ],
)
def test_padding(encoded: bytes, expected: bytes) -> None:
    """Padding may be missing, or stand between two that were put together."""
    assert decode_transfer(encoded, BASE64) == expected


@given(st.binary())
def test_quoted_printable(octets: bytes) -> None:
    """What was encoded comes back."""
    assert decode_transfer(binascii.b2a_qp(octets, istext=False), QUOTED) == octets
    lines = octets.replace(b"\r", b"").replace(b"\n", b"")
    assert decode_transfer(quopri.encodestring(lines), QUOTED) == lines


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"a=3D=3d", b"a=="),
        (b"a=\r\nb=\nc", b"abc"),
        (b"a= \t\r\nb", b"ab"),
        (b"a \t\r\nb\t\nc", b"a\r\nb\nc"),
        (b"a=XY=4", b"a=XY=4"),
        (b"a==\r\n41", b"a=41"),
        (b"a=\rb", b"a=\rb"),
        (b"a=", b"a"),
        (b"a_b", b"a_b"),
        (b"=E4=", b"\xe4"),
    ],
)
def test_odd_quoted_printable(encoded: bytes, expected: bytes) -> None:
    """A "=" that says nothing is one; spaces at the end of lines are none."""
    assert decode_transfer(encoded, QUOTED) == expected


PIECES = st.sampled_from(
    [b"=", b"=\r\n", b"=4", b"1", b" ", b"\r\n", b"\n", b"a", b"\xe4"]
)


@given(
    st.lists(PIECES).map(b"".join) | st.binary(),
    st.lists(st.integers(0, 100)),
    st.sampled_from([BASE64, QUOTED, b"8bit"]),
)
def test_any_cut(octets: bytes, cuts: list[int], encoding: bytes) -> None:
    """However a part comes in pieces, it means the same."""
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    decoder = open_transfer_decoder(encoding)
    pieces = [decoder.feed(octets[start:end]) for start, end in pairwise(edges)]
    whole = b"".join([*pieces, decoder.finish()])
    assert whole == decode_transfer(octets, encoding)


def test_a_line_without_end() -> None:
    """A line of quoted-printable without end is not kept."""
    decoder = open_transfer_decoder(QUOTED)
    fed = got = 0
    for _ in range(1000):
        fed += 1000
        got += len(decoder.feed(b"=41" * 1000))
        assert fed - got < 25_000
    assert got + len(decoder.finish()) == fed


@pytest.mark.parametrize("encoding", [b"7BIT", b"8bit", b"Binary"])
def test_no_encoding(encoding: bytes) -> None:
    """What is not encoded is what it is."""
    assert decode_transfer(b"a=\r\n\0", encoding) == b"a=\r\n\0"


@pytest.mark.parametrize("encoding", [b"", b"x-uuencode", b"base64 ", b"rot13"])
def test_unknown(encoding: bytes) -> None:
    """Who asks for another encoding is told so."""
    with pytest.raises(UnknownCTE):
        open_transfer_decoder(encoding)


@given(st.lists(PIECES).map(b"".join) | st.binary())
def test_the_short_way_is_the_long_one(lines: bytes) -> None:
    """Lines that are decoded at once are decoded as they are one by one."""
    lines += b"\n"
    # A space at the end of another line keeps them from the short way.
    assert decode_transfer(lines + b" \n", QUOTED) == decode_transfer(lines, QUOTED) + (
        b"\n"
    )
