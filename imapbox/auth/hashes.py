"""Password hashes in Dovecot's notation: ``{SCHEME}hash``.

All functions here take milliseconds or more, on purpose, and belong in a
thread (`threads.AuthThreads`).
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import argon2
import bcrypt
from argon2.low_level import Type, verify_secret

from imapbox.auth.crypt import crypt

# bcrypt looks at no more, and libcrypt (so Dovecot) silently cuts it there.
BCRYPT_BYTES: Final = 72


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A password hash that we can check.

    Attributes:
        scheme: Its name in capitals, without the braces.
        text: What follows the braces.
        cost: The part of it that says how long checking takes.
    """

    scheme: str
    text: bytes
    cost: str

    def __repr__(self) -> str:
        """Say the scheme, not the hash: this may end up in a log."""
        return f"<StoredHash {self.scheme} {self.cost}>"


def _is_plain(password: bytes, stored: bytes) -> bool:
    return hmac.compare_digest(password, stored)


def _is_crypt(password: bytes, stored: bytes) -> bool:
    hashed = crypt(password, stored)
    return hashed is not None and hmac.compare_digest(hashed, stored)


def _is_bcrypt(password: bytes, stored: bytes) -> bool:
    return bcrypt.checkpw(password[:BCRYPT_BYTES], stored)


def _is_argon2id(password: bytes, stored: bytes) -> bool:
    try:
        return verify_secret(stored, password, Type.ID)
    except argon2.exceptions.VerificationError:
        return False


@dataclass(frozen=True, slots=True)
class _Scheme:
    pattern: re.Pattern[str]
    verify: Callable[[bytes, bytes], bool]


_SCHEMES: Final = {
    "PLAIN": _Scheme(re.compile("(?P<cost>).+"), _is_plain),
    "SHA512-CRYPT": _Scheme(
        re.compile(r"(?P<cost>\$6\$(?:rounds=[0-9]+\$)?)[^$]{0,16}\$[./0-9A-Za-z]{86}"),
        _is_crypt,
    ),
    "BLF-CRYPT": _Scheme(
        re.compile(
            r"\$2[aby](?P<cost>\$(?:0[4-9]|[12][0-9]|3[01])\$)[./0-9A-Za-z]{53}"
        ),
        _is_bcrypt,
    ),
    "ARGON2ID": _Scheme(
        re.compile(
            r"\$argon2id(?P<cost>\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$)"
            r"[0-9A-Za-z+/]+\$[0-9A-Za-z+/]+"
        ),
        _is_argon2id,
    ),
}
_SCHEME_AND_REST = re.compile(r"\{(?P<scheme>[^{}]*)\}(?P<rest>.*)", re.DOTALL)


def parse_hash(field: str) -> StoredHash | None:
    """Read ``{SCHEME}hash``; None if it has no scheme, or none we know."""
    parts = _SCHEME_AND_REST.fullmatch(field)
    if parts is None:
        return None
    name = parts["scheme"].upper()
    scheme = _SCHEMES.get(name)
    if scheme is None:
        return None
    whole = scheme.pattern.fullmatch(parts["rest"])
    if whole is None:
        return None
    octets = parts["rest"].encode(errors="surrogateescape")
    return StoredHash(name, octets, whole["cost"])


def verify(password: bytes, stored: StoredHash) -> bool:
    """Say whether ``password`` is the one. Blocks: call it in a thread.

    Raises:
        OSError: The system lacks the library for this scheme.
    """
    return _SCHEMES[stored.scheme].verify(password, stored.text)


def argon2id(password: bytes) -> str:
    """Make a hash as new passwords get it. Blocks: call it in a thread."""
    return "{ARGON2ID}" + argon2.PasswordHasher().hash(password)


def blf_crypt(password: bytes, *, cost: int) -> str:
    """Make a bcrypt hash; ``cost`` is the binary logarithm of its rounds.

    Raises:
        ValueError: The password is longer than bcrypt can tell apart.
    """
    return "{BLF-CRYPT}" + bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()
