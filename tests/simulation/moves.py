"""MOVE beside others: two logs, three locks, every schedule with few preemptions.

What must hold is said of bodies, each of which is unlike all others. Whoever
looks at a message's mailbox and then at where it is moved to finds it in one of
them. In the end each is where it should be, and nowhere else; only if a mover
died it may be in both.
"""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.model.errors import MessageGone
from imapbox.model.names import INBOX, MailboxName
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer, Report
from tests.simulation.ledger import check_end_of_log
from tests.simulation.mailbox import (
    Account,
    Session,
    account_on,
    acknowledge,
    deliver,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.transfers import TRASH, transferred

HERE: Final = (b"one" * 20, b"two" * 20)
THERE: Final = (b"three" * 20,)
NEW: Final = b"new" * 20
CHECKER: Final = 80


def prepared() -> SimulatedDisk:
    """Return a machine with two messages in INBOX and one in Trash."""
    disk = new_store(TRASH)
    process = disk.process(70)
    account: Account = run(open_account(settings_of(process)), process)
    for name, bodies in ((INBOX, HERE), (TRASH, THERE)):
        for body in bodies:
            run(deliver(replace(account, name=name), body), process)
    disk.kill(70)
    disk.settle()
    return disk


def mover(account: Account, name: MailboxName, goal: MailboxName) -> Steps[None]:
    """Move the first message of a mailbox into another one."""
    here, there = (replace(account, name=each) for each in (name, goal))
    body = (HERE if name == INBOX else THERE)[0]
    try:
        yield from transferred(here, [1], there, "move")
    except MessageGone:
        return  # another one was faster
    yield from acknowledge((goal, body))


def deliverer(account: Account, name: MailboxName) -> Steps[None]:
    """Deliver a message."""
    yield from deliver(replace(account, name=name), NEW)
    yield from acknowledge((name, NEW))


def looker(account: Account) -> Steps[None]:
    """Look at INBOX, then at Trash, twice: nothing of INBOX is in neither."""
    sessions = [Session(replace(account, name=name)) for name in (INBOX, TRASH)]
    for session in sessions:
        yield from session.open()
    for _ in range(2):
        found: set[bytes] = set()
        for session in sessions:
            yield from session.sync()
            messages = (yield from session.snapshot()).messages
            found |= {message.body for message in messages}
        assert found.issuperset(HERE), "a message was nowhere"
    for session in sessions:
        yield from session.close()


def check_end(disk: SimulatedDisk, ends: list[Any]) -> None:
    """In the end each message is where it was moved or delivered to."""
    process = disk.copy().process(CHECKER)
    account: Account = run(open_account(settings_of(process)), process)
    found: dict[MailboxName, list[bytes]] = {}
    for name in (INBOX, TRASH):
        mailbox = replace(account, name=name)
        session = Session(mailbox)
        run(session.open(), process)
        messages = run(session.snapshot(), process).messages
        found[name] = [message.body for message in messages]
        run(deliver(mailbox, b"afterwards"), process)
        check_end_of_log(process.disk, mailbox)
    everywhere = found[INBOX] + found[TRASH]
    for name, body in disk.acknowledged:
        assert body in found[name], "it is not where it was said to be"
        assert everywhere.count(body) == 1, "it is in both"
    assert set(everywhere) >= {*HERE, *THERE}, "a message is gone"
    if None not in ends:
        assert len(set(everywhere)) == len(everywhere), "a message is there twice"


def explorer(*makers: Any, kills: int = 0) -> Explorer:
    """Return processes at work on the two mailboxes."""
    disk = prepared()
    work = [
        partial(maker, account_on(disk, pid), *more)
        for pid, (maker, *more) in enumerate(makers, start=1)
    ]
    return Explorer(disk, work, check_end, kills=kills)


OUT: Final = (mover, INBOX, TRASH)
BACK: Final = (mover, TRASH, INBOX)


def in_both_directions(preemptions: int = 1) -> Report:
    """Two movers, each into the mailbox that the other one moves from."""
    return explorer(OUT, BACK).exhaust(preemptions=preemptions)


def of_the_same_message(preemptions: int = 1) -> Report:
    """Two movers of one message: one of them gets it."""
    return explorer(OUT, OUT).exhaust(preemptions=preemptions)


def beside_a_delivery_there(preemptions: int = 1) -> Report:
    """A mover, and a deliverer into where it moves to."""
    return explorer(OUT, (deliverer, TRASH)).exhaust(preemptions=preemptions)


def beside_a_delivery_here(preemptions: int = 1) -> Report:
    """A mover, and a deliverer into where it moves from."""
    return explorer(OUT, (deliverer, INBOX)).exhaust(preemptions=preemptions)


def beside_a_reader(preemptions: int = 1) -> Report:
    """A mover, and a session that looks here, then there."""
    return explorer(OUT, (looker,)).exhaust(preemptions=preemptions)


def of_which_one_dies(preemptions: int = 0) -> Report:
    """Two movers of which either may die, anywhere."""
    return explorer(OUT, BACK, kills=1).exhaust(preemptions=preemptions)


def random_schedules(count: int, seed: int) -> Report:
    """All of them at once, at random."""
    every = (OUT, BACK, (deliverer, TRASH), (looker,))
    return explorer(*every).sample(count, seed)
