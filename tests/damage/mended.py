"""What `imapbox repair` makes of a damaged account, held against what was true."""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.index.checked_log import Severity
from imapbox.index.repair import Job, Mending
from imapbox.mailbox.account import UserAccount
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.access_facts import lets_others_in
from imapbox.store.account import AccountLog
from imapbox.store.check import StoreCheck
from imapbox.store.repair import mend_user
from imapbox.store.store import Store
from tests.damage.specimen import OTHER, Rights, Row, Rows, rows_of


class Truth(NamedTuple):
    """What may be there behind a repair.

    Attributes:
        ever: Each message as it ever was, by mailbox and UID.
        readable: Messages that could be read before.
        given: The highest UID that was ever given.
        uidvalidity: Of each mailbox.
        rights: Who is let in now.
    """

    ever: Mapping[MailboxName, Mapping[int, set[Row]]]
    readable: Mapping[MailboxName, Rows]
    given: Mapping[MailboxName, int]
    uidvalidity: Mapping[MailboxName, int]
    rights: Rights


_NAMES: Final = (INBOX, OTHER)


def rights_in(log: AccountLog) -> Rights:
    """Return what lets others in, by mailbox and name."""
    return {
        (mailbox_id, name): value
        for mailbox_id in log.state.meta
        for name, value in log.meta(mailbox_id).items()
        if lets_others_in(name)
    }


async def _mend(store: Store, user: UserName, *, apply: bool) -> list[Mending]:
    job = Job(store.settings, apply=apply)
    work = mend_user(user, job, os.getuid(), deep=True)
    await store.drivers.write.run(work)
    return job.mended


async def _left_to_mend(store: Store, user: UserName) -> list[object]:
    """Mend an account; return what is left to be done then."""
    said = await _mend(store, user, apply=True)
    if left := [each for each in said if each.left]:
        return ["it is left", *left]
    said = await _mend(store, user, apply=False)
    return ["it was not enough", *said] if said else []


async def wrong_behind_repair(
    first: Store, second: Store, user: UserName, truth: Truth
) -> list[object]:
    """Mend an account; return what is wrong then.

    Args:
        first: Mends it.
        second: Looks at it.
        user: Whose it is.
        truth: What may be there.
    """
    if said := await _left_to_mend(first, user):
        return said
    disk = DiskFileSystem(first.root)
    found = StoreCheck(disk, deep=True).run([user])
    if bad := [each for each in found if each.severity is not Severity.NOTE]:
        return ["it is not sound", *bad]
    log = await second.account(user)
    await log.sync()
    if not rights_in(log).items() <= truth.rights.items():
        return ["who was sent off is let in", rights_in(log), truth.rights]
    for name in _NAMES:
        if wrong := await _wrong_in(second, log, name, truth):
            return wrong
    return []


async def _wrong_in(
    store: Store, log: AccountLog, name: MailboxName, truth: Truth
) -> list[object]:
    account = UserAccount(store, log)
    if name not in log.state.names:
        return []  # its name was lost: it is below Recovered
    selected = await account.select(name, read_only=False)
    try:
        rows = await rows_of(selected)
        uidvalidity = int(selected.uidvalidity)
    finally:
        selected.close()
    ever = truth.ever[name]
    octets = {row.octets for some in ever.values() for row in some}
    is_same = uidvalidity == truth.uidvalidity[name]
    for uid, row in rows.items():
        if row.octets not in octets:
            return ["it was never there", name, uid, row.octets]
        known = {each.octets for each in ever.get(uid, ())}
        if is_same and row.octets not in known:
            return ["another message under this UID", name, uid]
    there = {row.octets for row in rows.values()}
    lost = [uid for uid, row in truth.readable[name].items() if row.octets not in there]
    if lost:
        return ["could be read before, and is gone", name, lost]
    uidnext = int((await account.status(name)).uidnext)
    if is_same and uidnext <= truth.given[name]:
        return ["a UID is given again", name, uidnext, truth.given[name]]
    return []
