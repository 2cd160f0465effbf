"""Copies of several users' mail that show all of it as it was at one moment."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from imapbox.disk.steps import Steps
from imapbox.index.mailbox_transactions import ExpungeMessages
from imapbox.index.rows_taken_along import take_along
from imapbox.model.names import UserName
from imapbox.store.create import create_account
from imapbox.store.delete import delete_mailbox
from imapbox.store.store_copy import copy_user
from imapbox.store.store_moment import begin_moment
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    acknowledge,
    acknowledged,
    compacted,
    deliver,
    open_account,
    settings_of,
    submit,
)
from tests.simulation.report import Report
from tests.simulation.store_copies import (
    COPIED,
    LARGE,
    MOVES,
    TRASH,
    bodies_in,
    store_in_copy,
    store_in_use,
)
from tests.simulation.transfers import BOB, transferred

UID: Final = 3  # of the one that moves, in both mailboxes of Alice
STAYS: Final = b"stays" * 6000  # not worth being written again
WHOLE: Final = 1 << 20  # of a segment, in which all of a mailbox has room
Worker = Callable[[Account, Account, Account], Steps[Any]]


def store_of_two() -> SimulatedDisk:
    """Return a store of two users, whose clock shows each reader another time."""
    disk = store_in_use()
    process = disk.process(71)
    run(create_account(BOB, settings_of(process), {}), process)
    account: Account = run(open_account(settings_of(process), BOB), process)
    for body in (LARGE, STAYS):
        run(deliver(account, body), process)
    disk.kill(71)
    disk.settle()
    disk.moments = 0
    return disk


def copier(users: tuple[UserName, ...], account: Account) -> Steps[None]:
    """Copy all, and say what had been promised before."""
    promised = yield from acknowledged()
    settings = account.settings
    moment = yield from begin_moment(settings.boot)
    for user in users:
        done = yield from copy_user(user, settings, moment)
        assert not done.damaged, "a sound log is taken for damaged"
    yield from acknowledge((COPIED, promised))


def mover(inbox: Account, trash: Account, bob: Account) -> Steps[None]:
    """Move a message to the other user."""
    del trash
    yield from transferred(inbox, [UID], bob, "move")


def copier_and_expunger(inbox: Account, trash: Account, bob: Account) -> Steps[None]:
    """Copy a message to the other user, and expunge it then."""
    del trash
    yield from _copy_and_expunge(inbox, bob)


def copier_and_expunger_at_home(
    inbox: Account, trash: Account, bob: Account
) -> Steps[None]:
    """Copy a message to the other mailbox, and expunge it then."""
    del bob
    yield from _copy_and_expunge(inbox, trash)


def copier_and_expunger_back(
    inbox: Account, trash: Account, bob: Account
) -> Steps[None]:
    """Copy a message back from the other mailbox, and expunge it there then."""
    del bob
    yield from _copy_and_expunge(trash, inbox)


def mover_and_deleter(inbox: Account, trash: Account, bob: Account) -> Steps[None]:
    """Move a message out of a mailbox, and delete that mailbox then."""
    del bob
    yield from transferred(trash, [UID], inbox, "move")
    yield from delete_mailbox(ALICE, trash.state.copy(), TRASH, trash.settings)


def mover_and_compactor(inbox: Account, trash: Account, bob: Account) -> Steps[None]:
    """Move a message to the other mailbox, and give up at once what is gone."""
    del bob
    yield from transferred(inbox, [UID], trash, "move")
    yield from compacted(inbox, grace=0.0)


def deliverer_and_compactor(
    inbox: Account, trash: Account, bob: Account
) -> Steps[None]:
    """Deliver what keeps a segment, behind which others are written again."""
    del trash, bob
    yield from deliver(inbox, LARGE)
    yield from compacted(inbox, grace=0.0)


def mover_and_compactor_there(
    inbox: Account, trash: Account, bob: Account
) -> Steps[None]:
    """Move a message to the other user, and compact where it is then."""
    del trash
    yield from transferred(inbox, [UID], bob, "move")
    yield from compacted(bob, grace=0.0)


def purger(inbox: Account, trash: Account, bob: Account) -> Steps[None]:
    """Expunge a large message, and give up its octets at once."""
    del inbox, trash
    yield from _expunge(bob, 1)
    yield from compacted(bob, grace=0.0)


def _copy_and_expunge(source: Account, target: Account) -> Steps[None]:
    yield from transferred(source, [UID], target, "copy")
    yield from _expunge(source, UID)


def _expunge(account: Account, uid: int) -> Steps[None]:
    session = Session(account)
    yield from session.open()
    known = take_along(session.state, np.array([uid], np.uint32))
    gone = ExpungeMessages(known, only_deleted=False)
    yield from submit(account, gone, "expunge")


BETWEEN_USERS: Final[dict[str, Worker]] = {
    "MOVE": mover,
    "COPY and EXPUNGE": copier_and_expunger,
    "MOVE, and a compaction there": mover_and_compactor_there,
    "EXPUNGE, and a compaction there": purger,
}
WITHIN_ONE: Final[dict[str, Worker]] = {
    "COPY and EXPUNGE": copier_and_expunger_at_home,
    "COPY and EXPUNGE, back": copier_and_expunger_back,
    "MOVE, and DELETE": mover_and_deleter,
    "MOVE, and a compaction": mover_and_compactor,
    "a delivery, and a compaction": deliverer_and_compactor,
}
_FROM_TRASH: Final = frozenset({copier_and_expunger_back, mover_and_deleter})
ORDERS: Final = ((ALICE, BOB), (BOB, ALICE))


def between_users(
    name: str, users: tuple[UserName, ...], limit: int, preemptions: int
) -> Report:
    """A copy of two users, beside who takes a message from the one to the other."""
    return _explorer(BETWEEN_USERS[name], users, limit).exhaust(preemptions=preemptions)


def within_one(name: str, limit: int, preemptions: int) -> Report:
    """A copy of a user, beside who takes a message from one mailbox to another."""
    return _explorer(WITHIN_ONE[name], (ALICE,), limit).exhaust(preemptions=preemptions)


def _explorer(worker: Worker, users: tuple[UserName, ...], limit: int) -> Explorer:
    disk = store_of_two()
    if worker in _FROM_TRASH:
        inbox = _account(disk, 72, ALICE, limit)
        moving = transferred(inbox, [UID], replace(inbox, name=TRASH), "move")
        run(moving, disk.process(72))
        disk.kill(72)
    makers = (
        partial(copier, users, _account(disk, 1, ALICE, limit)),
        partial(_working, worker, disk, limit),
    )
    return Explorer(disk, makers, partial(check, users))


def _working(worker: Worker, disk: SimulatedDisk, limit: int) -> Steps[Any]:
    inbox = _account(disk, 2, ALICE, limit)
    trash = replace(inbox, name=TRASH)
    return worker(inbox, trash, _account(disk, 2, BOB, limit))


def _account(disk: SimulatedDisk, pid: int, user: UserName, limit: int) -> Account:
    """Return what a process knows before it begins."""
    process = disk.copy().process(pid)
    settings = settings_of(process, segment_limit=limit)
    account: Account = run(open_account(settings, user), process)
    return account


def check(users: tuple[UserName, ...], disk: SimulatedDisk, ends: list[Any]) -> None:
    """What was promised before the copy was begun is in it, and all of it is sound."""
    del ends
    (promised,) = (token[1] for token in disk.acknowledged if token[0] == COPIED)
    copy = store_in_copy(disk)
    process = copy.process(1)
    bodies: list[bytes] = []
    for user in users:
        account: Account = run(open_account(settings_of(process), user), process)
        bodies += bodies_in(account, process)
    assert MOVES in promised
    assert {*promised} <= {*bodies}, "it is not in the copy"
