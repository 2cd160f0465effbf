"""The claims about a mailbox that is restored in its place, on many schedules."""

from functools import partial
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.index.account_state import AccountState
from imapbox.index.opening import open_log
from imapbox.model.errors import MailboxGone
from imapbox.model.names import INBOX
from imapbox.store.restore import restore_mailbox
from imapbox.store.store_copy import copy_user
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer, Report
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    Session,
    account_on,
    acknowledge,
    deliver,
    open_account,
    settings_of,
)
from tests.simulation.store_copies import LIVES, MOVES, store_in_use

BODIES: Final = (LIVES, MOVES)


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
