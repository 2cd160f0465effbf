"""The names that a LIST shows, from the mailboxes that somebody sees."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from imapbox.mailbox.interfaces import Listed
from imapbox.model.names import INBOX, MailboxName, parents
from imapbox.model.rights import ALL_RIGHTS, Rights


class Seen(NamedTuple):
    r"""A mailbox that somebody may know of.

    Attributes:
        rights: What he may do with it.
        special_use: Such as ``\Sent``.
        is_personal: Whether it is his own.
        mailbox_id: Its id.
    """

    rights: Rights
    special_use: str | None
    is_personal: bool
    mailbox_id: bytes | None


_ABSENT = Seen(ALL_RIGHTS, None, is_personal=True, mailbox_id=None)


def tree(
    seen: Mapping[MailboxName, Seen], subscribed: Collection[MailboxName]
) -> Sequence[Listed]:
    """Return all names, sorted, INBOX first: those of mailboxes, and others.

    Args:
        seen: The mailboxes, by their names.
        subscribed: Names; they need not exist.
    """
    above = {parent for name in seen for parent in parents(name)}
    return [
        _listed(
            name,
            seen.get(name),
            subscribed=name in subscribed,
            has_children=name in above,
        )
        for name in sorted(
            {*seen, *above, *subscribed}, key=lambda name: (name != INBOX, name)
        )
    ]


def _listed(
    name: MailboxName, seen: Seen | None, *, subscribed: bool, has_children: bool
) -> Listed:
    rights, special_use, is_personal, mailbox_id = seen or _ABSENT
    return Listed(
        name=name,
        subscribed=subscribed,
        exists=seen is not None,
        has_children=has_children,
        special_use=special_use,
        rights=rights,
        is_personal=is_personal,
        mailbox_id=mailbox_id,
    )
