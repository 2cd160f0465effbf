"""Where the mailboxes of others are found. RFC 2342.

A user's own mailboxes have no prefix. Those of others are below "Other Users/" and
their user's name, those that are nobody's own below "Shared/". Nothing here knows
what there is, or who may see it.
"""

from typing import Final, NamedTuple

from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import (
    DELIMITER,
    SHARED_USER,
    MailboxName,
    UserName,
    mailbox_name,
    user_name,
)

OTHERS: Final = "Other Users"
SHARED: Final = "Shared"
# Who has no account. No user has this name: a user's has at least one character.
NOBODY: Final = UserName("")


class Place(NamedTuple):
    """Where a mailbox of others is.

    Attributes:
        owner: Whose account has it; `SHARED_USER` or `NOBODY`, too.
        name: What it is called there.
    """

    owner: UserName
    name: MailboxName


def place_of(name: MailboxName) -> Place | None:
    """Return where others have what a user calls ``name``; None: it is his own.

    What is in these namespaces and can't be a mailbox is `NOBODY`'s.
    """
    first, _, rest = name.partition(DELIMITER)
    if first == SHARED:
        return _place(SHARED_USER, rest)
    if first == OTHERS:
        user, _, rest = rest.partition(DELIMITER)
        return _place(user_name(user) or NOBODY, rest)
    return None


def prefix_of(owner: UserName) -> str | None:
    """Return what is before the names of somebody's mailboxes, for others.

    None for a user whose name can't be a level of a mailbox's.
    """
    if owner == SHARED_USER:
        return SHARED + DELIMITER
    try:
        mailbox_name(OTHERS + DELIMITER + owner)
    except MailboxNameRefused:
        return None
    return None if DELIMITER in owner else f"{OTHERS}{DELIMITER}{owner}{DELIMITER}"


def _place(owner: UserName, rest: str) -> Place:
    try:
        return Place(owner, mailbox_name(rest))
    except MailboxNameRefused:
        return Place(NOBODY, MailboxName(rest))
