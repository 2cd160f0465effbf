"""The claims about undo, tried on every crash and on many schedules."""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.index.commit import Log
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.undo import BroughtBack, undo
from imapbox.model.errors import DiskFull, MailboxDamaged, MailboxGone
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX, MailboxName
from tests.simulation.compaction import LATER
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import Fault
from tests.simulation.ledger import (
    SEGMENT_LIMIT,
    Ledger,
    Work,
    check_end_of_log,
    is_damaged,
    read_all,
)
from tests.simulation.mailbox import (
    Account,
    Message,
    account_on,
    acknowledge,
    acknowledged,
    compacted,
    deliver,
    deliverer,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.naming import DELETED, TRASH, deleter
from tests.simulation.proofs import CHECKER
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors

BACK: Final = "all are back"
LIVES: Final = b"lives" * 20
DEAD: Final = (b"one" * 100, b"two" * 900, b"three" * 100)
MARKS: Final = {
    LIVES: (0, frozenset[str]()),
    DEAD[0]: (int(Flag.SEEN), frozenset({"Important"})),
    DEAD[1]: (0, frozenset[str]()),
    DEAD[2]: (int(Flag.FLAGGED), frozenset[str]()),
}


def bereft_store(name: MailboxName = INBOX) -> SimulatedDisk:
    """Return a disk with a mailbox of which all but one message were expunged."""
    disk = new_store(*{name} - {INBOX})
    work = Work(disk, Ledger(), name=name)
    work.deliver(DEAD[0], LIVES)
    work.deliver(DEAD[1])
    work.deliver(DEAD[2])
    work.store({1}, Flag.SEEN, "Important")
    work.store({4}, Flag.FLAGGED)
    work.store({1, 3, 4}, Flag.DELETED)
    work.expunge()
    disk.kill(work.process.pid)
    disk.settle()
    disk.acknowledged = disk.promised_before = ()
    return disk


def undoing(account: Account) -> Steps[BroughtBack]:
    """Undo all, as the command does."""
    log = Log(account.directory, MailboxFacts)
    return undo(log, account.binding(), 1, account.settings)


def undoer(account: Account) -> Steps[None]:
    """Undo all, and say so."""
    done = yield from undoing(account)
    assert not done.lost, "what is in grace is lost"
    yield from acknowledge(BACK)


def crashes(share: float = 1.0) -> CrashReport:
    """An undo, killed and powered off at each call; then it is done again.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """

    def workload(disk: SimulatedDisk) -> None:
        account = account_on(disk, 1, segment_limit=SEGMENT_LIMIT)
        run(undoer(account), disk.process(1))

    found = Crashes(bereft_store(), workload, every_subset_up_to=6, random_subsets=20)
    return walk(found, _check, share)


def errors() -> CrashReport:
    """A call that fails, each in turn; then it is done again, if it can be."""
    return CrashReport(0, 0, walk_errors(_undo_with))


def _undo_with(fault: Fault) -> None:
    disk = bereft_store()
    account = account_on(disk, 1, segment_limit=SEGMENT_LIMIT)
    disk.faults = (fault,)
    try:
        run(undoing(account), disk.process(1))
    except (MailboxDamaged, DiskFull, OSError):
        pass
    finally:
        disk.faults = ()
    _check_messages(read_all(disk.process(40), account).messages, whole=False)
    if is_damaged(disk):
        return
    run(undoing(account), disk.process(41))
    _check_messages(read_all(disk.process(42), account).messages, whole=True)
    run(deliver(account, b"afterwards"), disk.process(43))
    check_end_of_log(disk, account)


def _check(crash: Crash) -> None:
    process = crash.disk.process(50)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    before = read_all(process, account)
    _check_messages(before.messages, whole=BACK in crash.acknowledged)
    done: BroughtBack = run(undoing(account), process)
    assert not done.lost, "what is in grace is lost"
    after = read_all(crash.disk.process(51), account)
    assert after.messages[: len(before.messages)] == before.messages
    _check_messages(after.messages, whole=True)
    assert run(undoing(account), process).now == []
    run(deliver(account, b"afterwards"), process)
    check_end_of_log(crash.disk, account)


def _check_messages(messages: tuple[Message, ...], *, whole: bool) -> None:
    """See that each is there at most once, as it was; all of them if ``whole``."""
    found = Counter(message.body for message in messages if message.body in MARKS)
    assert max(found.values()) == 1, "a message came back twice"
    assert LIVES in found, "a message that lived is gone"
    assert not whole or found.keys() == MARKS.keys(), "a message is not back"
    for message in messages:
        if message.body in MARKS:
            assert (message.flags, message.keywords) == MARKS[message.body]


def beside_a_delivery(preemptions: int) -> Report:
    """An undo and a deliverer."""
    return _explorer(partial(deliverer)).exhaust(preemptions=preemptions)


def two_at_once(preemptions: int = 1) -> Report:
    """Two undos of the same."""
    return _explorer(_second).exhaust(preemptions=preemptions)


def beside_a_compaction(preemptions: int) -> Report:
    """An undo and a compaction, a moment before the grace is over."""
    return _explorer(compacted, age=LATER - 2 * 3600).exhaust(preemptions=preemptions)


def beside_a_deletion(preemptions: int = 1) -> Report:
    """An undo and a DELETE of the mailbox: behind it nothing comes back."""
    disk = bereft_store(TRASH)
    undoer = partial(_late_undoer, account_on(disk, 1))
    makers = [undoer, partial(deleter, account_on(disk, 2))]
    return Explorer(disk, makers).exhaust(preemptions=preemptions)


def _late_undoer(account: Account) -> Steps[None]:
    """Undo all; what was deleted before takes nothing."""
    account = replace(account, name=TRASH)
    promised = yield from acknowledged()
    try:
        done = yield from undoing(account)
    except MailboxGone:
        return
    assert done.now, "nothing is brought back"
    assert DELETED not in promised, "messages came back to a deleted mailbox"


def at_random(count: int, seed: int) -> Report:
    """Two undos, a compaction and a deliverer."""
    return _explorer(_second, compacted, partial(deliverer)).sample(count, seed)


def _second(account: Account) -> Steps[None]:
    yield from undoing(account)


def _explorer(*others: Any, age: float = 0.0) -> Explorer:
    disk = bereft_store()
    disk.advance_clock(age)
    makers = [partial(undoer, account_on(disk, 1, segment_limit=SEGMENT_LIMIT))]
    for pid, other in enumerate(others, start=2):
        account = account_on(disk, pid, segment_limit=SEGMENT_LIMIT)
        new = (b"new" * 20,) if getattr(other, "func", None) is deliverer else ()
        makers.append(partial(other, account, *new))
    return Explorer(disk, makers, _check_end)


def _check_end(disk: SimulatedDisk, ends: list[Any]) -> None:
    del ends
    process = disk.copy().process(CHECKER)
    account: Account = run(open_account(settings_of(process)), process)
    found = read_all(process, account)
    _check_messages(found.messages, whole=True)
    uids = [message.uid for message in found.messages]
    assert set(disk.acknowledged) - {BACK} <= set(uids), "a message is gone"
    check_end_of_log(process.disk, account)
