"""The claims about compaction, tried on every crash and on many schedules.

Like `proofs`: functions that raise where a claim does not hold.
"""

import errno
import itertools
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.index.body import Span, read_bodies
from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.checked_log import Severity
from imapbox.index.segment import segment_numbers
from imapbox.model.errors import DiskFull, MailboxDamaged
from imapbox.model.flags import Flag
from tests.simulation.checking import checker
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import FAILURES, OPENINGS, UNOPENED, Fault
from tests.simulation.ledger import (
    Ledger,
    Work,
    check_recovery,
    is_damaged,
    read_all,
)
from tests.simulation.mailbox import (
    Account,
    Session,
    Snapshot,
    account_on,
    acknowledge,
    acknowledged,
    compacted,
    deliverer,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.proofs import CHECKER
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors

LIMIT: Final = 12_000
LATER: Final = 25 * 3600.0
DEAD: Final = b"dead" * 2_300  # a whole block of it can be given back
LIVES: Final = b"lives" * 100
FLAGGED: Final = "flagged"
ERRORS: Final = (
    *FAILURES,
    Fault(frozenset({"punch"}), 1, errno.EIO),
    Fault(frozenset({"unlink"}), 1, errno.EIO),
)


def aged_store() -> tuple[SimulatedDisk, Ledger]:
    """Return a disk with a mailbox that is worth a compaction.

    It has segments of which little lives, and a day went by since they were
    left. What was done last is synced, but for the head.
    """
    disk, ledger = new_store(), Ledger()
    work = Work(disk, ledger, segment_limit=LIMIT)
    work.deliver(LIVES + b"1", DEAD)
    work.deliver(DEAD)
    disk.settle()
    work.deliver(LIVES + b"2", DEAD)
    work.deliver(DEAD)
    work.deliver(LIVES * 40)  # a segment that is worth to be kept
    work.deliver(b"last", DEAD)
    work.store({1}, Flag.FLAGGED, "Important")
    work.store({2, 3, 5, 6, 9}, Flag.DELETED)
    work.expunge()
    disk.advance_clock(LATER)
    disk.kill(work.process.pid)
    return disk, ledger


def days_of_compaction(work: Work) -> None:
    """Compact, go on, and compact again when what was left is out of grace."""
    work.compact(least=2**20)
    work.store({1}, Flag.SEEN)
    work.disk.advance_clock(LATER)
    work.compact()
    work.deliver(b"the day after")


def crashes(share: float = 0.4) -> CrashReport:
    """Compactions, killed and powered off at every call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk, ledger = aged_store()
    turns = itertools.count(1)

    def check(crash: Crash) -> None:
        turn = next(turns)
        if turn % 4 == 1:
            check_leaves_nothing_worse_than_notes(crash)
        check_recovery(crash, ledger.may_be(crash.acknowledged), reads=turn % 2 == 0)
        if turn % 8 == 0:
            check_compaction_goes_on(crash)

    return walk(_crashes_of_compaction(disk, ledger), check, share)


def _crashes_of_compaction(disk: SimulatedDisk, ledger: Ledger) -> Crashes:
    return Crashes(
        disk,
        lambda disk: days_of_compaction(Work(disk, ledger, pid=2, segment_limit=LIMIT)),
        every_subset_up_to=4,
        random_subsets=6,
    )


def compact_again(disk: SimulatedDisk, ledger: Ledger) -> None:
    """Be the workload behind a crash: read, and end what was begun.

    What a client was shown must stay, as if it had been acknowledged.
    """
    process = disk.process(60)
    settings = settings_of(process, segment_limit=LIMIT)
    account: Account = run(open_account(settings), process)
    (_, number) = disk.acknowledged[-1] if disk.acknowledged else ("", 0)
    page = read_all(process, account)
    disk.acknowledge(("shown", number, ledger.pages[number].index(page)))
    for _ in range(2):
        disk.advance_clock(LATER)
        run(compacted(account), process)
    assert read_all(process, account) == page, "compaction changed something"


def second_crashes(share: float = 0.012, of_second: float = 0.15) -> CrashReport:
    """A second crash inside the compaction that follows a crash of one.

    Args:
        share: Of the first crashes that are power losses, how many are taken;
            of kills, of which there are few, ten times as many.
        of_second: Of the second ones, at two places in a hundred, how many.
    """
    disk, ledger = aged_store()
    chance, again_chance = random.Random(0), random.Random(1)
    seen: set[bytes] = set()
    count = 0
    for crash in _crashes_of_compaction(disk, ledger):
        if chance.random() >= share * (10 if crash.kind == "kill" else 1):
            continue
        behind = Crashes(
            crash.disk,
            partial(compact_again, ledger=ledger),
            seen=seen,
            every_subset_up_to=2,
            random_subsets=3,
            wanted=lambda _point: again_chance.random() < 0.02,
        )
        for again in behind:
            if again_chance.random() >= of_second:
                continue
            count += 1
            allowed = ledger.may_be(again.acknowledged)
            check_recovery(again, allowed, reads=count % 2 == 0)
            if count % 16 == 0:
                check_compaction_goes_on(again)
    return CrashReport(len(seen), count)


def errors(step: int = 1) -> CrashReport:
    """EIO at each sync and each hole, ENOSPC at each write, while it compacts.

    Args:
        step: Only each so-many-th is tried.
    """
    return CrashReport(0, 0, walk_errors(_compact_with, ERRORS, step=step))


def unopened(step: int = 1, errors: Sequence[int] = UNOPENED) -> CrashReport:
    """Nothing can be opened at one moment, each in turn: that is no damage.

    Args:
        step: Only each so-many-th is tried.
        errors: Why.
    """
    faults = [Fault(OPENINGS, 1, error) for error in errors]
    return CrashReport(0, 0, walk_errors(_compact_with, faults, step=step))


def _compact_with(fault: Fault) -> None:
    """Compact; whatever fails, all is there, and a sound mailbox goes on."""
    disk, ledger = aged_store()
    work = Work(disk, ledger, pid=2, segment_limit=LIMIT)
    disk.faults = (fault,)
    try:
        for _ in range(2):
            work.compact()
            disk.advance_clock(LATER)
    except (MailboxDamaged, DiskFull, OSError):
        pass
    finally:
        disk.faults = ()
    assert read_all(disk.process(40), work.account) == ledger.now
    assert not (fault.methods == OPENINGS and is_damaged(disk)), "it is sound"
    if not is_damaged(disk):
        again = Work(disk, ledger, pid=3, segment_limit=LIMIT)
        again.deliver(b"afterwards")
        disk.advance_clock(LATER)
        again.compact()
        run(checker(again.account), again.process)


def check_compaction_goes_on(crash: Crash) -> None:
    """Behind a crash a compaction ends what was begun, and changes nothing."""
    disk = crash.disk
    process = disk.process(70)
    account: Account = run(open_account(settings_of(process)), process)
    before = read_all(process, account)
    for _ in range(2):
        disk.advance_clock(LATER)
        run(compacted(account), process)
        assert read_all(process, account) == before, "compaction changed something"
        run(checker(account), process)
    check_no_gap(disk, account)
    process.unlink(f"{account.directory}/head")
    assert read_all(process, account) == before, "it can't be rebuilt"


def check_leaves_nothing_worse_than_notes(crash: Crash) -> None:
    """What a crash leaves is not damage."""
    process = crash.disk.copy().process(72)
    account: Account = run(open_account(settings_of(process)), process)
    process = crash.disk.copy().process(73)
    found = run(check_log(account.directory, MailboxAudit, OWNER), process).findings
    worst = [each for each in found if each.severity is not Severity.NOTE]
    assert not worst, f"a crash is taken for damage: {worst}"


def check_no_gap(disk: SimulatedDisk, account: Account) -> None:
    """No segment is missing between two others."""
    names = disk.process(71).list_directory(account.directory)
    numbers = segment_numbers(names)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "a segment is left over"


_at_once = partial(compacted, grace=0.0, least=2**20)


def beside_a_delivery(preemptions: int = 2) -> Report:
    """A compaction and a deliverer, few preemptions."""
    return _beside(lambda account: deliverer(account, b"new" * 20), preemptions)


def beside_a_flagger(preemptions: int = 2) -> Report:
    """A compaction and a session that flags a message."""
    return _beside(_flagger, preemptions)


def beside_a_reader(preemptions: int = 2) -> Report:
    """A compaction and a session that reads bodies where they lay."""
    return _beside(_body_reader, preemptions)


def beside_a_late_reader(preemptions: int = 1) -> Report:
    """A compaction that removes segments, and a session that opens the log."""
    return _explorer(_opener, is_late=True).exhaust(preemptions=preemptions)


def beside_an_opener_without_grace(preemptions: int = 1) -> Report:
    """A compaction that leaves nothing for a grace time, and who opens the log."""
    return _explorer(_counter, compact=_at_once).exhaust(preemptions=preemptions)


def a_check_beside_a_compaction(preemptions: int = 1) -> Report:
    """A check of a log whose oldest segments are being removed."""
    return _explorer(checker, is_late=True).exhaust(preemptions=preemptions)


def a_check_beside_a_compaction_without_grace(preemptions: int = 1) -> Report:
    """A check of a log of which nothing is left but a new segment."""
    return _explorer(checker, compact=_at_once).exhaust(preemptions=preemptions)


def two_compactions(preemptions: int = 2) -> Report:
    """Two compactions at once."""
    return _beside(compacted, preemptions)


def beside_a_reader_and_a_delivery(preemptions: int = 1) -> Report:
    """A compaction, a reader and a deliverer at once."""
    return _beside(
        _body_reader, preemptions, lambda account: deliverer(account, b"new")
    )


def random_schedules(count: int, seed: int) -> Report:
    """All four at once, at random."""
    explorer = _explorer(
        _body_reader, _flagger, lambda account: deliverer(account, b"new")
    )
    return explorer.sample(count, seed)


def three_at_random(count: int, seed: int) -> Report:
    """A compaction, a deliverer who rotates and a session; one of them may die.

    The session's NOOPs must tell of each delivery that was answered before.
    """
    disk, ledger = aged_store()
    disk.acknowledged = ()
    accounts = [account_on(disk, pid, segment_limit=LIMIT) for pid in (1, 2, 3)]
    makers = [
        partial(compacted, accounts[0]),
        partial(deliverer, accounts[1], b"new" * 20, b"fills it" * 1_600, b"next"),
        partial(_noops, accounts[2], 3, len(ledger.now.messages)),
    ]
    check = partial(_check_end, before=ledger.now)
    return Explorer(disk, makers, check, kills=1).sample(count, seed)


def _beside(
    other: Callable[[Account], Steps[Any]],
    preemptions: int,
    *more: Callable[[Account], Steps[Any]],
) -> Report:
    return _explorer(other, *more).exhaust(preemptions=preemptions)


def _explorer(
    *others: Callable[[Account], Steps[Any]],
    is_late: bool = False,
    compact: Callable[[Account], Steps[Any]] = compacted,
) -> Explorer:
    disk, ledger = aged_store()
    if is_late:
        work = Work(disk, ledger, pid=9)
        work.compact()
        disk.advance_clock(LATER)
        disk.kill(9)
    disk.acknowledged = ()
    makers = [
        partial(maker, account_on(disk, pid, segment_limit=LIMIT))
        for pid, maker in enumerate((compact, *others), start=1)
    ]
    return Explorer(disk, makers, partial(_check_end, before=ledger.now))


def _flagger(account: Account) -> Steps[None]:
    """Flag the first message."""
    session = Session(account)
    yield from session.open()
    yield from session.store({1}, Flag.SEEN, "Later")
    yield from acknowledge(FLAGGED)


def _noops(account: Account, count: int, before: int) -> Steps[None]:
    """Send some NOOPs; each tells of all that was answered before it. P4."""
    session = Session(account)
    yield from session.open()
    for _ in range(count):
        promised = yield from acknowledged()
        yield from session.sync()
        assert session.exists >= before + len(promised), "a NOOP missed a delivery"
    yield from session.close()


def _opener(account: Account) -> Steps[None]:
    """Open the mailbox, and read all."""
    session = Session(account)
    yield from session.open()
    assert not session.damaged, "a sound mailbox was marked damaged"
    yield from session.snapshot()


def _counter(account: Account) -> Steps[None]:
    """Open the mailbox, and count the messages."""
    session = Session(account)
    yield from session.open()
    assert not session.damaged, "a sound mailbox was marked damaged"
    assert session.exists == session.state.counts.exists, "messages are missing"
    yield from session.close()


def _body_reader(account: Account) -> Steps[None]:
    """Read bodies where they lay at first; then look again, and read them all."""
    session = Session(account)
    yield from session.open()
    columns = session.state.columns
    places = [columns.place(row) for row in columns.alive_rows().tolist()]
    spans = [Span(place, 0, place.size) for place in places]
    bodies = yield from read_bodies(account.directory, spans)
    assert None not in bodies, "a body is gone while it is in grace"
    yield from session.sync()
    found = yield from session.snapshot()
    assert [message.body for message in found.messages][: len(bodies)] == bodies


def _check_end(disk: SimulatedDisk, ends: list[Any], *, before: Snapshot) -> None:
    """In the end all is there, also for who reads what compaction has left."""
    del ends
    disk = disk.copy()
    process = disk.process(CHECKER)
    account: Account = run(open_account(settings_of(process)), process)
    found = read_all(process, account)
    now = {message.uid: message for message in found.messages}
    for message in before.messages:
        assert now[message.uid].body == message.body
    for promised in disk.acknowledged:
        if promised == FLAGGED:
            assert now[1].flags & Flag.SEEN, "a flag is gone"
        else:
            assert promised in now, "a message is gone"
    for _ in range(2):
        disk.advance_clock(LATER)
        run(compacted(account), process)
        process.unlink(f"{account.directory}/head")
        assert read_all(process, account) == found, "compaction changed something"
