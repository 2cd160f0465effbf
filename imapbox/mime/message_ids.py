"""Which messages one names: Message-ID, References, In-Reply-To.

RFC 5322 §3.6.4::

    msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]

An id is known by a digest of 64 bits: what is compared is never shown, and may
be long. Cards keep fields folded, so case says nothing, though RFC 5256 §3 would
have it tell ids apart: nobody makes two that differ in nothing else.
"""

import re
from hashlib import blake2b
from typing import Final

from imapbox.mime.card import Card, Field

# Of a field so many characters are looked at, and of what it names the last ids
# count: the nearest ancestors.
_MAX_FIELD: Final = 32 * 1024
MOST_REFERENCES: Final = 100

_ID = re.compile(
    r'<\s*+(?:"((?:[^"\\]++|\\.)*+)"|([^\s<>@"]++))\s*+@\s*+([^\s<>@]++)\s*+>'
)
_ESCAPE = re.compile(r"\\(.)")


def message_id(card: Card) -> int | None:
    """Return the message's own id; None if it has no valid one."""
    return next(iter(_ids(card, Field.MESSAGE_ID)[:1]), None)


def references(card: Card) -> list[int]:
    """Return the ids of those before it, its parent's last. RFC 5256 §3."""
    found = _ids(card, Field.REFERENCES)
    return found[-MOST_REFERENCES:] or _ids(card, Field.IN_REPLY_TO)[:1]


def thread_id(card: Card) -> bytes:
    """Return the id of the thread that the message is in, 16 octets. RFC 8474 §5.2.

    A thread goes by its first message's id. Whoever answers names that first of
    all in References, so it takes no look at other messages, wherever they are,
    and never changes. Of a message that names nobody, and has no name itself, the
    envelope tells.

    The rule is part of what clients keep: see docs/decisions/thread-ids.md.
    """
    for field in (Field.REFERENCES, Field.IN_REPLY_TO, Field.MESSAGE_ID):
        found = _ID.search(card.field(field) or "", 0, _MAX_FIELD)
        if found is not None:
            return _thread_of(b"<%b>" % _normal(*found.groups("")))
    return _thread_of(card.envelope)


def _thread_of(octets: bytes) -> bytes:
    return blake2b(octets, digest_size=16, person=b"THREADID").digest()


def digest(octets: bytes) -> int:
    """Return a number of 64 bits, signed, that stands for ``octets``."""
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), signed=True)


def _ids(card: Card, field: Field) -> list[int]:
    text = card.field(field) or ""
    return [digest(_normal(*found)) for found in _ID.findall(text[-_MAX_FIELD:])]


def _normal(quoted: str, left: str, right: str) -> bytes:
    """Return an id as others would write it: without needless quotes."""
    left = left or _ESCAPE.sub(r"\1", quoted)
    return f"{left}@{right}".encode("utf-8", "replace")
