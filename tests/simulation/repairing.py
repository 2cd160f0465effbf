"""A damaged store, mended, on a simulated disk."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import AccountMeta
from imapbox.index.account_state import ChangeAccount
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.checked_log import CheckedLog, Severity
from imapbox.index.commit import commit
from imapbox.index.frame import FRAME_HEADER_SIZE, Frame
from imapbox.index.lost_found import LOST_FOUND
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.index.repair import Job, Mending, State
from imapbox.index.segment import ACCOUNT_META, segment_numbers
from imapbox.index.segment_scan import Scan, scan_segment
from imapbox.index.snapshot import HEADER_SIZE as SNAPSHOT_HEADER_SIZE
from imapbox.index.snapshot import SnapshotHeader
from imapbox.model.errors import MailboxDamaged, MailError
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from imapbox.store.cards import card_of_octets
from imapbox.store.repair import mend_user
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.explorer import Explorer
from tests.simulation.fault import Fault
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
from tests.simulation.report import CrashReport, Report
from tests.simulation.walk import walk, walk_errors

Damage = Callable[[SimulatedDisk, str], None]


class Case(NamedTuple):
    """What happened to a store.

    Attributes:
        damage: Does it.
        deep: It is only found by who reads all messages.
        segment_limit: How large the mailbox's segments are.
    """

    damage: Damage
    deep: bool = False
    segment_limit: int = 1 << 26


DONE: Final = "mended"
DATE: Final = "date"  # a column of snapshots
MEANWHILE: Final = b"meanwhile" * 20


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


def deliver_more(disk: SimulatedDisk, account: Account, numbers: range) -> None:
    """Let these messages come, and the process that stored them die."""
    process = disk.process(93)
    for number in numbers:
        run(deliver_carded(account, message(number)), process)
    disk.kill(93)


def with_facts(
    names: list[str], value: bytes = b"lrs"
) -> tuple[SimulatedDisk, Account]:
    """Return an account that notes facts of a mailbox, each in a frame; all durable."""
    disk, account = mailbox_with(6)
    note_facts(disk, account, names, value)
    disk.settle()
    return disk, account


def note_facts(
    disk: SimulatedDisk, account: Account, names: list[str], value: bytes = b"lrs"
) -> None:
    """Note facts of a mailbox, each in a frame."""
    process = disk.process(60)
    settings = settings_of(process)
    for name in names:
        fact = AccountMeta(account.mailbox_id, name, value)
        change = ChangeAccount(account.state.copy(), lambda _, fact=fact: [fact])
        log = account_log(ACCOUNT, ACCOUNT_META)
        run(commit(log, settings, lambda change=change: [change], command=""), process)
    disk.kill(60)


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
    for at in (20, 40):  # of one the CRC tells what it was
        flip(disk, f"{directory}/log.1", frame.start + FRAME_HEADER_SIZE + at)


def _break_tail(disk: SimulatedDisk, directory: str) -> None:
    content = disk.content(f"{directory}/log.1")
    start = frames_of(disk, directory)[-1].start
    put(disk, f"{directory}/log.1", content[:start] + b"\1" * 100)
    disk.boot += 1


def _lose_head(disk: SimulatedDisk, directory: str) -> None:
    lose(disk, f"{directory}/head")


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


def _flip_body(disk: SimulatedDisk, directory: str) -> None:
    flip(
        disk, f"{directory}/log.1", disk.content(f"{directory}/log.1").rindex(b"Hello")
    )


def _lose_lock(disk: SimulatedDisk, directory: str) -> None:
    lose(disk, f"{directory}/lock")


def _lose_head_too(disk: SimulatedDisk, directory: str) -> None:
    _flip_operation(disk, directory)
    _lose_head(disk, directory)


def _spoil_snapshot(disk: SimulatedDisk, directory: str) -> None:
    account = account_on(disk, 81)
    assert account.directory == directory
    session, process = Session(account), disk.process(81)
    run(session.open(), process)
    name = run(session.save(), process)
    disk.kill(81)
    spoil(disk, f"{directory}/{name}")


def spoil(disk: SimulatedDisk, path: str) -> None:
    """Spoil of a snapshot what nobody looks at before it is asked for."""
    header = SnapshotHeader.decode(disk.content(path)[:SNAPSHOT_HEADER_SIZE])
    assert header is not None
    flip(disk, path, next(part.offset for part in header.parts() if part.name == DATE))


def _lose_register(disk: SimulatedDisk, directory: str) -> None:
    """Let rights be given that the register of who shares what does not know."""
    account = account_on(disk, 81)
    assert account.directory == directory
    note_facts(disk, account, ["acl bob"])


ROTATED: Final = 300  # so large is a segment that has room for one message
# What happened to a store, by name; what is to be done then differs.
DAMAGES: Final = {
    "operation": Case(_flip_operation),
    "tail": Case(_break_tail),
    "lost head": Case(_lose_head),
    "lost account": Case(_lose_account),
    "broken account": Case(_break_account),
    "mark": Case(_mark),
    "lost mailbox": Case(_lose_mailbox),
    "operation of a rotated log": Case(_flip_operation, segment_limit=ROTATED),
    "body": Case(_flip_body, deep=True),
    "lost lock": Case(_lose_lock),
    "operation, and no head": Case(_lose_head_too),
    "spoilt snapshot": Case(_spoil_snapshot),
    "lost register": Case(_lose_register),
}


def damaged_store(name: str) -> tuple[SimulatedDisk, Account]:
    """Return a store to which something happened."""
    case = DAMAGES[name]
    disk, account = mailbox_with(3, segment_limit=case.segment_limit)
    case.damage(disk, account.directory)
    disk.settle()
    return disk, account


class _Mended:
    """What becomes of a store, and what must be true of it whatever disturbs that.

    Args:
        name: Of what happened to it.

    Attributes:
        disk: As it is before.
    """

    def __init__(self, name: str) -> None:
        self.disk, self._account = damaged_store(name)
        self._deep = DAMAGES[name].deep
        untouched = self.disk.copy()
        self.repair(untouched, 1)
        self._after = look(untouched, 60, self._account.mailbox_id)

    def repair(self, disk: SimulatedDisk, pid: int) -> list[Mending]:
        """Do as the command does, and return what it says."""
        return repair(disk, pid, deep=self._deep)

    def failing(self, disk: SimulatedDisk, pid: int) -> list[Mending]:
        """Do as the command does on a disk that fails; return what it says is done."""
        process = disk.process(pid)
        job = Job(settings_of(process), apply=True)
        with suppress(MailError, OSError):
            run(mend_user(ALICE, job, OWNER, deep=self._deep), process)
        return [each for each in job.mended if each.state is State.DONE]

    def check(
        self, disk: SimulatedDisk, *, done: bool, mended: Sequence[Mending] = ()
    ) -> None:
        """Mend it again, and a third time; it is what it would be, undisturbed.

        Args:
            disk: What was left.
            done: Whether all was said to be done.
            mended: What was.
        """
        said = self.repair(disk, 51)
        paths = {each.path for each in mended}
        late = [
            each
            for each in said
            if (done or each.path in paths) and each.sentence != SETTLED
        ]
        assert not late, f"a second run has something to do: {late}"
        seen = look(disk, 52, self._account.mailbox_id)
        _check_messages(seen, self._after)
        uidvalidity = self._account.state.names[self._account.name].uidvalidity
        assert seen.uidvalidity >= uidvalidity, "UIDVALIDITY goes back"
        said = self.repair(disk, 53)
        assert not said, f"a third run has something to do: {said}"
        assert not worst(disk, 55, self._account.directory)
        assert not worst(disk, 56, ACCOUNT)
        self._check_kept(disk)
        process = disk.process(54)
        mailbox: Account = run(open_account(settings_of(process)), process)
        run(deliver(mailbox, b"afterwards"), process)
        check_end_of_log(disk, mailbox)

    def check_mail(self, crash: Crash) -> None:
        """Deliver a message, and mend it again; what was taken is there."""
        disk = crash.disk
        process = disk.process(50)
        mailbox: Account = run(open_account(settings_of(process)), process)
        bodies = Counter(each.body for each in self._after.messages)
        with suppress(MailboxDamaged):
            run(deliver(mailbox, MEANWHILE), process)
            bodies[MEANWHILE] += 1
        disk.kill(50)
        self.repair(disk, 51)
        found = look(disk, 52, self._account.mailbox_id).messages
        assert Counter(each.body for each in found) == bodies, "a message is gone"

    def _check_kept(self, disk: SimulatedDisk) -> None:
        """See that what was taken out of the store is kept."""
        kept = [
            content
            for path, content in disk.tree().items()
            if path.startswith(f"{LOST_FOUND}/")
        ]
        for path, content in self.disk.tree().items():
            if "/log." in path and path not in disk.names:
                assert content in kept, f"{path} is gone, and is not kept"


def crashes(name: str, share: float) -> CrashReport:
    """Mend a store, killed and powered off at each call; then mend it again.

    Args:
        name: Of what happened to it.
        share: Of the disks that a power loss may leave, how many are tried.
    """
    mended = _Mended(name)

    def workload(disk: SimulatedDisk) -> None:
        mended.repair(disk, 1)
        run(acknowledge(DONE), disk.process(2))

    def check(crash: Crash) -> None:
        mended.check(crash.disk, done=DONE in crash.acknowledged)

    found = Crashes(
        _settled(mended.disk), workload, every_subset_up_to=4, random_subsets=6
    )
    return walk(found, check, share)


def mail_behind_crashes(name: str) -> CrashReport:
    """Mend a store, killed at each call; then mail comes; then it is mended again.

    Args:
        name: Of what happened to it.
    """
    mended = _Mended(name)

    def workload(disk: SimulatedDisk) -> None:
        mended.repair(disk, 1)

    found = Crashes(_settled(mended.disk), workload, ("kill",))
    return walk(found, mended.check_mail)


def _settled(disk: SimulatedDisk) -> SimulatedDisk:
    """Return a copy of which all is durable, and of which a journal is kept."""
    disk = disk.copy()
    disk.settle()
    return disk


def errors(name: str, step: int = 1) -> CrashReport:
    """A call that fails while it is mended, each in turn; then it is mended again.

    Args:
        name: Of what happened to it.
        step: Only each so-many-th call is tried.
    """
    mended = _Mended(name)

    def attempt(fault: Fault) -> None:
        disk = mended.disk.copy()
        disk.faults = (fault,)
        done = mended.failing(disk, 1)
        disk.faults = ()
        disk.kill(1)
        mended.check(disk, done=False, mended=done)

    return CrashReport(0, 0, walk_errors(attempt, step=step))


def beside_a_delivery(name: str, preemptions: int = 1) -> Report:
    """A store that is mended while somebody delivers, and is told if he can't."""
    disk, account = damaged_store(name)
    disk.acknowledged = ()
    makers = [
        partial(mends, _as_process(account, 1)),
        partial(_deliverer, _as_process(account, 2)),
    ]
    return Explorer(disk, makers, _check_end).exhaust(preemptions=preemptions)


