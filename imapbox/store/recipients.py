"""Whose mail is it? From an address to candidates for a user.

An address is looked up as ``user+detail@host``, ``user@host``,
``user+detail``, ``user``, in this order.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from imapbox.model.names import MailboxName, UserName, user_name

DELIMITER: Final = "+"
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address that leads to a mailbox of ours.

    Attributes:
        address: As it was asked for, without brackets and source route.
        user: Whose account it leads to.
        mailbox: Where the message goes: what ``+detail`` names, or INBOX.
    """

    address: str
    user: UserName
    mailbox: MailboxName


class Candidate(NamedTuple):
    """A user that an address may mean.

    Attributes:
        user: Who.
        detail: What stood behind the "+", if it isn't part of the user's name.
    """

    user: UserName
    detail: str


def candidates(address: str) -> list[Candidate]:
    """Return the users that ``address`` may mean, the most exact first."""
    local, at, host = address.rpartition("@")
    if not at:
        local, host = address, ""
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    user, _, detail = local.partition(DELIMITER)
    names = []
    for domain in (f"@{host}", "") if host else ("",):
        if detail and user:
            names.append((local + domain, ""))
            names.append((user + domain, detail))
        else:
            names.append((local + domain, ""))
    found = []
    for name, rest in names:
        normal = user_name(name)
        if normal is not None:
            found.append(Candidate(normal, rest))
    return found
