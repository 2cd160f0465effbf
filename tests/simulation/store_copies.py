"""The claims about copies of a live store, tried on crashes and on schedules."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.checked_log import Severity
from imapbox.index.copying import CopyMessages, Originals
from imapbox.index.known import Known
from imapbox.index.rows_taken_along import take_along
from imapbox.model.errors import MailError
from imapbox.model.flags import Flag
from imapbox.model.names import MailboxName
from imapbox.store.delete import delete_mailbox
from imapbox.store.format import prepare_store, read_store_file
from imapbox.store.layout import UNFINISHED, USERS
from imapbox.store.move import Bound, move_messages
from imapbox.store.store_copy import begin_copy, copy_user, end_copy
from tests.simulation.compaction import LATER
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import OPENINGS, UNOPENED, Fault
from tests.simulation.ledger import is_damaged, read_all
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    account_on,
    acknowledge,
    acknowledged,
    compacted,
    deliver,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors

TRASH: Final = MailboxName("Trash")
LIMIT: Final = 400  # of a segment: a message fills it
LIVES: Final = b"lives" * 60
MOVES: Final = b"moves" * 60
LARGE: Final = b"large" * 4000
COPIED: Final = "copied"
GONE: Final = "gone"


def store_in_use() -> SimulatedDisk:
    """Return a store in which much was expunged a day ago."""
    disk = new_store(TRASH)
    account = account_on(disk, 70, segment_limit=LIMIT)
    process = disk.process(70)
    for body in (b"dead" * 3000, LIVES, MOVES):
        run(deliver(account, body), process)
    for body in (b"dead" * 3000, LIVES):
        run(deliver(replace(account, name=TRASH), body), process)
    for name in (account.name, TRASH):
        session = Session(replace(account, name=name))
        run(session.open(), process)
        run(session.store({1}, Flag.DELETED), process)
        run(session.sync(), process)
        run(session.expunge(), process)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    disk.kill(70)
    disk.settle()
    disk.acknowledged = disk.promised_before = (LIVES, MOVES)
    disk.advance_clock(LATER)
    return disk


def crashes(share: float = 1.0) -> CrashReport:
    """A store of which a copy is made, killed and powered off at each call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk = _empty_store()

    def workload(disk: SimulatedDisk) -> None:
        process = disk.process(1)
        account: Account = run(open_account(settings_of(process)), process)
        for body in (LIVES, MOVES):
            run(deliver(account, body), process)
            disk.acknowledge(body)
        _copy_all(disk, 1)
        disk.acknowledge((COPIED, disk.acknowledged))

    found = Crashes(disk, workload, every_subset_up_to=3, random_subsets=3)
    return walk(found, _check_crash, share)


def _empty_store() -> SimulatedDisk:
    disk = new_store()
    run(prepare_store(), disk.process(70))
    disk.process(70).make_directory(THERE)
    disk.settle()
    return disk


def _copy_all(disk: SimulatedDisk, pid: int) -> None:
    process = disk.process(pid)
    run(begin_copy(), process)
    done = run(copy_user(ALICE, settings_of(process)), process)
    assert not done.damaged, "a sound log is taken for damaged"
    run(end_copy(), process)


def _check_crash(crash: Crash) -> None:
    """A finished copy is whole; one that is begun anew has all that was answered."""
    disk = crash.disk
    promised = [each for each in crash.acknowledged if each in (LIVES, MOVES)]
    if len(crash.acknowledged) > len(promised):
        _check_store(store_in_copy(disk), promised)
    _copy_anew(disk)
    _check_store(store_in_copy(disk), promised)


def unopened() -> CrashReport:
    """Nothing can be opened at one moment, each in turn, while a copy is made."""
    faults = [Fault(OPENINGS, 1, error) for error in UNOPENED]
    return CrashReport(0, 0, walk_errors(_copy_with, faults))


def _copy_with(fault: Fault) -> None:
    disk = _empty_store()
    account = account_on(disk, 70, segment_limit=LIMIT)
    for body in (LIVES, MOVES):
        run(deliver(account, body), disk.process(70))
    disk.faults = (fault,)
    with suppress(OSError, MailError):
        _copy_all(disk, 1)
    disk.faults = ()
    assert not is_damaged(disk), "a sound mailbox was marked damaged"
    _copy_anew(disk)
    _check_store(store_in_copy(disk), [LIVES, MOVES])


def _copy_anew(disk: SimulatedDisk) -> None:
    """Remove what there is of a copy, and make one."""
    for path in [path for path in disk.names if path.startswith(f"{THERE}/")]:
        disk.data.pop(disk.names.pop(path))
    if THERE not in disk.names:
        disk.process(50).make_directory(THERE)
    _copy_all(disk, 51)


def _check_store(copy: SimulatedDisk, promised: list[bytes]) -> None:
    process = copy.process(1)
    assert run(read_store_file(), process), "it is no store"
    assert UNFINISHED not in copy.names, "it is not finished"
    account: Account = run(open_account(settings_of(process)), process)
    bodies = [message.body for message in read_all(process, account).messages]
    assert bodies[: len(promised)] == promised, "what was answered is not in the copy"


def copier(account: Account) -> Steps[None]:
    """Copy all, and say what had been promised before."""
    promised = yield from acknowledged()
    done = yield from copy_user(ALICE, account.settings)
    assert not done.damaged, "a sound log is taken for damaged"
    yield from acknowledge((COPIED, promised))


def teller(account: Account) -> Steps[None]:
    """Deliver two messages, each answered."""
    for body in (b"new" * 100, b"newer" * 100):
        yield from deliver(account, body)
        yield from acknowledge(body)


