"""What authorises a URL: the mechanism INTERNAL. RFC 4467 §2.4.

A token is "01", and the HMAC-SHA-256 of the URL up to it, octet by octet, with the
mailbox's key. Whoever changes how tokens are made gives them another number.
"""

import hmac
from typing import Final

MECHANISM: Final = b"INTERNAL"
_VERSION: Final = b"01"


def make_token(key: bytes, rump: bytes) -> bytes:
    """Return what authorises a URL, in lower-case hexadecimal digits."""
    return _VERSION + hmac.digest(key, rump, "sha256").hex().encode()


def is_token(token: bytes, key: bytes, rump: bytes) -> bool:
    """Say whether a token is the URL's; in the same time, whatever it is."""
    return hmac.compare_digest(token, make_token(key, rump))
