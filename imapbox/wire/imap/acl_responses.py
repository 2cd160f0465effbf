"""Responses that tell rights.

RFC 4314 §7::

    acl-data        = "ACL" SP mailbox *(SP identifier SP rights)
    listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
    myrights-data   = "MYRIGHTS" SP mailbox SP rights
"""

from collections.abc import Mapping

from imapbox.model.names import MailboxName
from imapbox.model.rights import Grantable, Rights, told_letters
from imapbox.wire.imap import strings


def acl(name: MailboxName, rights: Mapping[str, Rights], *, utf8: bool) -> bytes:
    """Return ``* ACL``: who has which rights."""
    words = [strings.mailbox(name, utf8=utf8)]
    for identifier, his in rights.items():
        words += [strings.astring(identifier.encode()), _letters(his)]
    return b"* ACL %b\r\n" % b" ".join(words)


def list_rights(
    name: MailboxName, identifier: bytes, some: Grantable, *, utf8: bool
) -> bytes:
    """Return ``* LISTRIGHTS``: what somebody always has, and each he can be given.

    Args:
        name: Of the mailbox.
        identifier: As the client spelled it.
        some: The rights.
        utf8: Whether names are UTF-8.
    """
    words = [
        strings.mailbox(name, utf8=utf8),
        strings.astring(identifier),
        _letters(some.always),
        *(letter.encode() for letter in told_letters(some.others)),
    ]
    return b"* LISTRIGHTS %b\r\n" % b" ".join(words)


def my_rights(name: MailboxName, rights: Rights, *, utf8: bool) -> bytes:
    """Return ``* MYRIGHTS``."""
    return b"* MYRIGHTS %b %b\r\n" % (
        strings.mailbox(name, utf8=utf8),
        _letters(rights),
    )


def _letters(rights: Rights) -> bytes:
    return strings.astring(told_letters(rights).encode())
