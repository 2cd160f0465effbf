"""Any octets are a message, and its parts are where they are."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.scanner import MAX_PARTS
from imapbox.mime.structure import Kind
from tests.support.messages import (
    ANY_HEADERS,
    ANY_MESSAGES,
    MULTIPARTS,
    crlf,
    outline,
    parts_of,
    scan,
)

MESSAGES = ANY_MESSAGES | MULTIPARTS | ANY_HEADERS | st.binary()


@given(MESSAGES, st.lists(st.integers(0, 1000)))
def test_any_cut_gives_the_same_tree(message: bytes, cuts: list[int]) -> None:
    """However a message comes in pieces, its parts are the same."""
    edges = [0, *sorted(min(cut, len(message)) for cut in cuts), len(message)]
    pieces = [message[start:end] for start, end in pairwise(edges)]
    assert outline(scan(*pieces)) == outline(scan(message))


@given(ANY_MESSAGES | MULTIPARTS)
def test_octet_by_octet(message: bytes) -> None:
    """A message that comes one octet at a time has the same parts."""
    pieces = [message[at : at + 1] for at in range(len(message))]
    assert outline(scan(*pieces)) == outline(scan(message))


def assert_sound(message: bytes) -> None:
    """Check what is true of every tree."""
    root = scan(message)
    assert (root.header.start, root.body.stop) == (0, len(message))
    for part in parts_of(root):
        assert part.header.start <= part.header.stop == part.body.start
        assert part.body.start <= part.body.stop
        assert part.lines == message.count(b"\n", part.body.start, part.body.stop)
        assert (part.kind is Kind.LEAF) <= (not part.parts)
        beginning = message[part.body.start : part.body.stop]
        assert beginning.startswith(part.beginning)
        at = part.body.start
        for inner in part.parts:
            assert at <= inner.header.start
            at = inner.body.stop
        assert at <= part.body.stop
        if part.kind is Kind.MESSAGE:
            (inner,) = part.parts
            assert inner.is_message
            assert (inner.header.start, inner.body.stop) == (
                part.body.start,
                part.body.stop,
            )
        for inner in part.parts if part.kind is Kind.MULTIPART else ():
            before = message[: inner.header.start]
            assert before.endswith(b"\n"), "a part begins with a line"
            assert before.rstrip(b"\r\n").rpartition(b"\n")[2].startswith(b"--")


@given(MESSAGES)
def test_parts_nest_and_cover(message: bytes) -> None:
    """Parts lie in the bodies of theirs, in order, none over another."""
    assert_sound(message)


def test_all_short_bodies() -> None:
    """Every body of up to five tokens is read soundly."""
    tokens = [b"--a", b"--a--", b"\r\n", b"\n", b"x"]
    header = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    for size in range(6):
        for body in product(tokens, repeat=size):
            assert_sound(header + b"".join(body))


NESTED = crlf("""\
Content-Type: multipart/mixed; boundary=outer

preamble
--outer

one
--outer  \t
Content-Type: message/rfc822

Subject: in it
Content-Type: multipart/alternative; boundary="outer2"

--outer2

two
--outer2--
epilogue
--outer
Content-Type: text/html

<p>three
--outer--
epilogue
--outer
""")


def test_every_piece_size() -> None:
    """Wherever a message is cut, in two or in many, its parts are the same."""
    message = NESTED.replace(b"preamble", b"-" * 200)
    for size in range(1, len(message)):
        pieces = [message[at : at + size] for at in range(0, len(message), size)]
        assert outline(scan(*pieces)) == outline(scan(message))
        assert outline(scan(message[:size], message[size:])) == outline(scan(message))


def texts(message: bytes) -> list[bytes]:
    """The bodies of all leaves."""
    return [
        message[part.body.start : part.body.stop]
        for part in parts_of(scan(message))
        if part.kind is Kind.LEAF
    ]


def test_nested() -> None:
    """Multiparts in messages in multiparts, the boundary one of a prefix."""
    assert texts(NESTED) == [b"one", b"two", b"<p>three"]
    kinds = [part.kind for part in parts_of(scan(NESTED))]
    assert kinds == [1, 0, 2, 1, 0, 0]


def test_line_feeds_alone() -> None:
    """Lines that end in LF alone are lines, too."""
    message = NESTED.replace(b"\r", b"")
    assert texts(message) == [b"one", b"two", b"<p>three"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", [b""]),
        (b"Subject: x", [b""]),
        (b"\r\nbody", [b"body"]),
        (b"no header\nat all\n\nbody", [b"body"]),
        (b"Content-Type: multipart/mixed\n\n--\n\nx", []),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a", []),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n", [b""]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx", [b"x"]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y\n--a", [b""]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--abc\n\nx\n--a--", [b"x"]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a--\n--a\n\nx", []),
    ],
)
def test_odd_ones(message: bytes, expected: list[bytes]) -> None:
    """What is missing, or stands where it should not, costs no more than it must."""
    assert texts(message) == expected


def test_boundaries_may_begin_alike() -> None:
    """Of boundaries that fit, the longest is meant; of equal ones the inner."""
    message = crlf("""\
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/mixed; boundary=ab

