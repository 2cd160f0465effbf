"""Nothing a message can be costs more than its size allows.

The bounds are those of our study of attacks (rows 8, 9 and 33), many times what
is needed: they tell what is linear from what is not.
"""

import time
import tracemalloc
from collections.abc import Callable

import pytest

from imapbox.mime.card import make_card
from imapbox.mime.scanner import Scanner
from tests.support.messages import card_of, scan, texts_of

BOMBS: dict[str, Callable[[int], bytes]] = {
    "many To lines": lambda n: b"To: user@example.org\r\n" * n,
    "a long To": lambda n: b"To: " + b"user@example.org, " * n,
    "names": lambda n: b"From: " + b'"A, \\" B" (C) <a@b.test>,\r\n ' * (n // 3),
    "parameters": lambda n: (
        b"Content-Type: text/plain"
        + b"".join(b"; name*%d=x" % number for number in range(n // 10))
    ),
    "encoded words": lambda n: b"Subject: " + b"=?utf-8?q?=C3=BC?= " * (n // 5),
    "parens": lambda n: b"From: " + b"(" * n * 3,
    "parens and commas": lambda n: b"From: " + b"(," * n,
    "open quotes": lambda n: b"From: " + b'",' * (n // 4),
    "open brackets": lambda n: b"From: " + b"[\\[," * (n // 4),
    "open angles": lambda n: b"From: " + b"<@a," * (n // 4),
    "groups": lambda n: b"From: " + b"a:;" * (n // 4),
    "one phrase": lambda n: b"From: " + b"a " * n,
    "half words": lambda n: b"Subject: " + b"=?u?q?" * n,
    "half parameters": lambda n: b"Content-Type: text/plain" + b';a="' * n,
    "half values": lambda n: b"Content-Type: text/plain" + b";a==" * (n // 4),
    "folding": lambda n: b"Subject: x" + b"\r\n x" * n,
    "spaces": lambda n: b"Subject:" + b" " * n * 10,
    "tiny fields": lambda n: b"a:\r\n" * n,
    "parts": lambda n: (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * n
    ),
    "headers without end": lambda n: (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nX: y\r\n" * n
    ),
    "boundaries that never come": lambda n: (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        + b"--a\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n\r\n" * (n // 20)
    ),
    "boundaries that nearly come": lambda n: deep(98) + b"\r\n--" * n,
    "messages in messages": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "spaces in lines": lambda n: quoted_printable(b"= " * n),
    "equals signs": lambda n: quoted_printable(b"=" * n),
    "padding": lambda n: (
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A=" * n
    ),
    "UTF-7 that is shifted": lambda n: (
        b"Content-Type: text/plain; charset=utf-7\r\n\r\n+" + b"A" * n
    ),
    "marks": lambda n: (
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"\xcc\x81\xcc\x96" * n
    ),
    "long names of charsets": lambda n: (
        b"Subject: =?%b?q?x?=\r\nContent-Type: text/plain; charset=%b\r\n\r\nx"
        % (b"x" * n, b"x" * n)
    ),
}


def deep(depth: int) -> bytes:
    """A message of multiparts in multiparts."""
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=%d.\r\n\r\n--%d.\r\n" % (at, at)
        for at in range(depth)
    )


def quoted_printable(body: bytes) -> bytes:
    return (
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + body
    )


def cost(message: bytes) -> float:
    """Seconds of CPU to make the card of a message, and to search it."""
    began = time.process_time()
    for _ in texts_of(message, headers=True):
        pass
    return time.process_time() - began


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_time_is_linear(bomb: str) -> None:
    """Twice as much of anything takes twice the time, not four times."""
    make, size = BOMBS[bomb], 5_000
    small = min(cost(make(size)) for _ in range(2))
    large = min(cost(make(4 * size)) for _ in range(2))
    # Where nothing is to be seen, the clock's noise is not measured.
    assert large < max(4 * 2.5 * small, 0.1)
    assert large < 2


@pytest.mark.slow
def test_a_hundred_thousand_addresses() -> None:
    """None of 100,000 addresses is left out, in one field or in as many."""
    for header in (
        b"To: " + b",\r\n ".join(b"u%d@example.org" % n for n in range(100_000)),
        b"\r\n".join(b"To: u%d@example.org" % n for n in range(100_000)),
    ):
        envelope = card_of(header + b"\r\n\r\nbody").envelope
        assert envelope.count(b'"example.org"') == 100_000


@pytest.mark.slow
def test_no_card_is_out_of_proportion() -> None:
    """Of addresses that are nearly nothing, so many are kept as fit."""
    message = b"From: " + b"a," * 700_000 + b"\r\n\r\nbody"
    assert len(make_card(scan(message))) < 20 * 1024 * 1024


def test_what_a_scanner_keeps() -> None:
    """Of a large message, the scanner keeps next to nothing."""
    tracemalloc.start()
    try:
        scanner = Scanner()
        scanner.feed(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n")
        piece = b"0123456789abcdef\r\n" * 4096
        for _ in range(200):
            scanner.feed(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scanner.finish().parts[0].lines > 800_000
    assert peak < 8 * len(piece)


def test_a_header_without_end() -> None:
    """Of a header beyond 4 MiB the rest is not kept, and the fields before are."""
    scanner = Scanner()
    scanner.feed(b"Subject: here\r\n")
    for _ in range(100):
        scanner.feed(b"X: %b\r\n" % (b"x" * 100_000))
    scanner.feed(b"To: nobody@example.org\r\n\r\nbody")
    root = scanner.finish()
    assert set(root.fields) == {b"subject"}
    assert len(root.body) == 4


def test_no_line_is_cut() -> None:
    """A line that goes beyond the 4 MiB is left out, the ones before it are kept."""
    addresses = b",\r\n ".join(b"u%d@example.org" % n for n in range(300_000))
    (to,) = scan(b"To: " + addresses + b"\r\n\r\nbody").fields[b"to"]
    assert 3_900_000 < len(to) < 4 * 1024 * 1024
    assert addresses.replace(b"\r", b"").startswith(to.removesuffix(b"\n"))
    assert to.rstrip(b"\n").endswith(b"@example.org,")
