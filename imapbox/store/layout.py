"""Every path in a store, and nothing else.

::

    imapbox-store                                the format of the store
    unfinished                                   that it is a copy, and not whole yet
    spool/                                       messages on their way in
    users/<2 hex>/<user>/account/                the account's log
    users/<2 hex>/<user>/mailboxes/<32 hex>/     a mailbox's log
    users/<2 hex>/<user>/cache/<32 hex>/         of a mailbox, what can be lost

The 2 hex digits are the first byte of BLAKE2b(user). The user is
percent-encoded, but for ``[a-z0-9_@-]`` and inner dots. All paths are relative
to the root of the store.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from imapbox.model.names import ENCODED_IN_USER, UserName

ROOT: Final = ""
STORE_FILE: Final = "imapbox-store"
UNFINISHED: Final = "unfinished"
SPOOL: Final = "spool"
USERS: Final = "users"


def user_shard(user: UserName) -> str:
    """Return the directory above a user's."""
    return f"{USERS}/{blake2b(user.encode()).hexdigest()[:2]}"


def is_shard(name: str) -> bool:
    """Say whether a directory above users' may be called so."""
    return re.fullmatch(r"[0-9a-f]{2}", name) is not None


def is_mailbox(name: str) -> bool:
    """Say whether a mailbox's directory may be called so."""
    return re.fullmatch(r"[0-9a-f]{32}", name) is not None


def user_directory(user: UserName) -> str:
    """Return a user's directory."""
    return f"{user_shard(user)}/{encode_user(user)}"


def account_directory(user: UserName) -> str:
    """Return the directory of the account's log."""
    return f"{user_directory(user)}/account"


def mailboxes_directory(user: UserName) -> str:
    """Return the directory above the mailboxes' logs."""
    return f"{user_directory(user)}/mailboxes"


def mailbox_directory(user: UserName, mailbox_id: bytes) -> str:
    """Return the directory of a mailbox's log."""
    return f"{mailboxes_directory(user)}/{mailbox_id.hex()}"


def mailbox_ids(names: Iterable[str]) -> list[bytes]:
    """Return whose directories are among names of the directory above."""
    return [bytes.fromhex(name) for name in names if is_mailbox(name)]


def cache_directory(user: UserName) -> str:
    """Return the directory above what is cached of the mailboxes."""
    return f"{user_directory(user)}/cache"


def mailbox_cache(user: UserName, mailbox_id: bytes) -> str:
    """Return the directory of what is cached of a mailbox."""
    return f"{cache_directory(user)}/{mailbox_id.hex()}"


def encode_user(user: UserName) -> str:
    """Return a user's name as the name of a directory."""
    return ENCODED_IN_USER.sub(
        lambda found: b"%%%02x" % found[0][0], user.encode()
    ).decode("ascii")


def decode_user(name: str) -> UserName:
    """Return whose directory ``name`` is."""
    decoded = re.sub(
        rb"%([0-9a-f]{2})",
        lambda found: bytes([int(found[1], 16)]),
        name.encode("ascii"),
    )
    return UserName(decoded.decode())
