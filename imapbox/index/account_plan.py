"""What is left of an account whose log is broken."""

from dataclasses import dataclass, field

from imapbox.disk.steps import Steps
from imapbox.index.account_state import AccountState
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import Frame
from imapbox.index.head import NO_COUNTS, Head
from imapbox.index.mailbox_plan import next_number, scan_all
from imapbox.index.new_log import NewLog
from imapbox.index.segment_scan import Gap
from imapbox.model.numbers import ModSeq


@dataclass(slots=True)
class AccountPlan:
    """What an account will be.

    Attributes:
        number: Of the segment that will hold it.
        state: The tree.
        modseq: The highest that anything names.
    """

    number: int
    state: AccountState = field(default_factory=AccountState)
    modseq: ModSeq = field(default_factory=lambda: ModSeq(0))

    def log(self, time: int) -> NewLog:
        """Return the log that says so."""
        counts = NO_COUNTS._replace(modseq=ModSeq(self.modseq + 1))
        base = self.state.base(counts, time)
        features = self.state.features
        return NewLog(self.number, base, counts, time, features=features)


def plan_account(
    directory: str, names: list[str], head: Head | None
) -> Steps[AccountPlan]:
    """Read all that is left of an account's log. Nothing is written."""
    plan = AccountPlan(next_number(names, head))
    if head is not None:
        plan.modseq = head.counts.modseq
    for scan in (yield from scan_all(directory, names, head)):
        for item in scan.items:
            if isinstance(item, Gap):
                if item.facts is not None:
                    plan.modseq = max(plan.modseq, item.facts.counts.modseq)
                continue
            plan.modseq = max(plan.modseq, item.counts.modseq)
            plan.state = _after(plan.state, item)
    return plan


def _after(state: AccountState, frame: Frame) -> AccountState:
    """Return the tree behind a frame; one that does not fit is passed over."""
    after = state.copy()
    try:
        after.apply(frame)
    except (DamagedOperations, LookupError, ValueError):
        return state
    return after
