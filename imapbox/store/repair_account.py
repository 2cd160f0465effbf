"""Mending a user's account: which mailboxes there are, and what they are called.

Where its log is lost, the mailboxes' directories that ever held mail are found, and
named ``Recovered/<id>``.
"""

from contextlib import suppress
from typing import Final

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_operations import Create
from imapbox.index.account_plan import plan_account
from imapbox.index.account_state import AccountState
from imapbox.index.check_audit import AccountAudit
from imapbox.index.checked_log import CheckedLog
from imapbox.index.head import DELETED
from imapbox.index.mailbox_plan import scan_all
from imapbox.index.own_segments import of_account
from imapbox.index.repair import (
    good_head,
    mend_foreign,
    mend_lock,
    mend_small_things,
    replace_log,
)
from imapbox.model.names import INBOX, SHARED_USER, MailboxName
from imapbox.model.numbers import UidValidity
from imapbox.store.access_facts import lets_others_in
from imapbox.store.create import (
    ID_SIZE,
    SPECIAL_USE,
    account_is_made,
    create_mailbox_log,
)
from imapbox.store.format import make_directory_if_missing
from imapbox.store.layout import (
    is_mailbox,
    mailbox_directory,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.repair_each import named
from imapbox.store.repair_place import Place
from imapbox.store.repair_words import of_rights

RECOVERED: Final = "Recovered"


class AccountRepair:
    """Mends one user's account.

    Args:
        place: Where, and what is noted of it.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._job = place.job
        self._user = place.user
        self._directory = place.directory

    def mend(self) -> Steps[AccountState]:
        """Mend the account, and return the tree; an empty one if there is none."""
        if not (yield from steps.exists(self._directory)):
            if not (yield from account_is_made(self._user)):
                return AccountState()
            made = "the account's directory is made"
            with self._job.doing(self._directory, made) as wanted:
                if not wanted:
                    return AccountState()
                yield from steps.make_directory(self._directory)
                yield from steps.sync_directory(user_directory(self._user))
        directory = self._directory
        checked = yield from self._place.check(directory, AccountAudit, held=False)
        if not (yield from account_is_made(self._user)):
            return AccountState()  # it was never made to the end
        if not (yield from mend_lock(self._job, directory, checked)):
            return AccountState() if checked.broken else checked.audit.state
        return (yield from self._place.locked([directory], self._section))

    def _section(self) -> Steps[AccountState]:
        job, directory = self._job, self._directory
        checked = yield from self._place.check(directory, AccountAudit, held=job.apply)
        if checked.unread:
            job.leave(directory, checked.unread, checked.why)
            return checked.audit.state
        if not checked.broken and checked.frames:
            return (yield from self._mend_sound(checked))
        yield from mend_foreign(job, directory, checked)
        return (yield from self._write_anew())

    def _mend_sound(self, checked: CheckedLog[AccountAudit]) -> Steps[AccountState]:
        """Mend what is wrong beside an account's log that can be read."""
        state = checked.audit.state
        if (yield from self._is_anothers(state)):
            self._job.leave(self._directory, "another user's log is in it")
            return AccountState()
        yield from mend_small_things(self._job, self._directory, checked)
        if self._job.apply:
            state = yield from self._place.tree()
        yield from self._mend_missing(state)
        return state

    def _write_anew(self) -> Steps[AccountState]:
        job, directory = self._job, self._directory
        head = yield from good_head(directory)
        is_ours = of_account((yield from self._directories()))
        plan = yield from plan_account(
            directory, head, job.settings.boot, lets_others_in, is_ours
        )
        state = plan.state
        # A new account has these; of one that is known, somebody may have deleted them.
        is_new = not state.names and self._user != SHARED_USER
        wanted = {INBOX: "", **SPECIAL_USE} if is_new else {INBOX: ""}
        found = yield from self._unbound(state)
        now = int((yield from steps.now()))
        for mailbox_id, (uidvalidity, deleted) in found.items():
            if deleted:
                state.deleted[mailbox_id] = now * 1_000_000
                continue
            name = MailboxName(f"{RECOVERED}/{mailbox_id.hex()}")
            given = uidvalidity or self._place.next_uidvalidity(state, now)
            _bind(state, Create(mailbox_id, given, name))
        lost = wanted.keys() - state.names.keys()
        count = len(state.mailboxes) + len(lost)
        said = f"the account is written anew, with {count} mailboxes"
        if names_lost := len(found) - sum(deleted for _, deleted in found.values()):
            said += f"; {names_lost} whose names are lost are below {RECOVERED}"
        if plan.dropped:
            said += f"; {of_rights(state, plan.dropped)}"
        with job.doing(directory, said) as to_do:
            if to_do:
                for name in sorted(lost):
                    yield from self._make(state, now, name, wanted[name])
                flags = head.flags if head is not None else 0
                log = plan.log(now * 1_000_000)
                yield from replace_log(job, directory, log, AccountAudit, flags)
        if job.apply:
            state = yield from self._place.tree()
        yield from self._mend_missing(state)
        return state

    def _is_anothers(self, state: AccountState) -> Steps[bool]:
        """Say whether a sound log names only mailboxes that are not here."""
        here = yield from self._directories()
        if not state.mailboxes.keys().isdisjoint(here):
            return False
        return bool((yield from self._unbound(state)))

    def _make(
        self, state: AccountState, now: int, name: MailboxName, use: str
    ) -> Steps[None]:
        mailbox_id = yield from steps.random(ID_SIZE)
        given = self._place.next_uidvalidity(state, now)
        yield from self._create(mailbox_id, given)
        _bind(state, Create(mailbox_id, given, name, use))

    def _create(self, mailbox_id: bytes, given: UidValidity) -> Steps[None]:
        """Make an empty mailbox, and what it lies in."""
        yield from make_directory_if_missing(mailboxes_directory(self._user))
        yield from steps.sync_directory(user_directory(self._user))
        settings = self._job.settings
        yield from create_mailbox_log(self._user, mailbox_id, given, settings)

    def _mend_missing(self, state: AccountState) -> Steps[None]:
        """Make mailboxes anew of which nothing is there, empty."""
        for mailbox in list(state.mailboxes.values()):
            directory = mailbox_directory(self._user, mailbox.mailbox_id)
            if (yield from steps.exists(directory)):
                continue
            sentence = (
                f"{mailbox.name!r} is not there; it is made anew, empty, "
                "with a greater UIDVALIDITY"
            )
            with self._job.doing(directory, sentence) as wanted:
                if not wanted:
                    continue
                now = int((yield from steps.now()))
                given = self._place.next_uidvalidity(state, now)
                yield from self._place.give(state, mailbox._replace(uidvalidity=given))
                yield from self._create(mailbox.mailbox_id, given)

    def _directories(self) -> Steps[list[bytes]]:
        """Return the ids of the mailboxes that have a directory."""
        above = mailboxes_directory(self._user)
        if not (yield from steps.exists(above)):
            return []
        found = []
        names = yield from steps.list_directory(above)
        for name in filter(is_mailbox, names):
            with suppress(FileNotFoundError):  # compaction removed it meanwhile
                if (yield from steps.status(f"{above}/{name}")).is_directory:
                    found.append(bytes.fromhex(name))
        return found

    def _unbound(
        self, state: AccountState
    ) -> Steps[dict[bytes, tuple[UidValidity, bool]]]:
        """Return the mailboxes that held mail and that the account does not know.

        Returns:
            By id: the UIDVALIDITY that its log names, 0 if none, and whether it was
            deleted.
        """
        found: dict[bytes, tuple[UidValidity, bool]] = {}
        for mailbox_id in (yield from self._directories()):
            if mailbox_id in state.mailboxes or mailbox_id in state.deleted:
                continue
            directory = mailbox_directory(self._user, mailbox_id)
            head = yield from good_head(directory)
            counts = [head.counts] if head is not None else []
            names = yield from steps.list_directory(directory)
            scans = yield from named(directory, scan_all(directory, names, head))
            for scan in scans:
                counts += [frame.counts for frame in scan.frames]
            if max((each.uidnext for each in counts), default=0) > 1:
                given = max(each.uidvalidity for each in counts)
                deleted = head is not None and bool(head.flags & DELETED)
                found[mailbox_id] = given, deleted
        return found


def _bind(state: AccountState, mailbox: Create) -> None:
    state.mailboxes[mailbox.mailbox_id] = mailbox
    state.names[mailbox.name] = mailbox
    state.subscribed.add(mailbox.name)
    state.highest_uidvalidity = max(state.highest_uidvalidity, mailbox.uidvalidity)
