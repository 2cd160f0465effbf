"""GETQUOTA, GETQUOTAROOT and SETQUOTA. RFC 9208 §4.1.

An account has one quota root, whose name is empty, if anything is limited.
"""

from typing import Final

from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota

ROOT: Final = b""
# RFC 9208 §5.1: STORAGE is counted in these.
_UNIT: Final = 1024


async def get_quota(session: Session, command: GetQuota) -> Done:
    """Tell what may be held, and what is.

    Raises:
        Refused: There is no such quota root.
    """
    told = await _told(session) if command.root == ROOT else b""
    if not told:
        raise Refused("There is no such quota root.", codes.NONEXISTENT)
    session.output.write(told)
    return Done("Counted.")


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Done:
    """Tell by what a mailbox is limited, or will be when it is made.

    What limits others is not told.
    """
    name = command.mailbox.name()
    account = session.account
    is_own = await account.owner_of(name) == account.user
    told = await _told(session) if is_own else b""
    roots = (ROOT,) if told else ()
    line = responses.quota_root(name, roots, utf8=session.dialect.utf8)
    session.output.write(line + told)
    return Done("Counted.")


async def set_quota(_session: Session, _command: SetQuota) -> Done:
    """Refuse: only whoever runs the server sets quotas, by `imapbox quota`."""
    raise Refused("Only the administrator sets quotas.", codes.NOPERM)


async def _told(session: Session) -> bytes:
    """Return ``* QUOTA``, or nothing if nothing is limited."""
    quota, usage = await session.account.quota()
    resources = []
    if quota.octets is not None:
        held = -(-usage.octets // _UNIT)
        resources.append((b"STORAGE", held, quota.octets // _UNIT))
    if quota.messages is not None:
        resources.append((b"MESSAGE", usage.messages, quota.messages))
    return responses.quota(ROOT, resources) if resources else b""
