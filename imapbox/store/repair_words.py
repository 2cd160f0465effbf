"""What `imapbox repair` says of a log that is written anew."""

from imapbox.index.account_operations import Create
from imapbox.index.account_state import AccountState
from imapbox.index.mailbox_plan import MailboxPlan


def of_mailbox(mailbox: Create, plan: MailboxPlan, place: str) -> str:
    """Say what becomes of a mailbox, and where what was there is kept."""
    kept = len(plan.carried)
    parts = [f"{mailbox.name!r} is written anew: {kept} messages keep their UIDs"]
    if plan.lost:
        uids = ", ".join(map(str, plan.lost[:10]))
        more = ", ..." if len(plan.lost) > 10 else ""  # noqa: PLR2004 - as many as fit
        parts.append(f"{len(plan.lost)} are gone, with the UIDs {uids}{more}")
    if plan.missing:
        parts.append(f"at least {plan.missing} are gone of which nothing is left")
    if plan.strays:
        parts.append(
            f"{len(plan.strays)} without index may be another mailbox's, and are "
            f"below {place} as .eml"
        )
    if plan.foreign:
        parts.append(f"{plan.foreign} segments are another log's and are not read")
    if plan.unsure:
        parts.append("it gets a greater UIDVALIDITY, since UIDs may be lost")
    parts.append(f"what was there is kept in {place}")
    return "; ".join(parts)


def of_rights(state: AccountState, dropped: set[tuple[bytes, str]]) -> str:
    """Say which rights nobody has any more, since they may have been taken back."""
    names = {
        state.mailboxes[each].name for each, _ in dropped if each in state.mailboxes
    }
    where = ", ".join(map(repr, sorted(names)))
    return f"rights and URL keys may have been taken back, and are gone: of {where}"
