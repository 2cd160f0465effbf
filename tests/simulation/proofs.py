"""The claims about the product that are tried on every schedule and crash.

Each is a function that raises where the claim does not hold and returns what
was looked at; `mutants` runs the same ones on a product with mistakes.
"""

import errno
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from imapbox.disk.filesystem import Mode
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.snapshot_writer import SnapshotWriter
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from imapbox.store.create import create_account
from tests.simulation.crash import Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer, Report
from tests.simulation.fault import SYNCS, WRITES, Fault
from tests.simulation.ledger import (
    Ledger,
    Work,
    check_end_of_log,
    check_recovery,
    everything,
    fail_at,
    is_damaged,
    live_again,
    saved,
    short,
)
from tests.simulation.mailbox import (
    ALICE,
    ONE_MORE,
    Account,
    Session,
    account_on,
    create_and_say_so,
    deliver,
    deliverer,
    empty_store,
    new_store,
    open_account,
    reader,
    saver,
    settings_of,
)
from tests.simulation.transfers import check as check_transfer
from tests.simulation.transfers import crashes as every_transfer

CHECKER: Final = 80


def processes(
    noops: int, deliveries: Sequence[int], *, kills: int = 0, **settings: Any
) -> Explorer:
    """Return sessions and deliverers on one mailbox, ready to be explored.

    Args:
        noops: How many NOOPs a session sends; 0: there is none.
        deliveries: How many messages each deliverer delivers.
        kills: How many of them may die.
        settings: Of the engine.
    """
    disk = new_store()
    makers = []
    if noops:
        makers.append(partial(reader, account_on(disk, 1, **settings), noops))
    for number, count in enumerate(deliveries, start=2):
        account = account_on(disk, number, **settings)
        messages = [f"{number}.{n}".encode() * 20 for n in range(count)]
        makers.append(partial(deliverer, account, *messages))
    return Explorer(disk, makers, check_mailbox, kills=kills)


def check_mailbox(disk: SimulatedDisk, ends: list[Any]) -> None:
    """In the end everything acknowledged is there, each UID once."""
    process = disk.copy().process(CHECKER)
    account: Account = run(open_account(settings_of(process)), process)
    session = Session(account)
    run(session.open(), process)
    found = run(session.snapshot(), process)
    uids = [message.uid for message in found.messages]
    assert len(set(disk.acknowledged)) == len(disk.acknowledged), "a UID given twice"
    assert set(disk.acknowledged) <= set(uids), "an acknowledged message is gone"
    begun = sum(end is None for end in ends)
    assert len(uids) <= len(disk.acknowledged) + begun, "a message appeared"
    assert found.uidnext > max(uids, default=0)
    check_end_of_log(process.disk, account)


def noop_and_delivery() -> Report:
    """A reader and a deliverer, every schedule."""
    return processes(2, [2]).exhaust()


def noop_and_one_delivery() -> Report:
    """A reader and a deliverer of one message, every schedule."""
    return processes(2, [1]).exhaust()


def noop_with_few_preemptions() -> Report:
    """A reader and a deliverer, the simplest schedules first."""
    for preemptions in range(3):
        processes(2, [2]).exhaust(preemptions=preemptions)
    return noop_and_delivery()


def two_writers() -> Report:
    """Two deliverers, every schedule."""
    return processes(0, [1, 1]).exhaust()


def two_writers_one_dies() -> Report:
    """Two deliverers, every schedule, and either may die anywhere."""
    return processes(0, [1, 1], kills=1).exhaust()


def two_writers_rotate() -> Report:
    """Two deliverers into segments that are full at once."""
    return processes(0, [1, 1], segment_limit=200).exhaust()


def noop_across_rotation() -> Report:
    """A reader, and a deliverer who begins a new segment."""
    return processes(2, [1], segment_limit=200).exhaust()


def three_processes(preemptions: int = 3) -> Report:
    """A reader and two deliverers, few preemptions."""
    return processes(2, [1, 1]).exhaust(preemptions=preemptions)


def three_processes_two_preemptions() -> Report:
    """The same with fewer."""
    return three_processes(2)


def random_schedules(count: int, seed: int) -> Report:
    """A reader and two deliverers, at random."""
    return processes(2, [1, 1]).sample(count, seed)


def noop_and_snapshots(preemptions: int = 2) -> Report:
    """A session, a deliverer into full segments, and a maker of snapshots."""
    disk = new_store()
    accounts = [account_on(disk, pid, segment_limit=200) for pid in (1, 2, 3)]
    makers = [
        partial(reader, accounts[0], 1),
        partial(deliverer, accounts[1], b"one" * 20),
        partial(saver, accounts[2], 1),
    ]
    explorer = Explorer(disk, makers, check_mailbox)
    return explorer.exhaust(preemptions=preemptions)


