"""The claims about crashes and errors, tried at every call.

Like `proofs`: functions that raise where a claim does not hold.
"""

import errno
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from imapbox.model.names import INBOX
from imapbox.store.create import create_account
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.fault import OPENINGS, SYNCS, UNOPENED, WRITES, Fault
from tests.simulation.ledger import (
    Ledger,
    Work,
    check_recovery,
    everything,
    fail_at,
    is_damaged,
    live_again,
    read_all,
    saved,
    short,
)
from tests.simulation.mailbox import (
    ALICE,
    ONE_MORE,
    Session,
    create_and_say_so,
    deliver,
    empty_store,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.proofs import CHECKER, check_mailbox
from tests.simulation.report import CrashReport
from tests.simulation.walk import walk, walk_errors


def of_everything(share: float = 1.0) -> CrashReport:
    """Everything, killed and powered off at every call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    return _crashes_of(everything, share)


def of_the_short(share: float = 1.0) -> CrashReport:
    """Less of it."""
    return _crashes_of(short, share, every_subset_up_to=5, random_subsets=8)


def with_snapshots(share: float = 1.0) -> CrashReport:
    """Kills and power losses at each call, also of a snapshot's making."""
    return _crashes_of(saved, share, every_subset_up_to=2, random_subsets=1)


def _crashes_of(
    work: Callable[[Work], None], share: float = 1.0, **subsets: int
) -> CrashReport:
    ledger = Ledger()
    found = Crashes(new_store(), lambda disk: work(Work(disk, ledger)), **subsets)
    return walk(found, _recovers(ledger), share)


def _recovers(ledger: Ledger) -> Callable[[Crash], None]:
    """Return what sees that a crash is survived; every other time it reads first."""
    turns = itertools.cycle((False, True))

    def check(crash: Crash) -> None:
        check_recovery(crash, ledger.may_be(crash.acknowledged), reads=next(turns))

    return check


def second_crashes(share: float = 0.002, of_second: float = 1.0) -> CrashReport:
    """A second crash inside the recovery from one.

    Args:
        share: Of the first crashes that are power losses, how many are taken.
            Of kills, of which there are few, twenty times as many are.
        of_second: Of the second ones that are power losses, how many are taken.
    """
    chance = random.Random(0)
    return _second_crashes(
        lambda kind: chance.random() < share * (20 if kind == "kill" else 1),
        delivers=True,
        share=of_second,
    )


def second_crashes_behind_kills() -> CrashReport:
    """A second crash inside the recovery from each kill, before all else."""
    return _second_crashes(lambda kind: kind == "kill", delivers=False)


def _second_crashes(
    wanted: Callable[[str], bool], *, delivers: bool, share: float = 1.0
) -> CrashReport:
    ledger = Ledger()
    life = partial(live_again, ledger=ledger, delivers=delivers)
    check = _recovers(ledger)
    seen: set[bytes] = set()
    count = 0
    for crash in Crashes(new_store(), lambda disk: short(Work(disk, ledger))):
        if wanted(crash.kind):
            second = Crashes(
                crash.disk, life, seen=seen, every_subset_up_to=5, random_subsets=8
            )
            count += walk(second, check, share).crashes
    return CrashReport(len(seen), count)


def errors_at(fault: Fault, share: float = 1.0) -> CrashReport:
    """One call fails, at each place in turn, and then there are crashes.

    Args:
        fault: How it fails.
        share: Of the disks that a power loss may leave, how many are tried.
    """
    seen: set[bytes] = set()
    count = 0

    def attempt(fault: Fault) -> None:
        nonlocal count
        ledger = Ledger()
        workload = fail_at(fault, short, ledger)
        images = Crashes(
            new_store(), workload, seen=seen, every_subset_up_to=7, random_subsets=50
        )
        count += walk(images, _recovers(ledger), share).crashes

    places = walk_errors(attempt, [fault])
    return CrashReport(len(seen), count, places)


def failed_syncs(share: float = 1.0) -> CrashReport:
    """EIO at each sync."""
    return errors_at(Fault(SYNCS, 1, errno.EIO), share)


def failed_syncs_and_kills(share: float = 1.0) -> CrashReport:
    """EIO at a sync, killed before anybody wrote that down, then power loss."""
    seen: set[bytes] = set()
    count = 0

    def attempt(fault: Fault) -> None:
        nonlocal count
        ledger = Ledger()
        life = partial(live_again, ledger=ledger)
        for crash in Crashes(new_store(), fail_at(fault, short, ledger), ("kill",)):
            if _is_unnoticed(crash.disk):
                again = Crashes(crash.disk, life, seen=seen)
                count += walk(again, _recovers(ledger), share).crashes

    places = walk_errors(attempt, [Fault(SYNCS, 1, errno.EIO)])
    return CrashReport(len(seen), count, places)


def _is_unnoticed(disk: SimulatedDisk) -> bool:
    failed = any(entry[0].startswith("badsync") for entry in disk.journal or ())
    return failed and not is_damaged(disk)


def failed_writes(share: float = 1.0) -> CrashReport:
    """EIO at each write to a log, half of it taken."""
    fault = Fault(WRITES, 1, errno.EIO, short=True, where=is_no_head)
    return errors_at(fault, share)


def failed_heads(share: float = 1.0) -> CrashReport:
    """EIO at each write to a head."""
    return errors_at(Fault(WRITES, 1, errno.EIO, where=is_head), share)


def full_disks(share: float = 1.0) -> CrashReport:
    """ENOSPC at each write; then there is room again."""
    fault = Fault(WRITES, 1, errno.ENOSPC, where=is_no_head)
    return errors_at(fault, share)


def full_disks_behind_half(share: float = 1.0) -> CrashReport:
    """ENOSPC at each write, half of it taken first."""
    fault = Fault(WRITES, 1, errno.ENOSPC, short=True, where=is_no_head)
    return errors_at(fault, share)


def full_disks_at_the_head(share: float = 1.0) -> CrashReport:
    """ENOSPC where a head is written over, as where blocks are copied."""
    return errors_at(Fault(WRITES, 1, errno.ENOSPC, where=is_head), share)


def full_disks_that_copy(share: float = 1.0) -> CrashReport:
    """ENOSPC at each write and all that follow, as where blocks are copied."""
    fault = Fault(WRITES, 1, errno.ENOSPC, short=True, stays=True, where=is_log)
    return errors_at(fault, share)


def disks_that_stay_full(share: float = 1.0) -> CrashReport:
    """ENOSPC at each write, and from then on whenever a file would grow."""
    fault = Fault(WRITES, 1, errno.ENOSPC, short=True, full=True, where=is_no_head)
    return errors_at(fault, share)


def unopened_snapshots() -> CrashReport:
    """Nothing can be opened at one moment, each in turn, while a snapshot is made."""
    faults = [Fault(OPENINGS, 1, error) for error in UNOPENED]
    return CrashReport(0, 0, walk_errors(_save_with, faults))


def _save_with(fault: Fault) -> None:
    disk, ledger = new_store(), Ledger()
    work = Work(disk, ledger)
    short(work)
    for faults in ((fault,), ()):
        disk.faults = faults
        work.save()
        disk.faults = ()
        assert not is_damaged(disk), "a sound mailbox was marked damaged"
        assert read_all(disk.process(40), work.account) == ledger.now
    work.deliver(b"afterwards")


def is_head(path: str) -> bool:
    """Say whether it is a file that is only written over."""
    return path.endswith("/head")


def is_no_head(path: str) -> bool:
    """Say whether it is not."""
    return not is_head(path)


def is_log(path: str) -> bool:
    """Say whether it is a segment."""
    return "/log." in path


def of_an_account_in_the_making(share: float = 1.0) -> CrashReport:
    """A new account is there for good once that was said, or can be made.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    return walk(Crashes(empty_store(), create_and_say_so), _check_account, share)


def _check_account(crash: Crash) -> None:
    process = crash.disk.process(CHECKER)
    settings = settings_of(process)
    is_new = run(create_account(ALICE, settings, ONE_MORE), process)
    assert not (is_new and crash.acknowledged), "an account is gone"
    account = run(open_account(settings), process)
    assert crash.acknowledged in {(), (frozenset(account.state.mailboxes),)}
    for name in (INBOX, *ONE_MORE):
        run(Session(replace(account, name=name)).open(), process)
    crash.disk.acknowledged = (run(deliver(account, b"first"), process),)
    check_mailbox(process.disk, [])
