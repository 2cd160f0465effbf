"""The claim about a message that is sent twice on purpose: it is there twice. P2.

Its client gives no ident, so that only the reply that was read tells the second one
from another try of the first.
"""

from typing import Any, Final

from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.doubts import remove_doubts
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.ledger import check_end_of_log, read_all
from tests.simulation.mailbox import Account, new_store, open_account, settings_of
from tests.simulation.once import deliver_once, sent
from tests.simulation.report import CrashReport
from tests.simulation.walk import walk

LETTER: Final = sent(5, b"twice" * 20, in_doubt=True)
READ: Final = "the first reply was read"


def workload(disk: SimulatedDisk) -> None:
    """Deliver it; read the reply; deliver it again."""
    process = disk.process(1)
    account: Account = run(open_account(settings_of(process)), process)
    keys = DeliveryKeys()
    disk.acknowledge(run(deliver_once(account, keys, LETTER), process))
    run(remove_doubts(account.directory, {LETTER.key}), process)
    disk.acknowledge(READ)
    disk.acknowledge(run(deliver_once(account, keys, LETTER), process))


def check(crash: Crash) -> None:
    """Send the second one again, twice, to two processes: there are two of them.

    Behind a power loss nobody knows which replies were read: what was not answered may
    then be taken for the first.
    """
    disk = crash.disk
    if READ not in crash.acknowledged:
        return
    tries = {_sent_again(disk, pid) for pid in (50, 51)}
    assert len(tries) == 1, "another try was stored again"
    process = disk.process(52)
    account: Account = run(open_account(settings_of(process)), process)
    uids = [message.uid for message in read_all(process, account).messages]
    assert tries <= {*uids}, "a reply names a message that is not there"
    answered: tuple[Any, ...] = crash.acknowledged
    if crash.kind == "kill" or answered[-1] != READ:
        assert uids == [1, 2], "a second one was taken for the first"
    check_end_of_log(disk, account)


def _sent_again(disk: SimulatedDisk, pid: int) -> int:
    process = disk.process(pid)
    account: Account = run(open_account(settings_of(process)), process)
    uid: int = run(deliver_once(account, DeliveryKeys(), LETTER), process)
    return uid


def crashes() -> CrashReport:
    """Killed and powered off at every call."""
    found = Crashes(new_store(), workload, every_subset_up_to=4, random_subsets=4)
    return walk(found, check)