def random_snapshots(count: int, seed: int) -> Report:
    """Two makers of snapshots, a deliverer and a session, at random."""
    disk = new_store()
    accounts = [account_on(disk, pid, segment_limit=200) for pid in (1, 2, 3, 4)]
    makers = [
        partial(reader, accounts[0], 2),
        partial(deliverer, accounts[1], b"one" * 20, b"two" * 20),
        partial(saver, accounts[2], 2),
        partial(saver, accounts[3], 2),
    ]
    return Explorer(disk, makers, check_mailbox).sample(count, seed)


def saved_while_it_changes() -> int:
    """A snapshot is of one moment, whatever happens while it is made."""
    kinds = ("store", "keyword", "expunge", "deliver")
    looked_at = 0
    for first, second in itertools.product(kinds, kinds):
        for when in range(0, 24, 3):
            work = Work(new_store(), Ledger())
            work.deliver(b"a", b"b", b"c", b"d")
            work.store({2, 3}, Flag.DELETED, "One")
            mailbox = work.session.state.freeze()
            writer = SnapshotWriter(work.account.directory, mailbox, spell=1)
            change(work, first)
            for spell in itertools.count():
                if spell == when:
                    change(work, second)
                if work.run(writer.go_on()):
                    break
            opened = Session(work.account)
            work.run(opened.open())
            assert opened.state.source is not None, "it is not used"
            assert work.run(opened.snapshot()) == work.ledger.now
            assert history(opened.state) == history(work.session.state)
            looked_at += 1
    return looked_at


def change(work: Work, kind: str) -> None:
    """Change the mailbox in some way."""
    if kind == "store":
        work.store({1, 4}, Flag.SEEN | Flag.DELETED)
    elif kind == "keyword":
        work.store({3}, Flag.FLAGGED, "Two", "Three")
    elif kind == "expunge":
        work.expunge()
    else:
        work.deliver(b"more")


def history(state: MailboxState) -> object:
    """Return what is remembered of messages that are gone, and the keywords."""
    return (
        state.vanished.floor,
        state.vanished.now.tolist(),
        state.graves.now.tolist(),
        state.facts.keywords,
    )


def logs_in_the_place_of_others() -> int:
    """A snapshot of another log is not used, however alike the two are."""
    looked_at = 0
    for behind in range(3):
        work = Work(new_store(), Ledger())
        work.deliver(b"the same")
        before = work.disk.copy()
        work.deliver(b"one that is lost")
        work.save()
        inbox = work.account.directory
        lost = {
            path.rpartition("/")[2]: work.disk.content(path)
            for path in work.disk.names
            if path.startswith(f"{inbox}/snap.")
        }
        # Restored from a copy, but for the snapshots; then it went on.
        again = Work(before, Ledger())
        again.deliver(b"another one here")
        for number in range(behind):
            again.deliver(b"and more %d" % number)
        for name, data in lost.items():
            process = again.process
            fd = process.open(f"{inbox}/{name}", Mode.CREATE)
            process.pwrite(fd, data, 0)
            process.close(fd)
        opened = Session(again.account)
        again.run(opened.open())
        assert again.run(opened.snapshot()) == again.ledger.now
        looked_at += 1
    return looked_at


class CrashReport(NamedTuple):
    """How many crashes were looked at.

    Attributes:
        images: Different disks.
        crashes: Disks, with what had been promised and what else could be lost.
        faults: Places where a call failed.
    """

    images: int
    crashes: int
    faults: int = 0

    def __str__(self) -> str:
        return f"{self.crashes} crashes, {self.images} images, {self.faults} faults"


def crashes() -> CrashReport:
    """Everything, killed and powered off at every call."""
    ledger = Ledger()
    found = Crashes(new_store(), lambda disk: everything(Work(disk, ledger)))
    count = 0
    for count, crash in enumerate(found, start=1):
        allowed = ledger.may_be(crash.acknowledged)
        check_recovery(crash, allowed, reads=count % 2 == 0)
    return CrashReport(found.images, count)


def crashes_with_snapshots() -> CrashReport:
    """Kills and power losses at each call, also of a snapshot's making."""
    ledger = Ledger()
    images = Crashes(
        new_store(),
        lambda disk: saved(Work(disk, ledger)),
        every_subset_up_to=2,
        random_subsets=1,
    )
    count = 0
    for crash in images:
        count += 1
        allowed = ledger.may_be(crash.acknowledged)
        check_recovery(crash, allowed, reads=count % 2 == 0)
    return CrashReport(images.images, count)


def second_crashes(share: float = 0.002) -> CrashReport:
    """A second crash inside the recovery from one.

    Args:
        share: Of the first crashes that are power losses, how many are taken.
            Of kills, of which there are few, twenty times as many are.
    """
    chance = random.Random(0)
    return _second_crashes(
        lambda kind: chance.random() < share * (20 if kind == "kill" else 1),
        delivers=True,
    )