# What any writer does behind a crash; a head is never found for sure.
SETTLED: Final = "its end is found again"
MOVED: Final = "it is moved to lost+found"


def _check_messages(seen: Snapshot, after: Snapshot) -> None:
    """See that messages are what they would be; a new one may have another UID."""
    known = {each.uid: each for each in after.messages}
    for each in seen.messages:
        if known.get(each.uid) != each:
            assert each.flags == 0
            assert not each.keywords
    bodies = [sorted(each.body for each in some.messages) for some in (seen, after)]
    assert bodies[0] == bodies[1], f"a message is lost, or there twice: {bodies}"


def _as_process(account: Account, pid: int) -> Account:
    return replace(account, settings=replace(account.settings, pid=pid))


def mends(account: Account) -> Steps[None]:
    """Do as the command does."""
    job = Job(account.settings, apply=True)
    yield from mend_user(ALICE, job, OWNER)


def _deliverer(account: Account) -> Steps[None]:
    """Deliver a message, unless the mailbox takes none."""
    try:
        yield from deliver(account, MEANWHILE)
    except MailboxDamaged:
        return
    yield from acknowledge(MEANWHILE)


def _check_end(disk: SimulatedDisk, ends: list[Any]) -> None:
    del ends
    seen = look(disk.copy(), 80)
    for body in disk.acknowledged:
        assert body in [each.body for each in seen.messages], "a message is gone"


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
