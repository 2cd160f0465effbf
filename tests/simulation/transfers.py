"""COPY and MOVE between two mailboxes, crashed anywhere.

What must hold behind a crash is said without the product's help: which of the
messages are in which mailbox. A message that was moved is in one or both,
never in none; copies are all there or none of them is.
"""

from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from imapbox.disk.steps import Steps
from imapbox.index.copying import CopyMessages, Originals
from imapbox.index.known import Known
from imapbox.index.rows_taken_along import take_along
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.create import create_account
from imapbox.store.move import Bound, move_messages
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.ledger import SEGMENT_LIMIT, check_end_of_log
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    deliver,
    new_store,
    open_account,
    settings_of,
    submit,
)
from tests.simulation.report import CrashReport
from tests.simulation.walk import walk

TRASH: Final = MailboxName("Trash")
BOB: Final = UserName("bob")
BODIES: Final = (b"one" * 200, b"two" * 300, b"three" * 200, b"four" * 900)


class Found(NamedTuple):
    """The bodies in two mailboxes, and the keywords of those in the second."""

    here: tuple[bytes, ...]
    there: tuple[bytes, ...]
    keywords: frozenset[str]


class Goal(NamedTuple):
    """Where messages go."""

    user: UserName
    name: MailboxName


AT_HOME: Final = Goal(ALICE, INBOX)
TO_TRASH: Final = Goal(ALICE, TRASH)
TO_ANOTHER: Final = Goal(BOB, INBOX)


def prepared(goal: Goal = TO_TRASH) -> SimulatedDisk:
    """Return a machine with four messages in INBOX, all of it durable."""
    disk = new_store(TRASH) if goal == TO_TRASH else new_store()
    process = disk.process(70)
    if goal != TO_TRASH:
        run(create_account(goal.user, settings_of(process), {}), process)
    account = open_in(process)
    for body in BODIES:
        run(deliver(account, body), process)
    session = Session(account)
    run(session.open(), process)
    run(session.store({1, 2, 3, 4}, Flag.SEEN, "Important"), process)
    disk.kill(70)
    disk.settle()
    return disk


def open_in(process: SimulatedFileSystem, goal: Goal = AT_HOME) -> Account:
    """Return what a process knows of an account, and one of its mailboxes."""
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings, goal.user), process)
    return replace(account, name=goal.name)


def transferred(here: Account, uids: list[int], there: Account, how: str) -> Steps[Any]:
    """Copy or move messages, as `mailbox.transfer` does."""
    session, target = Session(here), Session(there)
    for each in (session, target):
        yield from each.open()
    state = session.state
    wanted = np.array(uids, np.uint32)
    known = take_along(state, wanted)
    originals = Originals(state.columns, wanted, list(state.facts.keywords))
    octets = yield from originals.octets(here.directory)
    keywords = list(target.state.facts.keywords)
    copy = CopyMessages(originals, octets, Known(target.state.position, keywords))
    if how == "move":
        bound = (Bound(each.directory, each.binding()) for each in (here, there))
        source, goal = bound
        yield from move_messages(source, known, goal, copy, here.settings)
    else:
        yield from submit(there, copy, "copy")
    for each in (session, target):
        yield from each.close()


def transfer(
    process: SimulatedFileSystem, uids: list[int], how: str, goal: Goal
) -> None:
    """Copy or move messages from INBOX."""
    account, there = open_in(process), open_in(process, goal)
    run(transferred(account, uids, there, how), process)
    process.disk.acknowledge((how, tuple(uids)))


def workload(disk: SimulatedDisk, goal: Goal = TO_TRASH) -> None:
    """Copy one, move three, one of them larger than a segment."""
    process = disk.process(1)
    transfer(process, [2, 3], "copy", goal)
    transfer(process, [1, 3, 4], "move", goal)


def find(disk: SimulatedDisk, pid: int, goal: Goal = TO_TRASH) -> Found:
    """Return what new sessions see."""
    process = disk.process(pid)
    bodies = []
    keywords: frozenset[str] = frozenset()
    for mailbox in (open_in(process), open_in(process, goal)):
        session = Session(mailbox)
        run(session.open(), process)
        messages = run(session.snapshot(), process).messages
        run(session.close(), process)
        ours = [message for message in messages if message.body in BODIES]
        assert all(message.flags == Flag.SEEN for message in ours), "a flag is lost"
        keywords = frozenset().union(*(message.keywords for message in messages))
        bodies.append(tuple(message.body for message in messages))
    return Found(bodies[0], bodies[1], keywords)


def check(crash: Crash, goal: Goal = TO_TRASH) -> None:
    """Find what may be found, and go on."""
    one, two, three, four = BODIES
    copied, moved = (two, three), (one, three, four)
    befores = [Found(BODIES, (), frozenset())]
    copies = [Found(BODIES, copied, frozenset({"Important"}))]
    both = [Found(BODIES, copied + moved, frozenset({"Important"}))]
    gone = [Found((two,), copied + moved, frozenset({"Important"}))]
    allowed = {0: befores + copies, 1: copies + both + gone, 2: gone}
    found = find(crash.disk, 50, goal)
    assert found in allowed[len(crash.acknowledged)], "a message is nowhere, or twice"
    process = crash.disk.process(51)
    for mailbox in (open_in(process), open_in(process, goal)):
        run(deliver(mailbox, b"afterwards"), process)
        check_end_of_log(crash.disk, mailbox)
    again = find(crash.disk, 52, goal)
    assert again.here == (*found.here, b"afterwards")
    assert again.there == (*found.there, b"afterwards")


def crashes(share: float = 1.0) -> CrashReport:
    """COPY and MOVE, killed and powered off at every call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    found = Crashes(prepared(), workload, every_subset_up_to=7, random_subsets=30)
    return walk(found, check, share)


def crashes_between_accounts(share: float = 1.0) -> CrashReport:
    """The same from one user's mailbox into another's; of disks, fewer are tried."""
    work = partial(workload, goal=TO_ANOTHER)
    found = Crashes(prepared(TO_ANOTHER), work, every_subset_up_to=4, random_subsets=5)
    return walk(found, partial(check, goal=TO_ANOTHER), share)