def second_crashes_behind_kills() -> CrashReport:
    """A second crash inside the recovery from each kill, before all else."""
    return _second_crashes(lambda kind: kind == "kill", delivers=False)


def _second_crashes(wanted: Callable[[str], bool], *, delivers: bool) -> CrashReport:
    ledger = Ledger()
    life = partial(live_again, ledger=ledger, delivers=delivers)
    seen: set[bytes] = set()
    count = 0
    for crash in Crashes(new_store(), lambda disk: short(Work(disk, ledger))):
        if not wanted(crash.kind):
            continue
        second = Crashes(
            crash.disk, life, seen=seen, every_subset_up_to=5, random_subsets=8
        )
        for again in second:
            count += 1
            allowed = ledger.may_be(again.acknowledged)
            check_recovery(again, allowed, reads=count % 2 == 0)
    return CrashReport(len(seen), count)


def errors_at(methods: frozenset[str], error: int, **how: Any) -> CrashReport:
    """One call fails, at each place in turn, and then there are crashes."""
    seen: set[bytes] = set()
    count = 0
    for number in itertools.count(1):
        fault = Fault(methods, number, error, **how)
        ledger = Ledger()
        workload = fail_at(fault, short, ledger)
        images = Crashes(
            new_store(), workload, seen=seen, every_subset_up_to=7, random_subsets=50
        )
        for crash in images:
            count += 1
            allowed = ledger.may_be(crash.acknowledged)
            check_recovery(crash, allowed, reads=count % 2 == 0)
        if not fault.fired:
            return CrashReport(len(seen), count, number - 1)
    raise AssertionError("never reached")


def failed_syncs() -> CrashReport:
    """EIO at each sync."""
    return errors_at(SYNCS, errno.EIO)


def failed_syncs_and_kills() -> CrashReport:
    """EIO at a sync, killed before anybody wrote that down, then power loss."""
    seen: set[bytes] = set()
    count = 0
    for number in itertools.count(1):
        fault = Fault(SYNCS, number, errno.EIO)
        ledger = Ledger()
        life = partial(live_again, ledger=ledger)
        for crash in Crashes(new_store(), fail_at(fault, short, ledger), ("kill",)):
            if not _is_unnoticed(crash.disk):
                continue
            for again in Crashes(crash.disk, life, seen=seen):
                count += 1
                allowed = ledger.may_be(again.acknowledged)
                check_recovery(again, allowed, reads=count % 2 == 0)
        if not fault.fired:
            return CrashReport(len(seen), count, number - 1)
    raise AssertionError("never reached")


def _is_unnoticed(disk: SimulatedDisk) -> bool:
    failed = any(entry[0].startswith("badsync") for entry in disk.journal or ())
    return failed and not is_damaged(disk)


def creations() -> CrashReport:
    """A new account is there for good once that was said, or can be made."""
    found = Crashes(empty_store(), create_and_say_so)
    count = 0
    for crash in found:
        count += 1
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
    return CrashReport(found.images, count)


def transfers() -> CrashReport:
    """COPY and MOVE, killed and powered off at every call."""
    found = every_transfer()
    count = 0
    for crash in found:
        count += 1
        check_transfer(crash)
    return CrashReport(found.images, count)


def failed_writes() -> CrashReport:
    """EIO at each write to a log, half of it taken."""
    return errors_at(WRITES, errno.EIO, short=True, where=is_no_head)


def failed_heads() -> CrashReport:
    """EIO at each write to a head."""
    return errors_at(WRITES, errno.EIO, where=is_head)


def full_disks() -> CrashReport:
    """ENOSPC at each write; then there is room again."""
    return errors_at(WRITES, errno.ENOSPC, where=is_no_head)


def full_disks_behind_half() -> CrashReport:
    """ENOSPC at each write, half of it taken first."""
    return errors_at(WRITES, errno.ENOSPC, short=True, where=is_no_head)


def full_disks_at_the_head() -> CrashReport:
    """ENOSPC where a head is written over, as where blocks are copied."""
    return errors_at(WRITES, errno.ENOSPC, where=is_head)


def is_head(path: str) -> bool:
    """Say whether it is a file that is only written over."""
    return path.endswith("/head")


def is_no_head(path: str) -> bool:
    """Say whether it is not."""
    return not is_head(path)


def full_disks_that_copy() -> CrashReport:
    """ENOSPC at each write and all that follow, as where blocks are copied."""
    return errors_at(WRITES, errno.ENOSPC, short=True, stays=True, where=is_log)


def is_log(path: str) -> bool:
    """Say whether it is a segment."""
    return "/log." in path


def disks_that_stay_full() -> CrashReport:
    """ENOSPC at each write, and from then on whenever a file would grow."""
    return errors_at(WRITES, errno.ENOSPC, short=True, full=True, where=is_no_head)
