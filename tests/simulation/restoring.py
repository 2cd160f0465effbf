"""The claims about `imapbox restored`, tried on every crash and on schedules."""

from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from imapbox.disk.steps import Steps
from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.checked_log import Severity
from imapbox.index.new_uidvalidity import RESTORED
from imapbox.model.errors import MailError
from imapbox.model.names import INBOX, MailboxName
from imapbox.store.restored import RESTORING, begin_run, end_run, renew_mailboxes
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import Fault
from tests.simulation.ledger import check_end_of_log, is_damaged
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    Snapshot,
    account_on,
    acknowledge,
    deliver,
    deliverer,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors

TRASH: Final = MailboxName("Trash")
DONE: Final = "done"


class Mailboxes(NamedTuple):
    """All mailboxes, as clients see them, and what the account says of them.

    Attributes:
        seen: By name.
        given: UIDVALIDITY by name.
        runs: Which run gave each mailbox its UIDVALIDITY.
    """

    seen: dict[str, Snapshot]
    given: dict[str, int]
    runs: dict[str, bytes | None]


def restored_store() -> tuple[SimulatedDisk, Mailboxes]:
    """Return a store with two mailboxes, and what is in them."""
    disk = new_store(TRASH)
    account = account_on(disk, 70)
    process = disk.process(70)
    run(deliver(account, b"one" * 20), process)
    run(deliver(replace(account, name=TRASH), b"two" * 20), process)
    disk.kill(70)
    disk.settle()
    return disk, look(disk, 71)


def look(disk: SimulatedDisk, pid: int) -> Mailboxes:
    """Return what new sessions see."""
    process = disk.process(pid)
    account: Account = run(open_account(settings_of(process)), process)
    found = Mailboxes({}, {}, {})
    for name in (INBOX, TRASH):
        session = Session(replace(account, name=name))
        run(session.open(), process)
        found.seen[name] = run(session.snapshot(), process)
        found.given[name] = account.state.names[name].uidvalidity
        found.runs[name] = session.state.facts.meta.get(RESTORED)
        run(session.close(), process)
    return found


def renewal(account: Account) -> Steps[int]:
    """Do as the command does; return how many were given one."""
    name = yield from begin_run()
    done = yield from renew_mailboxes(ALICE, name, account.settings)
    assert not done.failed, f"for no reason: {done.failed}"
    yield from end_run()
    yield from acknowledge(DONE)
    return len(done.given)


def crashes(share: float = 1.0) -> CrashReport:
    """The command, killed and powered off at each call; then it is run again.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk, before = restored_store()

    def workload(disk: SimulatedDisk) -> None:
        run(renewal(account_on(disk, 1)), disk.process(1))

    found = Crashes(disk, workload, every_subset_up_to=5, random_subsets=10)
    return walk(found, partial(_check, before=before), share)


def errors() -> CrashReport:
    """A call that fails, each in turn; then it is done again, if it can be."""
    return CrashReport(0, 0, walk_errors(_renew_with))


def _renew_with(fault: Fault) -> None:
    disk, before = restored_store()
    disk.faults = (fault,)
    failed = 0
    try:
        name = run(begin_run(), disk.process(1))
        settings = settings_of(disk.process(1))
        failed = len(
            run(renew_mailboxes(ALICE, name, settings), disk.process(1)).failed
        )
    except (MailError, OSError):
        failed = 1
    finally:
        disk.faults = ()
    assert bool(failed) >= is_damaged(disk), "nobody was told"
    _check_messages(before, look(disk, 50), behind=not (failed or fault.fired))
    if not is_damaged(disk):
        run(renewal(account_on(disk, 51)), disk.process(51))
        _check_messages(before, look(disk, 52), behind=True)


def _check(crash: Crash, before: Mailboxes) -> None:
    disk = crash.disk
    between = look(disk, 50)
    _check_messages(before, between, behind=DONE in crash.acknowledged)
    is_begun = RESTORING in disk.names
    given: int = run(renewal(account_on(disk, 51)), disk.process(51))
    after = look(disk, 52)
    _check_messages(before, after, behind=True)
    for name in (INBOX, TRASH):
        seen = between.seen[name].uidvalidity, after.seen[name].uidvalidity
        if is_begun and between.runs[name] == after.runs[name]:
            assert seen[0] == seen[1], "a run gave a mailbox two"
            given += 1
        else:
            assert seen[0] < seen[1], "a UIDVALIDITY does not grow"
    assert given == len(after.given)
    assert RESTORING not in disk.names
    process = disk.process(53)
    account: Account = run(open_account(settings_of(process)), process)
    for name in (INBOX, TRASH):
        mailbox = replace(account, name=name)
        found = run(check_log(mailbox.directory, MailboxAudit, OWNER), process)
        worst = [each for each in found.findings if each.severity is not Severity.NOTE]
        assert not worst, f"the log is not sound: {worst}"
        run(deliver(mailbox, b"afterwards"), process)
        check_end_of_log(disk, mailbox)


def _check_messages(before: Mailboxes, now: Mailboxes, *, behind: bool) -> None:
    for name, seen in now.seen.items():
        old = before.seen[name]
        assert seen.messages == old.messages, "a message is not what it was"
        assert seen.uidnext == old.uidnext
        assert seen.uidvalidity <= now.given[name], "the account is behind"
        if behind:
            assert old.uidvalidity < seen.uidvalidity == now.given[name]
    assert len(set(now.given.values())) == len(now.given), "one is given twice"


def beside_a_delivery(preemptions: int) -> Report:
    """The command, and a deliverer."""
    return _explorer(partial(deliverer)).exhaust(preemptions=preemptions)


def _explorer(*others: Any) -> Explorer:
    disk, before = restored_store()
    disk.acknowledged = ()
    makers = [partial(renewal, account_on(disk, 1))]
    makers += [
        partial(other, account_on(disk, pid), b"new" * 20)
        for pid, other in enumerate(others, start=2)
    ]
    return Explorer(disk, makers, partial(_check_end, before=before))


def _check_end(disk: SimulatedDisk, ends: list[Any], *, before: Mailboxes) -> None:
    del ends
    now = look(disk.copy(), 80)
    uids = {message.uid for message in now.seen[INBOX].messages}
    assert set(disk.acknowledged) - {DONE} <= uids, "a message is gone"
    for name, seen in now.seen.items():
        assert before.seen[name].uidvalidity < seen.uidvalidity == now.given[name]
