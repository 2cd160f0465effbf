"""Mending a store: what `imapbox repair` does.

A user's account comes first: it says which mailboxes there are. Where its log is
lost, the mailboxes' directories that ever held mail are found, and named
``Recovered/<id>``. Then each mailbox, with the account's lock and its own: if it
needs another UIDVALIDITY, the account says so first, as `imapbox restored` does.
A mailbox that was deleted is mended only if it is marked as damaged, since the
mark keeps compaction from removing it.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import Create
from imapbox.index.account_plan import plan_account
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.check_messages import check_messages
from imapbox.index.checked_log import CheckedLog, EndingAudit
from imapbox.index.commit import Log, write_one
from imapbox.index.damage import DAMAGED
from imapbox.index.head import DELETED, Head
from imapbox.index.lost_found import keep_octets, place_to_keep
from imapbox.index.mailbox_plan import MailboxPlan, Stray, plan_mailbox, scan_all
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.new_uidvalidity import MAX_UIDVALIDITY, GiveUidValidity
from imapbox.index.opening import fold_up_to
from imapbox.index.own_segments import of_account
from imapbox.index.repair import (
    Job,
    State,
    good_head,
    mend_foreign,
    mend_lock,
    mend_small_things,
    replace_log,
)
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.segment_scan import read_readable
from imapbox.index.settle import settle
from imapbox.index.transaction import Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import NoSuchMailbox, NumbersExhausted
from imapbox.model.names import INBOX, SHARED_USER, MailboxName, UserName
from imapbox.model.numbers import UidValidity
from imapbox.store.access_facts import lets_others_in
from imapbox.store.cards import card_of_octets
from imapbox.store.create import (
    ID_SIZE,
    SPECIAL_USE,
    account_is_made,
    create_mailbox_log,
)
from imapbox.store.format import make_directory_if_missing
from imapbox.store.layout import (
    account_directory,
    is_mailbox,
    mailbox_directory,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.repair_each import goes_on, named
from imapbox.store.repair_register import mend_register
from imapbox.store.repair_root import leave_access, leave_access_of_log
from imapbox.store.repair_words import of_mailbox, of_rights
from imapbox.store.restored import RESTORING, RUN_SIZE

COMMAND: Final = "repair"
RECOVERED: Final = "Recovered"

T = TypeVar("T")
A = TypeVar("A", bound=EndingAudit)


class UserRepair:
    """Mends one user's account and mailboxes.

    Args:
        user: Whose they are.
        job: What is noted of it.
        owner: Whose all files should be.
        deep: Whether all messages are read.
    """

    def __init__(self, user: UserName, job: Job, owner: int, *, deep: bool) -> None:
        self._user = user
        self._job = job
        self._owner = owner
        self._deep = deep
        self._account = account_directory(user)

    def mend_account(self) -> Steps[AccountState]:
        """Mend the account, and return the tree; an empty one if there is none."""
        if not (yield from steps.exists(self._account)):
            if not (yield from account_is_made(self._user)):
                return AccountState()
            made = "the account's directory is made"
            with self._job.doing(self._account, made) as wanted:
                if not wanted:
                    return AccountState()
                yield from steps.make_directory(self._account)
                yield from steps.sync_directory(user_directory(self._user))
        checked = yield from self._check(self._account, AccountAudit, held=False)
        if not (yield from account_is_made(self._user)):
            return AccountState()  # it was never made to the end
        if not (yield from mend_lock(self._job, self._account, checked)):
            return AccountState() if checked.broken else checked.audit.state
        return (
            yield from self._locked([self._account], partial(self._account_section))
        )

    def _account_section(self) -> Steps[AccountState]:
        job, directory = self._job, self._account
        checked = yield from self._check(directory, AccountAudit, held=job.apply)
        if checked.unread:
            job.leave(directory, checked.unread, checked.why)
            return checked.audit.state
        if not checked.broken and checked.frames:
            return (yield from self._mend_sound(checked))
        yield from mend_foreign(job, directory, checked)
        return (yield from self._write_account_anew())

    def _mend_sound(self, checked: CheckedLog[AccountAudit]) -> Steps[AccountState]:
        """Mend what is wrong beside an account's log that can be read."""
        state = checked.audit.state
        if (yield from self._is_anothers(state)):
            self._job.leave(self._account, "another user's log is in it")
            return AccountState()
        yield from mend_small_things(self._job, self._account, checked)
        if self._job.apply:
            state = yield from self._tree()
        yield from self._mend_missing(state)
        return state

    def _write_account_anew(self) -> Steps[AccountState]:
        job, directory = self._job, self._account
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
            given = uidvalidity or self._next(state, now)
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
            state = yield from self._tree()
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
        given = self._next(state, now)
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
                given = self._next(state, int((yield from steps.now())))
                yield from self._give(state, mailbox._replace(uidvalidity=given))
                yield from self._create(mailbox.mailbox_id, given)

    def mend_mailbox(self, mailbox: Create) -> Steps[None]:
        """Mend a mailbox of a sound account."""
        directory = mailbox_directory(self._user, mailbox.mailbox_id)
        if not (yield from steps.exists(directory)):
            return  # what is to be done was said already
        if not (yield from steps.status(directory)).is_directory:
            sentence = f"{mailbox.name!r} should be here, and this is no directory"
            then = "move it away, and one is made anew, empty"
            self._job.leave(directory, f"{sentence}; {then}")
            return
        checked = yield from self._check(directory, MailboxAudit, held=False)
        if (
            not self._deep
            and not checked.findings
            and checked.audit.counts.uidvalidity == mailbox.uidvalidity
        ):
            return
        if not (yield from mend_lock(self._job, directory, checked)):
            return
        section = partial(self._mailbox_section, directory, mailbox)
        yield from self._locked([self._account, directory], section)

    def mend_deleted(self, mailbox_id: bytes) -> Steps[None]:
        """Mend a mailbox that was deleted, if the mark keeps it from being removed."""
        directory = mailbox_directory(self._user, mailbox_id)
        if not (yield from steps.exists(directory)):
            return
        names = yield from steps.list_directory(directory)
        if DAMAGED not in names or not segment_numbers(names):
            return
        checked = yield from self._check(directory, MailboxAudit, held=False)
        if not (yield from mend_lock(self._job, directory, checked)):
            return
        name = MailboxName(f"{mailbox_id.hex()} (deleted)")
        mailbox = Create(mailbox_id, checked.audit.counts.uidvalidity, name)
        section = partial(self._mailbox_section, directory, mailbox)
        yield from self._locked([self._account, directory], section)

    def _mailbox_section(self, directory: str, mailbox: Create) -> Steps[None]:
        job = self._job
        checked = yield from self._check(directory, MailboxAudit, held=job.apply)
        if checked.unread:
            job.leave(directory, checked.unread, checked.why)
            return
        state = checked.audit.state
        broken = checked.broken or not checked.frames
        if not broken and state.facts.mailbox_id != mailbox.mailbox_id:
            job.leave(directory, "another mailbox's log is in it")
            return
        if not broken and (checked.marked or self._deep):
            # Readers make a card again that is not what was stored.
            broken = bool((yield from check_messages(directory, state, None)))
        if broken:
            yield from mend_foreign(job, directory, checked)
            yield from self._write_anew(directory, mailbox)
            return
        yield from mend_small_things(job, directory, checked)
        yield from self._agree(directory, mailbox, checked)

    def _write_anew(self, directory: str, mailbox: Create) -> Steps[None]:
        job = self._job
        head = yield from good_head(directory)
        plan = yield from plan_mailbox(
            directory, mailbox.mailbox_id, head, job.settings.boot, card_of_octets
        )
        said = of_mailbox(mailbox, plan, (yield from place_to_keep()))
        with job.doing(directory, said) as wanted:
            if wanted:
                yield from self._replace(directory, mailbox, plan, head)

    def _replace(
        self, directory: str, mailbox: Create, plan: MailboxPlan, head: Head | None
    ) -> Steps[None]:
        """Write a mailbox's log as planned."""
        job = self._job
        state = yield from self._tree()
        now = int((yield from steps.now()))
        bound = state.mailboxes.get(mailbox.mailbox_id)
        known = bound or mailbox  # it may be deleted
        given = UidValidity(max(known.uidvalidity, plan.uidvalidity))
        if plan.unsure:
            given = self._next(state, now, given)
        if bound is not None and given != bound.uidvalidity:
            yield from self._give(state, bound._replace(uidvalidity=given))
        for stray in plan.strays:
            yield from _keep_stray(directory, stray)
        flags = head.flags if head is not None and not plan.foreign else 0
        log = plan.log(mailbox.mailbox_id, given, now * 1_000_000)
        yield from replace_log(job, directory, log, MailboxAudit, flags)

    def _agree(
        self, directory: str, mailbox: Create, checked: CheckedLog[MailboxAudit]
    ) -> Steps[None]:
        """See that account and mailbox name the same UIDVALIDITY."""
        job = self._job
        theirs, ours = mailbox.uidvalidity, checked.audit.counts.uidvalidity
        if theirs == ours or (theirs > ours and (yield from steps.exists(RESTORING))):
            return
        sentence = "account and mailbox name two UIDVALIDITYs; the greater one counts"
        with job.doing(directory, sentence) as wanted:
            if not wanted:
                return
            if ours > theirs:
                state = yield from self._tree()
                yield from self._give(state, mailbox._replace(uidvalidity=ours))
                return
            run = yield from steps.random(RUN_SIZE)
            log = Log(directory, MailboxFacts)
            yield from self._write(log, GiveUidValidity(theirs, run))

    def _check(
        self, directory: str, make_audit: Callable[[], A], *, held: bool
    ) -> Steps[CheckedLog[A]]:
        return check_log(directory, make_audit, self._owner, held=held)

    def _locked(
        self, directories: list[str], section: Callable[[], Steps[T]]
    ) -> Steps[T]:
        """Run a section; with the locks if it is to change anything."""
        if not self._job.apply:
            return (yield from section())
        settings = self._job.settings
        identity = Identity(settings.node, settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + settings.patience
        paths = [f"{directory}/lock" for directory in directories]
        return (yield from locked(paths, identity, until, section))

    def _tree(self) -> Steps[AccountState]:
        """Return what the account says; its lock is held."""
        tail = yield from settle(self._account, self._job.settings)
        return (yield from fold_up_to(self._account, tail.position, AccountState))

    def _next(self, state: AccountState, now: int, least: int = 0) -> UidValidity:
        given = max(now, state.highest_uidvalidity + 1, least + 1)
        if given > MAX_UIDVALIDITY:
            raise NumbersExhausted
        return UidValidity(given)

    def _give(self, state: AccountState, mailbox: Create) -> Steps[None]:
        """Let the account say which UIDVALIDITY a mailbox has."""
        change = ChangeAccount(state, lambda _: [mailbox])
        yield from self._write(account_log(self._account), change)
        state.mailboxes[mailbox.mailbox_id] = mailbox
        state.names[mailbox.name] = mailbox
        highest = max(state.highest_uidvalidity, mailbox.uidvalidity)
        state.highest_uidvalidity = highest

    def _write(self, log: Log, wish: Transaction) -> Steps[None]:
        tail = yield from settle(log.directory, self._job.settings)
        yield from write_one(log, self._job.settings, tail, wish)

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


def mend_user(
    user: UserName,
    job: Job,
    owner: int,
    *,
    mailbox: MailboxName | None = None,
    deep: bool = False,
) -> Steps[int]:
    """Mend a user's account and mailboxes, or one of them.

    Returns:
        How many mailboxes were looked at.

    Raises:
        NoSuchMailbox: The account is sound, and knows none of this name.
        MailError: The account could not be mended, or a lock was not to be had, or
            nobody can write; the rest was not looked at.
        OSError: Likewise.
    """
    repair = UserRepair(user, job, owner, deep=deep)
    state = yield from named(account_directory(user), repair.mend_account())
    is_sound = all(each.state is State.DONE for each in job.mended)
    above = user_directory(user), mailboxes_directory(user)
    yield from leave_access(job, above, owner)
    yield from leave_access_of_log(job, account_directory(user), owner)
    chosen = [
        each
        for each in sorted(state.mailboxes.values(), key=lambda each: each.name)
        if mailbox is None or each.name == mailbox
    ]
    if mailbox is not None and is_sound and not chosen:
        raise NoSuchMailbox(mailbox)
    for each in chosen:
        directory = mailbox_directory(user, each.mailbox_id)
        if (yield from goes_on(job, directory, repair.mend_mailbox(each))):
            look = leave_access_of_log(job, directory, owner)
            yield from goes_on(job, directory, look)
    for mailbox_id in state.deleted if mailbox is None else ():
        directory = mailbox_directory(user, mailbox_id)
        yield from goes_on(job, directory, repair.mend_deleted(mailbox_id))
    if mailbox is None:
        yield from mend_register(user, state, job, owner)
    return len(chosen)


def _keep_stray(directory: str, stray: Stray) -> Steps[None]:
    """Write a message that may be another's where only the operator sees it."""
    octets = yield from steps.opened(
        f"{directory}/{segment_name(stray.segment)}",
        Mode.READ,
        partial(read_readable, size=stray.size, offset=stray.offset),
    )
    yield from keep_octets(directory, f"{stray.emailid.hex()}.eml", octets)


def _bind(state: AccountState, mailbox: Create) -> None:
    state.mailboxes[mailbox.mailbox_id] = mailbox
    state.names[mailbox.name] = mailbox
    state.subscribed.add(mailbox.name)
    state.highest_uidvalidity = max(state.highest_uidvalidity, mailbox.uidvalidity)
