"""Mails that were written for one question each, which no other mail asks."""

import base64
import quopri
from collections.abc import Iterator

_INNER = (
    "Subject: Grüße\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\nSchöne Grüße\r\n"
).encode()
_OCTETS = bytes(range(256)) * 300


def _mail(*parts: bytes) -> bytes:
    header = (
        b"From: ana@example.org\r\nTo: bob@example.org\r\nSubject: parts\r\n"
        b"Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n"
    )
    cut = [b"--cut\r\n%b\r\n" % part for part in parts]
    return b"".join([header, *cut, b"--cut--\r\n"])


def _part(media_type: bytes, encoding: bytes, octets: bytes) -> bytes:
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        media_type,
        encoding,
        octets,
    )


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def written() -> Iterator[tuple[str, bytes]]:
    """Yield names and mails."""
    yield (
        "global",
        _mail(
            _part(b"message/global", b"8bit", _INNER),
            _part(b"message/rfc822", b"8bit", _INNER),
        ),
    )
    yield (
        "encoded-message",
        _mail(
            _part(b"message/rfc822", b"base64", _base64(_INNER)),
            _part(b"text/plain", b"7bit", b"behind"),
        ),
    )
    quoted = quopri.encodestring("grün = süß \t\n".encode() * 40)
    yield (
        "encoded",
        _mail(
            _part(b"application/octet-stream", b"base64", _base64(_OCTETS)),
            _part(b"application/octet-stream", b"BASE64", _base64(b"\0\xff\r\n")),
            _part(b"text/plain", b"quoted-printable", quoted.replace(b"\n", b"\r\n")),
            _part(b"text/plain; charset=utf-8", b"8bit", "grün".encode()),
            _part(b"application/octet-stream", b"x-strange", b"never mind"),
        ),
    )
