"""The names of mailboxes and of users.

A mailbox name is Unicode text in NFC, levels separated by "/". INBOX is INBOX
in any case, also as the first level. Names never become paths: on disk a
mailbox is a random id, and a user is percent-encoded (`store.layout`).

See Also:
    RFC 9051 §5.1 (mailbox naming), RFC 5198 §2 (what Net-Unicode refuses).
"""

import re
import unicodedata
from typing import Final, NewType

from imapbox.model.errors import MailboxNameRefused

MailboxName = NewType("MailboxName", str)
UserName = NewType("UserName", str)

DELIMITER: Final = "/"
INBOX: Final = MailboxName("INBOX")
# Whose account has the mailboxes that are nobody's own. No user has this name: a
# user's has no capital (`user_name`).
SHARED_USER: Final = UserName("#Shared")
MAX_LEVEL_BYTES: Final = 255
MAX_LEVELS: Final = 20
# Of all levels together. Only new names are held to it: who has a longer one from
# before can read it, and be rid of it.
MAX_NAME_BYTES: Final = 1000
# Of the name of the user's directory, in which a byte may take three.
MAX_USER_BYTES: Final = 255

# Controls (C0, DEL, C1), line separators, and LIST's wildcards; "#" begins
# a namespace we do not have (RFC 9051 §5.1.2.2), so only at the start.
_FORBIDDEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029%*]|^#")
# What `store.layout` percent-encodes.
ENCODED_IN_USER: Final = re.compile(rb"[^a-z0-9_@.-]|^\.|\.$")
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def mailbox_name(text: str) -> MailboxName:
    """Return ``text`` as the name of a mailbox, normalized.

    Raises:
        MailboxNameRefused: It is empty, has an empty or dotted level, a
            control character, a wildcard, a lone surrogate, or is too long.
    """
    name = unicodedata.normalize("NFC", text)
    levels = name.split(DELIMITER)
    if (
        _FORBIDDEN.search(name)
        or len(levels) > MAX_LEVELS
        or any(not _is_level(level) for level in levels)
    ):
        raise MailboxNameRefused(text)
    if levels[0].translate(_UPPER) == "inbox":
        levels[0] = INBOX
    return MailboxName(DELIMITER.join(levels))


def _is_level(level: str) -> bool:
    if level in {"", ".", ".."}:
        return False
    try:
        return len(level.encode()) <= MAX_LEVEL_BYTES
    except UnicodeEncodeError:  # a lone surrogate
        return False


def check_new(name: MailboxName) -> None:
    """See that a mailbox, or a subscription, may be given a name.

    Raises:
        MailboxNameRefused: It is too deep or too long.
    """
    mailbox_name(name)
    if len(name.encode()) > MAX_NAME_BYTES:
        raise MailboxNameRefused(name)


def tree_order(name: MailboxName) -> str:
    """Return by what names are sorted: INBOX first, and each before those below it.

    Between a name and those below it there is no other.
    """
    levels = (DELIMITER + name).replace(DELIMITER + INBOX, DELIMITER + "\0" + INBOX)
    return levels.replace(DELIMITER, "\0")


def is_below(name: str, above: MailboxName) -> bool:
    """Say whether a name is below another one."""
    return name.startswith(above + DELIMITER)


def parents(name: MailboxName) -> tuple[MailboxName, ...]:
    """Return the names above ``name``, the topmost first."""
    levels = name.split(DELIMITER)
    return tuple(
        MailboxName(DELIMITER.join(levels[:end])) for end in range(1, len(levels))
    )


def user_name(text: str) -> UserName | None:
    """Return ``text`` as a user's name, or None if it can not be one.

    NFC, ASCII letters lowercased; no controls, no surrogates, not empty, and
    not too long for the name of a directory.
    """
    name = unicodedata.normalize("NFC", text).translate(_UPPER)
    # A small letter may compose with what its capital does not.
    name = unicodedata.normalize("NFC", name)
    try:
        octets = name.encode()
    except UnicodeEncodeError:
        return None
    size = len(octets) + 2 * len(ENCODED_IN_USER.findall(octets))
    if not 0 < size <= MAX_USER_BYTES:
        return None
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in name):
        return None
    return UserName(name)
