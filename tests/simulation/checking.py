"""The claim that a check never cries wolf: writers at work are no damage."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Steps
from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.checked_log import Severity
from imapbox.index.frame import Frame
from imapbox.index.head_file import HEAD
from imapbox.index.lost_head import first_frame
from imapbox.model.errors import DiskFull
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import failure
from tests.simulation.mailbox import (
    Account,
    Session,
    account_on,
    deliver,
    deliverer,
    new_store,
)
from tests.simulation.repairing import lose, put
from tests.simulation.report import Report

LIMIT: Final = 200  # of a segment: a few messages fill it


def checker(account: Account) -> Steps[None]:
    """Check the log; there is nothing to complain of, or to move away."""
    found = yield from check_log(account.directory, MailboxAudit, OWNER)
    worst = [each for each in found.findings if each.severity is not Severity.NOTE]
    assert not worst, f"a sound log is complained of: {worst}"
    assert not found.strange, f"this has its place here: {found.findings}"


def _rotates(account: Account) -> Steps[None]:
    """Deliver mail, for which a segment is begun."""
    limited = replace(account.settings, segment_limit=LIMIT)
    yield from deliverer(replace(account, settings=limited), b"1" * 20, b"2")


def _finds_no_room(account: Account) -> Steps[None]:
    """Deliver a message whose head can't be written: it is taken back."""
    try:
        yield from _without_room(deliver(account, b"refused"), account.directory)
    except DiskFull:
        return
    raise AssertionError("it was not refused")


def _without_room(delivery: Steps[Any], directory: str) -> Steps[Any]:
    """Let each write of the head find no room, by which the delivery ends."""
    fd = -1
    wanted = delivery.send(None)
    while True:
        if isinstance(wanted, Call) and wanted.arguments[:1] == (fd,):
            if wanted.method == "pwrite":
                wanted = delivery.throw(failure(errno.ENOSPC))
                continue
            fd = -1 if wanted.method == "close" else fd
        result = yield wanted
        if wanted == Call("open", (f"{directory}/{HEAD}", Mode.ENSURE)):
            fd = result
        wanted = delivery.send(result)


def _saves(account: Account) -> Steps[None]:
    """Make a snapshot, and remove the one before, as servers do without a lock."""
    session = Session(account)
    yield from session.open()
    older = yield from session.save()
    yield from session.save()
    yield from steps.unlink(f"{account.directory}/{older}")
    yield from session.close()


class Case(NamedTuple):
    """What is there, and who is at work.

    Attributes:
        writer: Works beside the check.
        before: Does something to a store with a message, before.
        preemptions: How many show what can go wrong, at least.
    """

    writer: Callable[[Account], Steps[None]]
    before: Callable[[SimulatedDisk, str], None] = lambda _disk, _directory: None
    preemptions: int = 1


def _litter(disk: SimulatedDisk, directory: str) -> None:
    """Leave what a rotation leaves that died before its SWITCH."""
    another = disk.copy()
    process = another.process(71)
    run(_rotates(account_on(another, 71)), process)
    begins: Frame = run(first_frame(directory, 2), process)
    litter = f"{directory}/log.2"
    process = disk.process(80)
    process.close(process.open(litter, Mode.CREATE))
    put(disk, litter, another.content(litter)[: begins.end.offset])


def _lost_head(disk: SimulatedDisk, directory: str) -> None:
    lose(disk, f"{directory}/{HEAD}")


def _torn(disk: SimulatedDisk, directory: str) -> None:
    put(disk, f"{directory}/log.1", disk.content(f"{directory}/log.1") + b"torn")


CASES: Final = {
    "a delivery that rotates": Case(_rotates),
    "a rotation over litter": Case(_rotates, _litter),
    "a delivery behind a lost head": Case(_rotates, _lost_head),
    "a delivery behind a crash": Case(_rotates, _torn),
    "a head without room": Case(_finds_no_room, preemptions=2),
    "snapshots": Case(_saves, preemptions=2),
}


def _explorer(name: str) -> Explorer:
    case = CASES[name]
    disk = new_store()
    account = account_on(disk, 70)
    run(deliver(account, b"was there before"), disk.process(70))
    disk.kill(70)
    case.before(disk, account.directory)
    disk.settle()
    makers: Sequence[Callable[[], Steps[None]]] = [
        partial(checker, account),
        partial(case.writer, account),
    ]
    return Explorer(disk, makers)


def beside(name: str, more: int = 0) -> Report:
    """A check and a writer, few preemptions."""
    preemptions = CASES[name].preemptions + more
    return _explorer(name).exhaust(preemptions=preemptions)


def at_random(name: str, count: int, seed: int) -> Report:
    """A check and a writer, at random."""
    return _explorer(name).sample(count, seed)