--ab

x
--ab--
--a

y
--a--
""")
    for each in (message, message.replace(b"ab", b"a")):
        assert [len(part.parts) for part in parts_of(scan(each))] == [2, 1, 0, 0]


def test_the_longest_boundary_is_meant() -> None:
    """An outer boundary that is longer ends the inner multipart."""
    message = crlf("""\
Content-Type: multipart/mixed; boundary=ab

--ab
Content-Type: multipart/mixed; boundary=a

--a

x
--ab and more

y
--ab--
""")
    root = scan(message)
    assert [len(part.parts) for part in parts_of(root)] == [2, 1, 0, 0]
    assert texts(message) == [b"x", b"y"]


def test_a_boundary_named_like_an_end() -> None:
    """ "--a--" ends "a", if that is open, and else begins a part of "a--"."""
    message = crlf("""\
Content-Type: multipart/mixed; boundary="a--"

--a--
Content-Type: multipart/mixed; boundary=a

--a

x
--a--
--a--

y
--a----
""")
    assert texts(message) == [b"x", b"y"]


def test_a_header_that_a_boundary_ends() -> None:
    """A multipart whose header did not end has no parts of its own."""
    message = crlf("""\
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/mixed; boundary=ab
--ab

--b

x
--a--
""")
    root = scan(message)
    assert [part.kind for part in root.parts] == [Kind.MULTIPART, Kind.LEAF]
    assert texts(message) == [b"--b\r\n\r\nx"]


def test_a_digest_holds_messages() -> None:
    """In a multipart/digest, what says nothing of its type is a message."""
    message = crlf("""\
Content-Type: multipart/digest; boundary=a

--a

From: x@y

text
--a
Content-Type: text/plain

plain
--a--
""")
    assert [part.kind for part in scan(message).parts] == [Kind.MESSAGE, Kind.LEAF]


def test_content_fields_need_mime() -> None:
    """Without MIME-Version and Content-Type, a message has no Content fields."""
    message = b"Content-Transfer-Encoding: base64\n%b\n"
    assert scan(message % b"").content.encoding is None
    assert scan(message % b"MIME-Version: 1.0\n").content.encoding == b"base64"


def nested(depth: int, type_: str) -> bytes:
    """A message with containers in one another."""
    lines = []
    for number in range(depth):
        if type_ == "message":
            lines.append("Content-Type: message/rfc822\n\n")
        else:
            type_field = f"Content-Type: multipart/mixed; boundary={number:04}"
            lines.append(f"{type_field}\n\n--{number:04}\n")
    return crlf("".join(lines) + "\nin the end\n")


def depth_of(message: bytes) -> int:
    """How deep the parts of a message lie."""
    depth, level = 0, [scan(message)]
    while level := [inner for part in level for inner in part.parts]:
        depth += 1
    return depth


@pytest.mark.parametrize("type_", ["message", "multipart"])
def test_the_deepest_is_opaque(type_: str) -> None:
    """A container 99 deep is not opened, whatever is in it."""
    assert depth_of(nested(98, type_)) == 98
    for depth in (99, 100, 2000):
        message = nested(depth, type_)
        assert depth_of(message) == 99
        last = list(parts_of(scan(message)))[-1]
        assert last.opaque == (depth > 99)
        assert last.body.stop == len(message)


def test_the_last_of_too_many_is_opaque() -> None:
    """The part number 10,000 holds all the rest."""
    message = b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 20_000
    parts = list(parts_of(scan(message)))
    assert len(parts) == MAX_PARTS
    assert parts[-1].body.stop == len(message)
