"""The claims about a mailbox that is restored in its place.

On every crash, with every error, and on many schedules. What was delivered to it
before is known behind all of that.
"""

from functools import partial
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.account_state import AccountState
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.opening import open_log
from imapbox.model.errors import MailboxGone, MailError
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from imapbox.store.layout import USERS
from imapbox.store.restore import restore_mailbox
from imapbox.store.store_copy import copy_user
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import Fault
from tests.simulation.ledger import check_end_of_log, is_damaged, read_all
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    Session,
    account_on,
    acknowledge,
    deliver,
    new_store,
    open_account,
    sees,
    settings_of,
    submit,
)
from tests.simulation.repairing import repair
from tests.simulation.report import CrashReport, Report
from tests.simulation.store_copies import LIVES, MOVES, store_in_use
from tests.simulation.walk import walk, walk_errors

BODIES: Final = (LIVES, MOVES)
LATER: Final = b"later" * 50
KEY: Final = bytes([1] * 15 + [2])
OLD: Final = [LATER]
NEW: Final = [*BODIES, LATER]
RESTORED: Final = "restored"
FLAGGED: Final = "flagged"
EXPUNGED: Final = "expunged"


def crashes(share: float = 1.0) -> CrashReport:
    """A restore in place, killed and powered off at each call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk = _copied_store()

    def workload(disk: SimulatedDisk) -> None:
        _restore(disk, 1)
        disk.acknowledge(RESTORED)

    found = Crashes(disk, workload, every_subset_up_to=3, random_subsets=2)
    return walk(found, _check_crash, share)


def _check_crash(crash: Crash) -> None:
    """It is as it was or as it shall be; so it is, done again."""
    disk = crash.disk
    bodies = _bodies(disk, 50)
    assert bodies in (OLD, NEW), "a message is gone"
    assert bodies == NEW or not crash.acknowledged, "it is not restored"
    _try_again(disk, 54)
    _restore(disk, 51)
    _try_again(disk, 55)
    assert _bodies(disk, 52) == NEW, "it can't be done again"
    process = disk.process(53)
    account: Account = run(open_account(settings_of(process)), process)
    run(deliver(account, b"afterwards"), process)
    check_end_of_log(disk, account)


def errors(step: int = 1) -> CrashReport:
    """A call that fails while it is restored; then it is done again, if it can be.

    Args:
        step: Only each so-many-th is tried.
    """
    whole = _copied_store()

    def attempt(fault: Fault) -> None:
        disk = whole.copy()
        disk.faults = (fault,)
        try:
            _restore(disk, 1)
        except (MailError, OSError):
            assert fault.fired, "it is refused for no reason"
        disk.faults = ()
        assert _bodies(disk, 50) in (OLD, NEW), "a message is gone"
        if is_damaged(disk):
            # What nobody knew to be written may be bound, and then it must be there.
            repair(disk, 54)
            assert _bodies(disk, 55) in (OLD, NEW), "a message is gone"
        _restore(disk, 51)
        _try_again(disk, 53)
        assert _bodies(disk, 52) == NEW, "it can't be done again"

    return CrashReport(0, 0, walk_errors(attempt, step=step))


def _copied_store() -> SimulatedDisk:
    """Return a store whose INBOX lost all but what came after it was copied."""
    disk = new_store()
    account = account_on(disk, 70)
    process = disk.process(70)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    for body in BODIES:
        run(deliver(account, body), process)
    run(copy_user(ALICE, account.settings), process)
    session = Session(account)
    run(session.open(), process)
    run(session.store({1, 2}, Flag.DELETED), process)
    run(session.sync(), process)
    run(session.expunge(), process)
    run(_deliver_later(account), process)
    disk.kill(70)
    disk.settle()
    return disk


def _deliver_later(account: Account) -> Steps[bool]:
    """Deliver what came after the copy; return whether it is new."""
    once = DeliverOnce(sees(LATER)._replace(key=KEY), DeliveryKeys())
    yield from submit(account, once, "deliver")
    return once.is_new


def _try_again(disk: SimulatedDisk, pid: int) -> None:
    process = disk.process(pid)
    account: Account = run(open_account(settings_of(process)), process)
    assert not run(_deliver_later(account), process), "a delivery is forgotten"


def _restore(disk: SimulatedDisk, pid: int) -> None:
    process = disk.process(pid)
    settings = settings_of(process)
    run(restore_mailbox(ALICE, INBOX, INBOX, settings, in_place=True), process)


def _bodies(disk: SimulatedDisk, pid: int) -> list[bytes]:
    process = disk.process(pid)
    account: Account = run(open_account(settings_of(process)), process)
    return [message.body for message in read_all(process, account).messages]


def restorer(account: Account) -> Steps[None]:
    """Restore INBOX in its place."""
    yield from restore_mailbox(ALICE, INBOX, INBOX, account.settings, in_place=True)


def persistent(account: Account) -> Steps[None]:
    """Deliver two messages, each to what INBOX is then, as deliveries do."""
    for body in (b"new" * 100, b"newer" * 100):
        while True:
            try:
                yield from deliver(account, body)
                break
            except MailboxGone:
                opened = yield from open_log(ACCOUNT, account.settings, AccountState)
                account = Account(account.settings, opened.token, opened.state)
        yield from acknowledge(body)


def beside_a_delivery(preemptions: int = 1) -> Report:
    """A restore in place, and a deliverer."""
    return _explorer().exhaust(preemptions=preemptions)


def at_random(count: int, seed: int) -> Report:
    """The same, at random."""
    return _explorer().sample(count, seed)


def flagger(account: Account) -> Steps[None]:
    """Flag the one message that the copy has not, and then expunge it."""
    session = Session(account)
    try:
        yield from session.open()
        yield from session.store({3}, Flag.FLAGGED)
        yield from acknowledge(FLAGGED)
        yield from session.store({3}, Flag.DELETED)
        yield from session.sync()
        yield from session.expunge()
        yield from acknowledge(EXPUNGED)
    except MailboxGone:
        return


def beside_a_flagger(preemptions: int = 1) -> Report:
    """A restore in place, and one who changes what is to be kept."""
    disk = _copied_store()
    makers = [
        partial(restorer, account_on(disk, 1)),
        partial(flagger, account_on(disk, 2)),
    ]
    return Explorer(disk, makers, _check_flags).exhaust(preemptions=preemptions)


def _check_flags(disk: SimulatedDisk, ends: list[Any]) -> None:
    """What was answered is so in the new mailbox."""
    del ends
    process = disk.copy().process(80)
    account: Account = run(open_account(settings_of(process)), process)
    *copied, kept = [*read_all(process, account).messages, None][:3]
    assert [message.body for message in copied if message] == [*BODIES]
    assert (kept is None) == (EXPUNGED in disk.acknowledged), "an EXPUNGE is lost"
    if kept is not None and FLAGGED in disk.acknowledged:
        assert kept.flags & Flag.FLAGGED, "a flag is lost"


def _explorer() -> Explorer:
    disk = store_in_use()
    run(copy_user(ALICE, settings_of(disk.process(71))), disk.process(71))
    disk.kill(71)
    disk.settle()
    makers = [
        partial(restorer, account_on(disk, 1)),
        partial(persistent, account_on(disk, 2)),
    ]
    return Explorer(disk, makers, _check_end)


def _check_end(disk: SimulatedDisk, ends: list[Any]) -> None:
    """All is there once: what the copy has, and what came."""
    del ends
    process = disk.copy().process(80)
    account: Account = run(open_account(settings_of(process)), process)
    session = Session(account)
    run(session.open(), process)
    found = run(session.snapshot(), process)
    bodies = [message.body for message in found.messages]
    assert sorted(bodies) == sorted(disk.acknowledged), "not what was promised"
    assert bodies[:2] == [*BODIES]
    assert len(account.state.deleted) == 1
