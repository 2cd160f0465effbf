"""What is left of an account whose log is broken.

What was said before a gap may have been taken back in it. Of names that does no
harm; what lets others read a mailbox is dropped there, unless it is said again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_state import AccountState
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Head
from imapbox.index.mailbox_plan import next_number, scan_all
from imapbox.index.new_log import NewLog
from imapbox.index.own_segments import Identity, own_head, own_segments
from imapbox.index.salvaged_mailbox import may_be_cut_short
from imapbox.index.segment_scan import Gap
from imapbox.model.numbers import ModSeq


@dataclass(slots=True)
class AccountPlan:
    """What an account will be.

    Attributes:
        number: Of the segment that will hold it.
        state: The tree.
        modseq: The highest that anything names.
        dropped: Facts that let others in, by mailbox and name, and are gone.
    """

    number: int
    state: AccountState = field(default_factory=AccountState)
    modseq: ModSeq = field(default_factory=lambda: ModSeq(0))
    dropped: set[tuple[bytes, str]] = field(default_factory=set)

    def log(self, time: int) -> NewLog:
        """Return the log that says so."""
        counts = NO_COUNTS._replace(modseq=ModSeq(self.modseq + 1))
        base = self.state.base(counts, time)
        features = self.state.features
        return NewLog(self.number, base, counts, time, features=features)

    def take_in(self, frame: Frame, lets_others_in: Callable[[str], bool]) -> None:
        """Take in a frame; one that does not fit is passed over."""
        after = self.state.copy()
        try:
            after.apply(frame)
        except (DamagedOperations, LookupError, ValueError):
            self.miss(lets_others_in)
        else:
            self.state = after

    def miss(self, lets_others_in: Callable[[str], bool]) -> None:
        """Know that something is missing here."""
        meta = self.state.meta
        for mailbox_id, facts in list(meta.items()):
            names = {name for name in facts if lets_others_in(name)}
            self.dropped |= {(mailbox_id, name) for name in names}
            meta[mailbox_id] = {name: facts[name] for name in facts.keys() - names}
            if not meta[mailbox_id]:
                del meta[mailbox_id]

    def finish(self) -> None:
        """Leave out what was said again."""
        known = {
            (each, name) for each, facts in self.state.meta.items() for name in facts
        }
        self.dropped -= known


def plan_account(
    directory: str,
    head: Head | None,
    boot: int,
    lets_others_in: Callable[[str], bool],
    is_ours: Identity,
) -> Steps[AccountPlan]:
    """Read all that is left of an account's log. Nothing is written.

    Args:
        directory: Of its log.
        head: If it is good.
        boot: `FileSystem.boot`.
        lets_others_in: Says whether a fact of this name does.
        is_ours: Says whether a segment is of this account.
    """
    names = yield from steps.list_directory(directory)
    all_scans = yield from scan_all(directory, names, head)
    scans = own_segments(all_scans, head, is_ours)
    head = own_head(head, all_scans, scans)
    plan = AccountPlan(next_number(names, head))
    if head is not None:
        plan.modseq = head.counts.modseq
    for scan in scans:
        for item in scan.items:
            if isinstance(item, Gap):
                if item.facts is not None:
                    plan.modseq = max(plan.modseq, item.facts.counts.modseq)
                plan.miss(lets_others_in)
                continue
            plan.modseq = max(plan.modseq, item.counts.modseq)
            plan.take_in(item, lets_others_in)
    end = plan.state.position
    if may_be_cut_short(scans, head, boot) or (
        head is not None and end[:2] < head.position[:2]
    ):
        plan.miss(lets_others_in)
    plan.finish()
    return plan
