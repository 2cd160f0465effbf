"""The claims about deliveries that are tried again: P2, none twice.

Like `proofs`: functions that raise where a claim does not hold. A client has not
read a reply and sends the same delivery again, to whatever process is there.
"""

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from imapbox.disk.steps import Steps
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.model.errors import DiskFull, MailboxDamaged
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import FAILURES, Fault
from tests.simulation.ledger import (
    SEGMENT_LIMIT,
    check_end_of_log,
    is_damaged,
    read_all,
)
from tests.simulation.mailbox import (
    Account,
    account_on,
    acknowledge,
    new_store,
    open_account,
    sees,
    settings_of,
    submit,
)
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors


class Sent(NamedTuple):
    """What a client sends, as often as it likes."""

    key: bytes
    body: bytes


def sent(number: int, body: bytes, *, in_doubt: bool = False) -> Sent:
    """Return a delivery with a key of its own."""
    return Sent(bytes([number] * 15 + [number << 1 | in_doubt]), body)


SENT: Final = (
    sent(1, b"named" * 20),
    sent(2, b"nameless" * 20, in_doubt=True),
    sent(3, b"large" * 1200),  # fills the segment
    sent(4, b"behind it" * 10, in_doubt=True),
)


def deliver_once(account: Account, keys: DeliveryKeys, what: Sent) -> Steps[int]:
    """Deliver as `store.deliveries` does; return the UID that the reply names."""
    once = DeliverOnce(sees(what.body)._replace(key=what.key), keys)
    yield from submit(account, once, "deliver")
    return once.uid


def workload(disk: SimulatedDisk, pid: int = 1) -> None:
    """Deliver each once, whatever is there; sent again where that was refused."""
    process = disk.process(pid)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    keys = DeliveryKeys()
    for each in SENT:
        try:
            uid = run(deliver_once(account, keys, each), process)
        except (DiskFull, OSError):  # the latter if no segment can be made
            uid = run(deliver_once(account, keys, each), process)
        disk.acknowledge((each, uid))


def check(crash: Crash) -> None:
    """Send all of it again, twice, to two processes: each is there once."""
    disk = crash.disk
    damaged = is_damaged(disk)
    for pid in (50, 51):
        try:
            workload(disk, pid)
        except MailboxDamaged:
            assert damaged, "refused for no reason"
    process = disk.process(52)
    account: Account = run(open_account(settings_of(process)), process)
    messages = read_all(process, account).messages
    copies = Counter(message.body for message in messages)
    assert set(copies.values()) <= {1}, "a message is there twice"
    bodies = {message.uid: message.body for message in messages}
    for what, uid in disk.acknowledged:
        assert bodies.get(uid) == what.body, "a reply names another message, or none"
    if not damaged:
        assert len(copies) == len(SENT), "a message is missing"
        check_end_of_log(disk, account)


def crashes(share: float = 0.4) -> CrashReport:
    """Killed and powered off at every call, and then sent again.

    Args:
        share: Of the power losses, how many are tried. Kills all are.
    """
    found = Crashes(new_store(), workload, every_subset_up_to=4, random_subsets=4)
    return walk(found, check, share)


def errors(share: float = 0.1) -> CrashReport:
    """An error at each write and each sync; then a crash anywhere behind it.

    Args:
        share: Of the crashes, how many are tried.
    """
    chance = random.Random(0)
    seen: set[bytes] = set()
    count = 0
    points = min(1.0, 10 * share)  # a point with few disks costs as much as with many

    def attempt(fault: Fault) -> None:
        nonlocal count
        images = Crashes(
            new_store(),
            partial(_with_fault, fault),
            seen=seen,
            every_subset_up_to=2,
            random_subsets=1,
            wanted=lambda _point: chance.random() < points,
        )
        for crash in images:
            if chance.random() * points < share:
                count += 1
                check(crash)

    places = walk_errors(attempt, FAILURES[:2])
    return CrashReport(len(seen), count, places)


def _with_fault(fault: Fault, disk: SimulatedDisk) -> None:
    disk.faults = (fault,)
    try:
        workload(disk)
    except MailboxDamaged:
        return
    finally:
        disk.faults = ()


def deliverer(account: Account, what: Sequence[Sent]) -> Steps[None]:
    """Deliver some, each answered with 250."""
    keys = DeliveryKeys()
    for each in what:
        uid = yield from deliver_once(account, keys, each)
        yield from acknowledge((each, uid))


def at_once(preemptions: int = 2) -> list[Report]:
    """Two processes are sent the same at once; one of them had other mail before."""
    reports = []
    for in_doubt in (False, True):
        both = sent(9, b"the same" * 10, in_doubt=in_doubt)
        for limit in (SEGMENT_LIMIT, 200):
            disk = new_store()
            accounts = [account_on(disk, pid, segment_limit=limit) for pid in (1, 2)]
            makers = [
                partial(deliverer, accounts[0], [SENT[0], both]),
                partial(deliverer, accounts[1], [both]),
            ]
            explorer = Explorer(disk, makers, _check_once)
            reports.append(explorer.exhaust(preemptions=preemptions))
    return reports


def _check_once(disk: SimulatedDisk, ends: list[Any]) -> None:
    """In the end each is there once, and each reply named it."""
    del ends
    process = disk.copy().process(80)
    account: Account = run(open_account(settings_of(process)), process)
    messages = read_all(process, account).messages
    bodies = {message.uid: message.body for message in messages}
    assert len(set(bodies.values())) == len(messages), "a message is there twice"
    for what, uid in disk.acknowledged:
        assert bodies.get(uid) == what.body, "a reply names another message, or none"
