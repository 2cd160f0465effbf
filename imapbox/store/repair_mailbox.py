"""Mending a mailbox, with the account's lock and its own.

If it needs another UIDVALIDITY, the account says so first, as `imapbox restored`
does. A mailbox that was deleted is mended only if it is marked as damaged, since the
mark keeps compaction from removing it.
"""

from functools import partial

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_operations import Create
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.check_messages import check_messages
from imapbox.index.checked_log import CheckedLog
from imapbox.index.commit import Log
from imapbox.index.damage import DAMAGED
from imapbox.index.head import Head
from imapbox.index.lost_found import keep_octets, place_to_keep
from imapbox.index.mailbox_plan import MailboxPlan, Stray, plan_mailbox
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.new_uidvalidity import GiveUidValidity
from imapbox.index.repair import (
    good_head,
    mend_foreign,
    mend_lock,
    mend_small_things,
    replace_log,
)
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.segment_scan import read_readable
from imapbox.model.names import MailboxName
from imapbox.model.numbers import UidValidity
from imapbox.store.cards import card_of_octets
from imapbox.store.layout import mailbox_directory
from imapbox.store.repair_place import Place
from imapbox.store.repair_words import of_mailbox
from imapbox.store.restored import RESTORING, RUN_SIZE


class MailboxRepair:
    """Mends a user's mailboxes, one by one.

    Args:
        place: Where, and what is noted of it.
        deep: Whether all messages are read.
    """

    def __init__(self, place: Place, *, deep: bool) -> None:
        self._place = place
        self._job = place.job
        self._deep = deep

    def mend(self, mailbox: Create) -> Steps[None]:
        """Mend a mailbox of a sound account."""
        directory = mailbox_directory(self._place.user, mailbox.mailbox_id)
        if not (yield from steps.exists(directory)):
            return  # what is to be done was said already
        if not (yield from steps.status(directory)).is_directory:
            sentence = f"{mailbox.name!r} should be here, and this is no directory"
            then = "move it away, and one is made anew, empty"
            self._job.leave(directory, f"{sentence}; {then}")
            return
        checked = yield from self._place.check(directory, MailboxAudit, held=False)
        if (
            not self._deep
            and not checked.findings
            and checked.audit.counts.uidvalidity == mailbox.uidvalidity
        ):
            return
        if not (yield from mend_lock(self._job, directory, checked)):
            return
        section = partial(self._section, directory, mailbox)
        yield from self._place.locked([self._place.directory, directory], section)

    def mend_deleted(self, mailbox_id: bytes) -> Steps[None]:
        """Mend a mailbox that was deleted, if the mark keeps it from being removed."""
        directory = mailbox_directory(self._place.user, mailbox_id)
        if not (yield from steps.exists(directory)):
            return
        names = yield from steps.list_directory(directory)
        if DAMAGED not in names or not segment_numbers(names):
            return
        checked = yield from self._place.check(directory, MailboxAudit, held=False)
        if not (yield from mend_lock(self._job, directory, checked)):
            return
        name = MailboxName(f"{mailbox_id.hex()} (deleted)")
        mailbox = Create(mailbox_id, checked.audit.counts.uidvalidity, name)
        section = partial(self._section, directory, mailbox)
        yield from self._place.locked([self._place.directory, directory], section)

    def _section(self, directory: str, mailbox: Create) -> Steps[None]:
        job = self._job
        checked = yield from self._place.check(directory, MailboxAudit, held=job.apply)
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
        state = yield from self._place.tree()
        now = int((yield from steps.now()))
        bound = state.mailboxes.get(mailbox.mailbox_id)
        known = bound or mailbox  # it may be deleted
        given = UidValidity(max(known.uidvalidity, plan.uidvalidity))
        if plan.unsure:
            given = self._place.next_uidvalidity(state, now, given)
        if bound is not None and given != bound.uidvalidity:
            yield from self._place.give(state, bound._replace(uidvalidity=given))
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
                state = yield from self._place.tree()
                yield from self._place.give(state, mailbox._replace(uidvalidity=ours))
                return
            run = yield from steps.random(RUN_SIZE)
            log = Log(directory, MailboxFacts)
            yield from self._place.write(log, GiveUidValidity(theirs, run))


def _keep_stray(directory: str, stray: Stray) -> Steps[None]:
    """Write a message that may be another's where only the operator sees it."""
    octets = yield from steps.opened(
        f"{directory}/{segment_name(stray.segment)}",
        Mode.READ,
        partial(read_readable, size=stray.size, offset=stray.offset),
    )
    yield from keep_octets(directory, f"{stray.emailid.hex()}.eml", octets)