def mover(account: Account) -> Steps[None]:
    """Move a message into the other mailbox, and back."""
    trash = replace(account, name=TRASH)
    yield from _move(account, trash)
    yield from _move(trash, account)


def deleter(account: Account) -> Steps[None]:
    """Delete the other mailbox."""
    yield from delete_mailbox(ALICE, account.state.copy(), TRASH, account.settings)


def compactor_of_both(account: Account) -> Steps[None]:
    """Compact both mailboxes, and give up at once what is gone."""
    for name in (account.name, TRASH):
        yield from compacted(replace(account, name=name), grace=0.0)


def _move(source: Account, target: Account) -> Steps[None]:
    here, there = Session(source), Session(target)
    for session in (here, there):
        yield from session.open()
    columns = here.state.columns
    found = yield from here.snapshot()
    uids = np.array([m.uid for m in found.messages if m.body == MOVES], np.uint32)
    originals = Originals(columns, uids, list(here.state.facts.keywords))
    octets = yield from originals.octets(source.directory)
    known = take_along(here.state, uids)
    table = Known(there.state.position, list(there.state.facts.keywords))
    yield from move_messages(
        Bound(source.directory, source.binding()),
        known,
        Bound(target.directory, target.binding()),
        CopyMessages(originals, octets, table),
        source.settings,
    )


def beside(name: str, preemptions: int) -> Report:
    """A copy beside somebody else."""
    return _explorer(copier, OTHERS[name]).exhaust(preemptions=preemptions)


def from_another_machine(name: str, preemptions: int) -> Report:
    """A copy that is made there; the heads that others write here are strange to it."""
    return _explorer(_stranger, OTHERS[name]).exhaust(preemptions=preemptions)


def beside_a_purge(preemptions: int) -> Report:
    """A copy, and somebody who expunges and moves large mail, and compacts at once."""
    disk = new_store(TRASH)
    account = account_on(disk, 70)
    process = disk.process(70)
    for body in (LARGE, LIVES, MOVES):
        run(deliver(account, body), process)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    disk.kill(70)
    disk.settle()
    disk.acknowledged = disk.promised_before = (LARGE, LIVES, MOVES)
    disk.advance_clock(LATER)
    makers = [
        partial(maker, account_on(disk, pid))
        for pid, maker in enumerate((copier, purger), start=1)
    ]
    return Explorer(disk, makers, check).exhaust(preemptions=preemptions)


def purger(account: Account) -> Steps[None]:
    """Expunge a large message, move another, and give up at once what is gone."""
    session = Session(account)
    yield from session.open()
    yield from session.store({1}, Flag.DELETED)
    yield from session.sync()
    yield from acknowledge((GONE, LARGE))
    yield from session.expunge()
    yield from _move(account, replace(account, name=TRASH))
    yield from compacted(account, grace=0.0)


def _stranger(account: Account) -> Steps[None]:
    settings = account.settings
    settings = replace(settings, boot=settings.boot + 1, node="elsewhere")
    return copier(replace(account, settings=settings))


def beside_a_move() -> Report:
    """A copy, and a message that is moved and comes back."""
    return beside("a move", 1)


def at_random(count: int, seed: int) -> Report:
    """A copy beside a deliverer, a mover and a compaction."""
    return _explorer(copier, teller, mover, compacted).sample(count, seed)


OTHERS: Final[dict[str, Callable[[Account], Steps[Any]]]] = {
    "a delivery": teller,
    "a move": mover,
    "a deletion": deleter,
    "a compaction": compacted,
    "a compaction without grace": partial(compacted, grace=0.0),
    "a compaction of both": compactor_of_both,
}


def _explorer(*all_of_them: Callable[[Account], Steps[Any]]) -> Explorer:
    disk = store_in_use()
    makers = [
        partial(maker, account_on(disk, pid, segment_limit=LIMIT))
        for pid, maker in enumerate(all_of_them, start=1)
    ]
    return Explorer(disk, makers, check)


def check(disk: SimulatedDisk, ends: list[Any]) -> None:
    """The copy is sound, and holds what was promised before it was begun."""
    del ends
    (promised,) = (token[1] for token in disk.acknowledged if token[0] == COPIED)
    copy = store_in_copy(disk)
    process = copy.process(1)
    settings = settings_of(process)
    account: Account = run(open_account(settings), process)
    bodies = bodies_in(account, process)
    gone = {token[1] for token in disk.acknowledged if token[0] == GONE}
    assert {*promised} - {*gone, (GONE, LARGE)} <= {*bodies}, "it is not in the copy"
    assert bodies.count(MOVES) == 1, "a moved message is there twice"


def bodies_in(account: Account, process: SimulatedFileSystem) -> list[bytes]:
    """Return all that is in a user's mailboxes, which are sound and take mail."""
    bodies = []
    for name in account.state.names:
        mailbox = replace(account, name=name)
        audit = check_log(mailbox.directory, MailboxAudit, OWNER)
        found = run(audit, process).findings
        worst = [each for each in found if each.severity is not Severity.NOTE]
        assert not worst, f"the copy of a mailbox is not sound: {worst}"
        session = Session(mailbox)
        run(session.open(), process)
        messages = run(session.snapshot(), process).messages
        bodies += [message.body for message in messages]
        run(deliver(mailbox, b"afterwards"), process)
    return bodies


def store_in_copy(disk: SimulatedDisk) -> SimulatedDisk:
    """Return a machine that has the copy for its store."""
    copy = SimulatedDisk(boot=disk.boot)
    copy.clock = disk.clock
    for path, inode in disk.names.items():
        if path.startswith(f"{THERE}/"):
            copy.names[path.removeprefix(f"{THERE}/")] = inode
            copy.data[inode] = disk.data[inode]
    copy.next_inode = disk.next_inode
    return copy
