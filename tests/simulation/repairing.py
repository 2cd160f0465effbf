"""A damaged store, mended, on a simulated disk."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.check import CheckedLog, Severity, check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.frame import FRAME_HEADER_SIZE, Frame
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.index.repair import Job, Mending
from imapbox.index.segment import segment_numbers
from imapbox.index.segment_scan import Scan, scan_segment
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from imapbox.store.cards import card_of_octets
from imapbox.store.repair import mend_user
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.ledger import check_end_of_log
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    Session,
    Snapshot,
    account_on,
    acknowledge,
    deliver,
    new_store,
    open_account,
    sees,
    settings_of,
    submit,
)
from tests.simulation.report import CrashReport
from tests.simulation.walk import walk

Damage = Callable[[SimulatedDisk, str], None]

DONE: Final = "mended"


def message(number: int) -> bytes:
    """Return a message as a client sends it."""
    return (
        f"From: a@b.example\r\nSubject: number {number}\r\n\r\nHello {number}.\r\n"
    ).encode()


def deliver_carded(account: Account, octets: bytes) -> Steps[int]:
    """Append a message with its card; return its UID."""
    incoming = sees(octets)._replace(card=card_of_octets(octets))
    transaction = AppendMessages([incoming])
    yield from submit(account, transaction, "deliver")
    (uid,) = transaction.uids
    return uid


def mailbox_with(
    count: int, *, segment_limit: int = 1 << 26
) -> tuple[SimulatedDisk, Account]:
    """Return a store with messages in INBOX, some flagged; all durable.

    UID 2 is flagged and has a keyword; the last but one was expunged.
    """
    disk = new_store()
    account = account_on(disk, 70)
    account = replace(
        account, settings=replace(account.settings, segment_limit=segment_limit)
    )
    process = disk.process(70)
    for number in range(1, count + 1):
        run(deliver_carded(account, message(number)), process)
        if number == 2:
            session = Session(account)
            run(session.open(), process)
            run(session.store({2}, Flag.FLAGGED, "work"), process)
    session = Session(account)
    run(session.open(), process)
    run(session.store({count - 1}, Flag.DELETED), process)
    run(session.sync(), process)
    run(session.expunge(), process)
    disk.kill(70)
    disk.settle()
    return disk, account


def repair(
    disk: SimulatedDisk, pid: int, *, apply: bool = True, deep: bool = False
) -> list[Mending]:
    """Do as the command does, and return what it says."""
    process = disk.process(pid)
    job = Job(settings_of(process), apply)
    run(mend_user(ALICE, job, OWNER, deep=deep), process)
    disk.kill(pid)
    return job.mended


def look(disk: SimulatedDisk, pid: int, mailbox_id: bytes | None = None) -> Snapshot:
    """Return what a client sees in a mailbox; without an id, in INBOX."""
    process = disk.process(pid)
    account: Account = run(open_account(settings_of(process)), process)
    assert INBOX in account.state.names, "there is no INBOX"
    if mailbox_id is not None:
        account = replace(account, name=account.state.mailboxes[mailbox_id].name)
    session = Session(account)
    run(session.open(), process)
    assert not session.damaged, "it takes no changes"
    seen: Snapshot = run(session.snapshot(), process)
    assert seen.uidvalidity == account.state.names[account.name].uidvalidity
    disk.kill(pid)
    return seen


def worst(disk: SimulatedDisk, pid: int, directory: str) -> list[Any]:
    """Return what a check finds that is no note."""
    process = disk.process(pid)
    audit: Any = AccountAudit if directory == ACCOUNT else MailboxAudit
    checked: CheckedLog[Any] = run(check_log(directory, audit, OWNER), process)
    return [each for each in checked.findings if each.severity is not Severity.NOTE]


def put(disk: SimulatedDisk, path: str, octets: bytes) -> None:
    """Let a file have this content."""
    disk.data[disk.names[path]] = octets


def flip(disk: SimulatedDisk, path: str, at: int) -> None:
    """Flip a bit of a file."""
    octets = bytearray(disk.content(path))
    octets[at] ^= 1
    put(disk, path, bytes(octets))


def lose(disk: SimulatedDisk, path: str) -> None:
    """Let a file be gone."""
    disk.data.pop(disk.names.pop(path))


def _flip_operation(disk: SimulatedDisk, directory: str) -> None:
    frame = frames_of(disk, directory)[1]
    flip(disk, f"{directory}/log.1", frame.start + FRAME_HEADER_SIZE + 20)


def _break_tail(disk: SimulatedDisk, directory: str) -> None:
    content = disk.content(f"{directory}/log.1")
    start = frames_of(disk, directory)[-1].start
    put(disk, f"{directory}/log.1", content[:start] + b"\1" * 100)
    disk.boot += 1


def _lose_account(disk: SimulatedDisk, directory: str) -> None:
    del directory
    for name in ("log.1", "head"):
        lose(disk, f"{ACCOUNT}/{name}")


def _break_account(disk: SimulatedDisk, directory: str) -> None:
    del directory
    flip(disk, f"{ACCOUNT}/log.1", 200)


def _mark(disk: SimulatedDisk, directory: str) -> None:
    process = disk.process(80)
    process.close(process.open(f"{directory}/damaged", Mode.CREATE))
    disk.kill(80)


def _lose_mailbox(disk: SimulatedDisk, directory: str) -> None:
    for path in [path for path in disk.names if path.startswith(directory)]:
        lose(disk, path)


# What happened to a store, by name; what is to be done then differs.
DAMAGES: Final[dict[str, Damage]] = {
    "operation": _flip_operation,
    "tail": _break_tail,
    "lost account": _lose_account,
    "broken account": _break_account,
    "mark": _mark,
    "lost mailbox": _lose_mailbox,
}


def crashes(name: str, share: float) -> CrashReport:
    """Mend a store, killed and powered off at each call; then mend it again.

    Args:
        name: Of what happened to it.
        share: Of the disks that a power loss may leave, how many are tried.
    """
    disk, account = mailbox_with(3)
    DAMAGES[name](disk, account.directory)
    disk.settle()
    untouched = disk.copy()
    repair(untouched, 1)
    after = look(untouched, 60, account.mailbox_id)

    def workload(disk: SimulatedDisk) -> None:
        repair(disk, 1)
        run(acknowledge(DONE), disk.process(2))

    found = Crashes(disk, workload, every_subset_up_to=4, random_subsets=6)
    return walk(found, partial(_check, account=account, after=after), share)


# What any writer does behind a crash; a head is never found for sure.
SETTLED: Final = "its end is found again"


def _check(crash: Crash, account: Account, after: Snapshot) -> None:
    disk = crash.disk
    said = repair(disk, 51)
    if DONE in crash.acknowledged:
        late = [each for each in said if each.sentence != SETTLED]
        assert not late, f"a second run has something to do: {late}"
    seen = look(disk, 52, account.mailbox_id)
    _check_messages(seen, after)
    uidvalidity = account.state.names[account.name].uidvalidity
    assert seen.uidvalidity >= uidvalidity, "UIDVALIDITY goes back"
    said = repair(disk, 53)
    assert not said, f"a third run has something to do: {said}"
    process = disk.process(54)
    mailbox: Account = run(open_account(settings_of(process)), process)
    assert not worst(disk, 55, account.directory)
    assert not worst(disk, 56, ACCOUNT)
    run(deliver(mailbox, b"afterwards"), process)
    check_end_of_log(disk, mailbox)


def _check_messages(seen: Snapshot, after: Snapshot) -> None:
    """See that messages are what they would be; a new one may have another UID."""
    known = {each.uid: each for each in after.messages}
    for each in seen.messages:
        if known.get(each.uid) != each:
            assert each.flags == 0
            assert not each.keywords
    bodies = [sorted(each.body for each in some.messages) for some in (seen, after)]
    assert bodies[0] == bodies[1], f"a message is lost, or there twice: {bodies}"


def segments(disk: SimulatedDisk, directory: str) -> list[int]:
    """Return the numbers of a log's segments."""
    names = [
        path.rpartition("/")[2]
        for path in disk.names
        if path.startswith(f"{directory}/")
    ]
    return segment_numbers(names)


def frames_of(disk: SimulatedDisk, directory: str, number: int = 1) -> list[Frame]:
    """Return the frames of a sound segment."""
    scan: Scan = run(scan_segment(directory, number, []), disk.copy().process(99))
    return scan.frames
