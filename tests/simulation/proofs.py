"""The claims about the product that are tried on every schedule.

Each is a function that raises where the claim does not hold and returns what
was looked at; `mutants` runs the same ones on a product with mistakes.
"""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from imapbox.disk.filesystem import Mode
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.snapshot_writer import SnapshotWriter
from imapbox.model.flags import Flag
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.ledger import Ledger, Work, check_end_of_log
from tests.simulation.mailbox import (
    Account,
    Session,
    account_on,
    deliverer,
    new_store,
    open_account,
    reader,
    saver,
    settings_of,
)
from tests.simulation.report import Report

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
