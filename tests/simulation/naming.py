"""The claims about making, renaming and deleting mailboxes.

Behind a crash the tree is as it was behind the last change that was answered, or
the next one. Of two who change it at once each finds what the other one did.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index import shed
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import AccountOperation, Create
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.commit import commit
from imapbox.model.errors import MailboxExists, MailboxGone
from imapbox.model.names import MailboxName
from imapbox.store.create import ID_SIZE, create_mailbox_log
from imapbox.store.delete import delete_mailbox
from imapbox.store.tree_changes import Overtaken, creation, renaming
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    account_on,
    acknowledge,
    acknowledged,
    deliver,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.report import CrashReport, Report
from tests.simulation.served import Mail, Served, read_mail, served_store
from tests.simulation.walk import walk

COMMANDS: Final = (
    b"CREATE Work",
    b'SETMETADATA Work (/private/a "1" /shared/b "2")',
    b"COPY 1 Work",
    b"RENAME Work Play",
    b"DELETE Play",
    b"CREATE Work",
)
WORK: Final = MailboxName("Work")
TRASH: Final = MailboxName("Trash")
JUNK: Final = MailboxName("Junk")
DELETED: Final = "deleted"


def crashes(share: float = 1.0) -> CrashReport:
    """A tree that changes, killed and powered off at each call.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk = served_store()
    found: list[Mail] = [read_mail(disk.copy().process(40))]

    def workload(disk: SimulatedDisk) -> None:
        served = Served(disk)
        for number, command in enumerate(COMMANDS):
            assert served.say(command) == "OK"
            found.append(read_mail(disk.copy().process(41)))
            disk.acknowledge(number)
        served.end()

    crashes = Crashes(disk, workload, every_subset_up_to=4, random_subsets=4)
    return walk(crashes, partial(_check, pages=found), share)


def crashes_where_segments_go(share: float = 1.0) -> CrashReport:
    """The same, where each change begins a segment, and removes another.

    Args:
        share: Of the disks that a power loss may leave, how many are tried.
    """
    with patch.multiple(shed, LEAST=0, GROWN=0):
        return crashes(share)


def _check(crash: Crash, pages: list[Mail]) -> None:
    """Find a page, and go on from there."""
    done = len(crash.acknowledged)
    found = read_mail(crash.disk.process(50))
    assert found in pages[done : done + 2], "the tree is not what was answered"
    served = Served(crash.disk, 51)
    assert served.say(b"CREATE New") == "OK"
    assert served.say(b"COPY 1 New") == "OK"
    mail = read_mail(crash.disk.process(52))
    assert mail.meta == found.meta, "a fact was changed"
    again = mail.mailboxes
    new = again.pop("New")
    assert len(new.messages) == 1
    assert again == found.mailboxes, "another mailbox was changed"
    given = [each.uidvalidity for page in pages for each in page.mailboxes.values()]
    if done == len(COMMANDS):
        assert new.uidvalidity > max(given), "a UIDVALIDITY is given again"
    served.end()


def creator(account: Account, name: MailboxName) -> Steps[None]:
    """Make a mailbox, as `store.account` does."""
    state = account.state
    while True:
        mailbox_id = yield from steps.random(ID_SIZE)
        now = int((yield from steps.now()))
        given: Any = max(now, state.highest_uidvalidity + 1)
        settings = account.settings
        yield from create_mailbox_log(ALICE, mailbox_id, given, settings)
        try:
            decide = creation(Create(mailbox_id, given, name))
            yield from _change(account, decide)
        except Overtaken:
            account = yield from open_account(account.settings)
            state = account.state
        except MailboxExists:
            return
        else:
            yield from acknowledge((name, mailbox_id))
            return


def renamer(account: Account, old: MailboxName, new: MailboxName) -> Steps[None]:
    """Rename a mailbox, as `store.account` does."""
    mailbox_id = account.state.names[old].mailbox_id
    try:
        yield from _change(account, renaming(old, new))
    except MailboxExists:
        return
    yield from acknowledge((new, mailbox_id))


def _change(
    account: Account, decide: Callable[[AccountState], Sequence[AccountOperation]]
) -> Steps[None]:
    log, settings = account_log(ACCOUNT), account.settings
    change = ChangeAccount(account.state.copy(), decide)
    (outcome,) = yield from commit(log, settings, lambda: [change], command="change")
    if outcome.error is not None:
        raise outcome.error


def deleter(account: Account) -> Steps[None]:
    """Delete a mailbox."""
    yield from delete_mailbox(ALICE, account.state.copy(), TRASH, account.settings)
    yield from acknowledge(DELETED)


def late_deliverer(account: Account) -> Steps[None]:
    """Deliver into it; what was deleted before takes nothing."""
    account.name = TRASH
    promised = yield from acknowledged()
    try:
        yield from deliver(account, b"late")
    except MailboxGone:
        return
    assert DELETED not in promised, "a deleted mailbox took a message"


def two_of_one_name(preemptions: int = 1) -> Report:
    """Two who make a mailbox of the same name: one of them does."""
    return _explorer(*[(creator, WORK)] * 2).exhaust(preemptions=preemptions)


def two_mailboxes(preemptions: int = 1) -> Report:
    """Two who make a mailbox each: each gets a UIDVALIDITY of its own."""
    explorer = _explorer((creator, WORK), (creator, MailboxName("Play")))
    return explorer.exhaust(preemptions=preemptions)


def two_to_one_name(preemptions: int = 1) -> Report:
    """Two who give different mailboxes the same name: one of them does."""
    explorer = _explorer((renamer, TRASH, WORK), (renamer, JUNK, WORK))
    return explorer.exhaust(preemptions=preemptions)


def a_deletion_beside_a_delivery(preemptions: int = 1) -> Report:
    """One who deletes a mailbox, and one who delivers into it."""
    explorer = _explorer((deleter,), (late_deliverer,))
    return explorer.exhaust(preemptions=preemptions)


def _explorer(*makers: Any) -> Explorer:
    disk = new_store(TRASH, JUNK)
    disk.acknowledged = ()
    work = [
        partial(maker, account_on(disk, pid), *more)
        for pid, (maker, *more) in enumerate(makers, start=1)
    ]
    return Explorer(disk, work, _check_end)


def _check_end(disk: SimulatedDisk, ends: list[Any]) -> None:
    """Each name is the mailbox's for which that was answered."""
    del ends
    process = disk.copy().process(80)
    account: Account = run(open_account(settings_of(process)), process)
    state = account.state
    given = [each.uidvalidity for each in state.mailboxes.values()]
    assert len(set(given)) == len(given), "a UIDVALIDITY is given twice"
    assert len(state.names) == len(state.mailboxes), "two have one name"
    assert max(given) <= state.highest_uidvalidity
    for answer in disk.acknowledged:
        if answer == DELETED:
            assert TRASH not in state.names, "a deleted mailbox is there"
        else:
            name, mailbox_id = answer
            assert state.names[name].mailbox_id == mailbox_id, "it is another one"
