"""Mending the register of who gave rights to whom: see `shares`.

Where the register's account lost an entry, a right leads nowhere: nobody finds the
mailbox that it is for. So what a user's account gives is entered once more.
"""

from functools import partial
from typing import Final

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import NO_MAILBOX
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit
from imapbox.index.checked_log import CheckedLog
from imapbox.index.commit import commit
from imapbox.index.opening import open_log
from imapbox.index.repair import Job
from imapbox.index.segment import ACCOUNT_META
from imapbox.model.names import SHARED_USER, UserName
from imapbox.model.rights import NO_RIGHTS
from imapbox.store.access_facts import rights_given
from imapbox.store.create import create_account
from imapbox.store.layout import account_directory
from imapbox.store.shares import entered, owners_in

_REGISTER: Final = account_directory(SHARED_USER)


def mend_register(
    user: UserName, state: AccountState, job: Job, owner: int
) -> Steps[None]:
    """Enter whom a user gives rights to.

    Args:
        user: Who gives them.
        state: Of his account.
        job: What is noted of it.
        owner: Whose all files should be.
    """
    given = {
        identifier
        for facts in state.meta.values()
        for identifier, rights in rights_given(facts).items()
        if rights != NO_RIGHTS
    }
    if not given or user == SHARED_USER:
        return
    known = AccountState()
    if (yield from steps.exists(_REGISTER)):
        checked: CheckedLog[AccountAudit]
        checked = yield from check_log(_REGISTER, AccountAudit, owner)
        if checked.broken or checked.marked or checked.unread:
            return  # it is mended first
        known = checked.audit.state
    facts = known.meta.get(NO_MAILBOX, {})
    for identifier in sorted(given):
        if user in owners_in(facts, identifier):
            continue
        sentence = f"the register names {user!r} again, who gives rights to "
        with job.doing(_REGISTER, f"{sentence}{identifier!r}") as wanted:
            if wanted:
                yield from create_account(SHARED_USER, job.settings, {})
                yield from _enter(user, identifier, job)


def _enter(user: UserName, identifier: str, job: Job) -> Steps[None]:
    opened = yield from open_log(_REGISTER, job.settings, AccountState)
    log = account_log(_REGISTER, ACCOUNT_META)
    decide = partial(entered, owner=user, user=identifier, is_there=True)
    change = ChangeAccount(opened.state, decide)
    outcomes = yield from commit(log, job.settings, lambda: [change], command="repair")
    for each in outcomes:
        if each.error is not None:
            raise each.error
