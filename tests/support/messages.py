"""Messages for tests of MIME: good ones, and anything that may look like one."""

from collections.abc import Iterator

from hypothesis import strategies as st

from imapbox.mime.card import Card, make_card
from imapbox.mime.header import NAMES
from imapbox.mime.scanner import Scanner
from imapbox.mime.structure import Kind, Part
from imapbox.mime.text import stretches

# Lines that mean something to a scanner, put together in any way.
LINES = [
    b"",
    b"",
    b"",
    b"--a",
    b"--a",
    b"--a--",
    b"--ab",
    b"--ab--",
    b"--b \t",
    b"--b--x",
    b"----",
    b"--",
    b"text",
    b" folded",
    b"Content-Type: multipart/mixed; boundary=a",
    b'Content-Type: multipart/mixed; boundary="ab"',
    b"Content-Type: multipart/digest; boundary=b",
    b'Content-Type: multipart/mixed; boundary="a--"',
    b'Content-Type: multipart/mixed; boundary=""',
    b"Content-Type: multipart/mixed",
    b"Content-Type: message/rfc822",
    b"Content-Type: text/html; charset=utf-8",
    b"Content-Type: nonsense",
    b"Content-Transfer-Encoding: base64",
    b"MIME-Version: 1.0",
    b"Subject: =?utf-8?q?caf=C3=A9?=",
    b"From: A <a@b>",
    b"\r",
    b"\0",
]
_line = st.sampled_from(LINES) | st.binary(max_size=6)
_end = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
ANY_MESSAGES = st.lists(
    st.builds(lambda line, end: line + end, _line, _end), max_size=40
).map(b"".join)
# Messages that are mostly good, of a few hundred octets and more.
_BODY_LINES = [b"--a", b"--ab", b"--a--", b"--ab--", b"", b"", b"x" * 100, b"text\r"]
_HEADERS = [b"", *(line for line in LINES if line.startswith((b"Content", b"From")))]
MULTIPARTS = st.builds(
    lambda header, lines, end: (
        b"Content-Type: multipart/mixed; boundary=a"
        + end
        + end
        + b"--a"
        + end
        + header
        + end
        + end
        + end.join(lines)
    ),
    st.sampled_from(_HEADERS),
    st.lists(st.sampled_from([*_BODY_LINES, *_HEADERS]), max_size=40),
    st.sampled_from([b"\r\n", b"\n"]),
)

# Headers in which the values of our fields are anything.
_value = st.lists(
    st.sampled_from(
        [bytes([octet]) for octet in b"()<>@,;:\\\"[].=?*%/'ab09 \t\n\r\0\xe4+-"]
        + [b"a@b", b"=?utf-8?q?=C3?=", b"=?utf-8?b?w7w=?=", b"; charset=", b"; a*0*="]
        + [
            b"text/plain",
            b"multipart/mixed; boundary=a",
            b"\r\n ",
            b"Re: ",
            b"\r\n--a\r\n",
        ]
        + [b"1 Jan 2000 00:00", b"base64"]
    )
).map(b"".join)
ANY_HEADERS = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), _value), max_size=10
).map(lambda fields: b"".join(b"%b:%b\r\n" % field for field in fields) + b"\r\nx")


def crlf(text: str) -> bytes:
    """Return a text with the line ends of mail."""
    return text.encode().replace(b"\n", b"\r\n")


def scan(*pieces: bytes) -> Part:
    """Return the tree of a message."""
    scanner = Scanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner.finish()


def card_of(message: bytes) -> Card:
    """Return the card of a message, as it is read."""
    return Card(make_card(scan(message)))


def texts_of(message: bytes, *, headers: bool, piece: int = 1 << 16) -> Iterator[str]:
    """Yield what SEARCH looks through in a message, piece by piece."""
    for stretch in stretches(card_of(message), headers=headers):
        decoder = stretch.open()
        for start in range(stretch.octets.start, stretch.octets.stop, piece):
            yield decoder.feed(message[start : min(start + piece, stretch.octets.stop)])
        yield decoder.finish()


def parts_of(root: Part) -> Iterator[Part]:
    """Yield a part and all parts in it, each before those in it."""
    todo = [root]
    while todo:
        part = todo.pop()
        yield part
        todo.extend(reversed(part.parts))


def outline(part: Part) -> object:
    """Return what a tree is, to be compared."""
    return (
        part.kind.name,
        part.header,
        part.body,
        part.lines,
        part.content,
        part.is_message,
        part.in_digest,
        part.opaque,
        dict(part.fields),
        part.beginning,
        [outline(inner) for inner in part.parts],
    )


__all__ = [
    "ANY_HEADERS",
    "ANY_MESSAGES",
    "LINES",
    "MULTIPARTS",
    "Kind",
    "card_of",
    "crlf",
    "outline",
    "parts_of",
    "scan",
    "texts_of",
]
