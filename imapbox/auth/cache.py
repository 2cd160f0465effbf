"""Logins that were right a moment ago.

Checking an argon2id hash takes 230 ms of CPU, and webmail logs in for every
page. Kept is only a keyed digest, under a key that no other process has and
that ends with this one.
"""

import hashlib
import secrets
from typing import Final

from twisted.internet.interfaces import IReactorTime

from imapbox.auth.hashes import StoredHash
from imapbox.model.names import UserName

SECONDS: Final = 300.0
MOST: Final = 4096


class LoginCache:
    """Remembers what was verified: this user, this hash, this password.

    The hash is part of what is remembered, so a changed password is never
    taken for the old one, even if the old one is being verified meanwhile.
    """

    def __init__(
        self, clock: IReactorTime, *, seconds: float = SECONDS, most: int = MOST
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}  # the first to end comes first

    def remember(self, user: UserName, stored: StoredHash, password: bytes) -> None:
        """Take note that ``password`` was verified against ``stored``."""
        digest = self._digest(user, stored, password)
        self._until.pop(digest, None)
        self._until[digest] = self._clock.seconds() + self._seconds
        if len(self._until) > self._most:
            del self._until[next(iter(self._until))]

    def knows(self, user: UserName, stored: StoredHash, password: bytes) -> bool:
        """Say whether just this was remembered, and not too long ago."""
        digest = self._digest(user, stored, password)
        until = self._until.get(digest)
        if until is None:
            return False
        if until <= self._clock.seconds():
            del self._until[digest]
            return False
        return True

    def forget(self) -> None:
        """Forget all."""
        self._until.clear()

    def __len__(self) -> int:
        return len(self._until)

    def _digest(self, user: UserName, stored: StoredHash, password: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (user.encode(), stored.scheme.encode(), stored.text, password):
            # The lengths keep ("ab", "c") and ("a", "bc") apart.
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return digest.digest()
