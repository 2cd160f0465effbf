"""What makes two deliveries the same one, tried again.

The very octets of the message are always part of it: whatever a client says, only
what is stored already, octet for octet, is taken for stored.
"""

from hashlib import blake2b
from typing import Final, NamedTuple

from imapbox.index.remembered_keys import KEY_SIZE

_PURPOSE: Final = b"imapbox delivery"
_IN_DOUBT: Final = 1


class Identity(NamedTuple):
    """What a client says of a message, each time that it sends it.

    Attributes:
        sender: The reverse path.
        ident: Its own name for the message, which it gives to no other one soon;
            None if it doesn't say.
    """

    sender: str
    ident: str | None


def delivery_key(identity: Identity, address: str, digest: bytes) -> bytes:
    """Return the key of one delivery; see `index.remembered_keys`.

    Args:
        identity: Of the message. Without an ident the key counts only while it is
            in doubt whether the client knows that the message was stored.
        address: The recipient, as the client said it.
        digest: Of the octets that came.
    """
    words = blake2b(digest_size=KEY_SIZE, person=_PURPOSE)
    for word in (identity.ident or "", identity.sender, address):
        octets = word.encode()
        words.update(len(octets).to_bytes(4, "little") + octets)
    words.update(digest)
    *key, last = words.digest()
    last = last | _IN_DOUBT if identity.ident is None else last & ~_IN_DOUBT
    return bytes([*key, last])
