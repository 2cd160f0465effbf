"""The mail that every server is given: always the same, whatever the machine."""

import random
from base64 import encodebytes
from collections.abc import Sequence
from typing import Final

_PROSE: Final = (
    "the of and to in is you that it he was for on are as with his they at be this"
    " have from or one had by word but not what all were we when your can said there"
    " use an each which she do how their if will up other about out many then them"
    " meeting invoice tomorrow attached please regards project update weekly report"
)
_WORDS: Final = _PROSE.split()
# Sizes of the attachment, in bytes before base64. Most mail has none.
_ATTACHMENTS: Final = (0, 0, 0, 0, 0, 0, 4_000, 12_000, 30_000)


def corpus(count: int = 64) -> tuple[bytes, ...]:
    """Return ``count`` messages, the same ones each time."""
    chance = random.Random(2001)
    return tuple(_message(chance, number) for number in range(count))


def median_size(messages: Sequence[bytes]) -> int:
    """Return the size of the message in the middle, in bytes."""
    return sorted(map(len, messages))[len(messages) // 2]


def _message(chance: random.Random, number: int) -> bytes:
    boundary = f"=_{chance.getrandbits(64):016x}"
    text = _text(chance, lines=chance.randint(10, 40))
    parts = [
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}",
        f"Content-Type: text/html; charset=utf-8\r\n\r\n<p>{text}</p>\r\n",
    ]
    if size := chance.choice(_ATTACHMENTS):
        encoded = encodebytes(chance.randbytes(size)).decode().replace("\n", "\r\n")
        parts.append(
            "Content-Type: application/pdf; name=report.pdf\r\n"
            "Content-Disposition: attachment; filename=report.pdf\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
        )
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    subject = " ".join(chance.choices(_WORDS, k=6))
    return (
        "Received: from mail.example.org (mail.example.org [192.0.2.7])\r\n"
        f"\tby mx.example.net with ESMTPS id {chance.getrandbits(40):010X}\r\n"
        "\tfor <reader@example.net>; Tue, 24 Nov 2026 08:00:00 +0000\r\n"
        f"Message-ID: <{chance.getrandbits(96):024x}@example.org>\r\n"
        "Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n"
        'From: "A. Sender" <sender@example.org>\r\n'
        'To: "The Reader" <reader@example.net>, other@example.net\r\n'
        f"Subject: {number}: {subject}\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'
        f"{body}--{boundary}--\r\n"
    ).encode()


def _text(chance: random.Random, lines: int) -> str:
    return "".join(
        " ".join(chance.choices(_WORDS, k=12)) + "\r\n" for _ in range(lines)
    )
