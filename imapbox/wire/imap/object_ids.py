"""Names of mailboxes and messages that outlive their numbers. RFC 8474.

RFC 8474 §7::

    objectid = 1*255(ALPHA / DIGIT / "_" / "-")

Ours are a letter, so that nobody takes one for a number, and 32 hex digits.
"""

import re
from typing import Final, NewType

from imapbox.wire.imap.lexer import Lexer

ObjectId = NewType("ObjectId", bytes)

# Whoever makes one by another rule takes another letter: RFC 8474 §11.
_MAILBOX: Final = b"F"
_MESSAGE: Final = b"M"
_THREAD: Final = b"T"
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}(?![A-Za-z0-9_-])")
_OURS = re.compile(rb"([MT])([0-9a-f]{32})")


def mailboxid(octets: bytes) -> ObjectId:
    """Return what MAILBOXID tells of a mailbox's id."""
    return ObjectId(_MAILBOX + octets.hex().encode())


def emailid(octets: bytes) -> ObjectId:
    """Return what EMAILID tells of a message's id."""
    return ObjectId(_MESSAGE + octets.hex().encode())


def threadid(octets: bytes) -> ObjectId:
    """Return what THREADID tells of a thread's id."""
    return ObjectId(_THREAD + octets.hex().encode())


def read_objectid(lexer: Lexer) -> bytes:
    """Take an ``objectid`` out of a command.

    Raises:
        BadSyntax: There is none.
    """
    return lexer.match(_OBJECT_ID, "objectid")


def octets_of_emailid(objectid: bytes) -> bytes | None:
    """Return the id of the messages that are meant; None if there can be none."""
    return _octets(objectid, _MESSAGE)


def octets_of_threadid(objectid: bytes) -> bytes | None:
    """Return the id of the thread that is meant; None if there can be none."""
    return _octets(objectid, _THREAD)


def _octets(objectid: bytes, kind: bytes) -> bytes | None:
    ours = _OURS.fullmatch(objectid)
    if ours is None or ours[1] != kind:
        return None
    return bytes.fromhex(ours[2].decode())
