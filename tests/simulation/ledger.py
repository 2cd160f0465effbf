"""What a mailbox must be after a crash, said without the product's help.

A `Ledger` runs changes one after another in one process and keeps, in a plain
model, the mailbox as it is after each. The log is one sequence: whatever
happens, a later session must find the mailbox as it was behind one of these
changes, none earlier than the last that was acknowledged (P1), each whole or
absent (P2), and so no number goes back (P3).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from imapbox.disk.steps import Steps
from imapbox.index.commit import Log, commit
from imapbox.index.head import Head
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.model.errors import DiskFull, MailboxDamaged
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX, MailboxName
from tests.simulation.crash import Crash
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.fault import Fault
from tests.simulation.mailbox import (
    Account,
    Message,
    Session,
    Snapshot,
    compacted,
    deliver,
    open_account,
    sees,
    settings_of,
    submit,
)

WRITER: Final = 1
SEGMENT_LIMIT: Final = 6_000
SECOND_LIFE: Final = b"second life"

Failing: TypeAlias = Callable[[SimulatedDisk], None]


@dataclass(slots=True)
class Ledger:
    """Changes, and the mailbox behind each.

    Attributes:
        pages: For each answer that was given (the first was none) the mailboxes
            that may be found until the next: as it is then, and as it is behind
            each change that was begun since.
        damaged: A sync or a write failed, the last change is in doubt.
        refused: How many changes were refused.
    """

    pages: list[list[Snapshot]] = field(default_factory=list)
    damaged: bool = False
    refused: int = 0

    @property
    def now(self) -> Snapshot:
        """Return the mailbox as it is."""
        return self.pages[-1][0]

    def may_be(self, answers: tuple[Any, ...]) -> list[Snapshot]:
        """Return the mailboxes that may be found, given the answers.

        An answer is OK or NO, and its number. A second life was shown a page,
        which must stay, and was answered for a message behind it.
        """
        match answers[-1] if answers else ("", 0):
            case ("shown", number, place):
                page = self.pages[number][place]
                return [page, _with(page, SECOND_LIFE)]
            case ("answered", number, place):
                return [_with(self.pages[number][place], SECOND_LIFE)]
            case (_, number):
                return self.pages[number]
        raise TypeError("no answer of ours", answers)


class Work:
    """A process that changes the mailbox, and writes it into the ledger."""

    def __init__(
        self,
        disk: SimulatedDisk,
        ledger: Ledger,
        pid: int = WRITER,
        name: MailboxName = INBOX,
        **more: Any,
    ) -> None:
        self.disk = disk
        self.ledger = ledger
        self.process = disk.process(pid)
        settings = settings_of(self.process, **{"segment_limit": SEGMENT_LIMIT, **more})
        self.account: Account = self.run(open_account(settings))
        self.account.name = name
        self.session = Session(self.account)
        self.run(self.session.open())
        if not ledger.pages:
            ledger.pages.append([self.run(self.session.snapshot())])

    def run(self, steps: Steps[Any]) -> Any:
        """Run a protocol to its end."""
        return run(steps, self.process)

    def deliver(self, *messages: bytes) -> None:
        """Deliver messages in one batch, each a transaction of its own."""
        wishes = [AppendMessages([sees(message)]) for message in messages]

        def batch() -> Steps[Any]:
            outcomes = yield from commit(
                Log(self.account.directory, MailboxFacts),
                self.account.settings,
                lambda: wishes,
                command="deliver",
                guard=self.account.binding().check,
            )
            errors = [outcome.error for outcome in outcomes if outcome.error]
            if len(errors) == len(messages):
                raise errors[0]
            self.ledger.refused += len(errors)
            page = self.ledger.now
            for message, outcome in zip(messages, outcomes, strict=True):
                page = _with(page, message) if outcome.error is None else page
            return page

        # On a full disk any of them may be refused alone.
        pages = [self.ledger.now]
        for message in messages:
            pages += [_with(page, message) for page in pages]
        self._attempt(batch(), *pages[1:])

    def append(self, *messages: bytes) -> None:
        """Add messages, all in one frame."""
        page = self.ledger.now
        modseq = page.modseq + 1
        for message in messages:
            page = _with(page, message)._replace(modseq=modseq)
        wish = AppendMessages([sees(message) for message in messages])
        self._attempt(submit(self.account, wish, "append"), page)

    def store(self, uids: set[int], flags: Flag, *keywords: str) -> None:
        """Add flags and keywords."""
        page = self.ledger.now
        after = page._replace(
            modseq=page.modseq + 1,
            messages=tuple(
                message._replace(
                    flags=message.flags | flags,
                    keywords=message.keywords | set(keywords),
                )
                if message.uid in uids
                else message
                for message in page.messages
            ),
        )
        self._attempt(self.session.store(uids, flags, *keywords), after)

    def save(self) -> None:
        """Make a snapshot; nothing is answered, and nothing changes."""
        with suppress(OSError):  # no room for it
            self.run(self.session.save())

    def expunge(self) -> None:
        """Remove what is marked as deleted."""
        page = self.ledger.now
        after = page._replace(
            modseq=page.modseq + 1,
            messages=tuple(
                message for message in page.messages if not message.flags & Flag.DELETED
            ),
        )
        self._attempt(self.session.expunge(), after)

    def compact(self, **policy: Any) -> None:
        """Give back what nobody needs: no client sees anything of it."""
        self.run(compacted(self.account, **policy))
        self.run(self.session.sync())
        found = self.run(self.session.snapshot())
        assert found == self.ledger.now, "compaction changed something"

    def _attempt(self, steps: Steps[Any], *pages: Snapshot) -> None:
        """Make a change; answer the client."""
        before = self.ledger.now
        if pages[-1].messages == before.messages:
            pages = (before,)  # there is nothing to do
        self.ledger.pages[-1] += pages
        try:
            done = self.run(steps)
        except (DiskFull, OSError):  # the latter if no segment can be made
            self.ledger.refused += 1
            self._answer("NO", before)
        except MailboxDamaged:
            self.ledger.damaged = True
            raise
        else:
            self._answer("OK", done if isinstance(done, Snapshot) else pages[-1])
        self.run(self.session.sync())
        found = self.run(self.session.snapshot())
        assert found == self.ledger.now, "the writer's own session disagrees"

    def _answer(self, word: str, page: Snapshot) -> None:
        self.ledger.pages.append([page])
        self.disk.acknowledge((word, len(self.ledger.pages) - 1))


def _with(page: Snapshot, body: bytes) -> Snapshot:
    message = Message(page.uidnext, 0, frozenset(), body)
    return page._replace(
        uidnext=page.uidnext + 1,
        modseq=page.modseq + 1,
        messages=(*page.messages, message),
    )


def everything(work: Work) -> None:
    """Deliver, append, store, expunge and rotate."""
    work.deliver(b"small" * 20)
    work.deliver(b"first of a batch" * 30, b"second of a batch" * 40)
    work.store({1, 2}, Flag.SEEN, "Important")
    work.append(b"one" * 150, b"two" * 150)
    work.store({2, 4}, Flag.DELETED)
    work.expunge()
    work.deliver(b"large" * 900)  # fills the segment
    work.deliver(b"in the next segment" * 10)
    work.store({6}, Flag.FLAGGED, "Other")


def short(work: Work) -> None:
    """The same, with less of it."""
    work.deliver(b"first" * 200)
    work.store({1}, Flag.SEEN, "Important")
    work.deliver(b"large" * 1000)
    work.deliver(b"next" * 20, b"batch" * 20)


def saved(work: Work) -> None:
    """Do something of each, and make snapshots between."""
    work.deliver(b"first" * 200)
    work.save()
    work.store({1}, Flag.SEEN | Flag.DELETED, "Important")
    work.deliver(b"large" * 1000)
    work.expunge()
    work.deliver(b"next" * 20)
    work.save()


def check_recovery(crash: Crash, allowed: list[Snapshot], *, reads: bool) -> None:
    """Start anew on what the crash left, read it, go on, and read it again.

    Args:
        crash: What was left.
        allowed: The mailboxes that may be found.
        reads: Read first; else deliver first.
    """
    disk = crash.disk
    damaged = is_damaged(disk)
    process = disk.process(50)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    found = None
    if reads:
        found = read_all(process, account)
        assert found in allowed, f"found {found}, not one of {allowed}"
        allowed = [found]
    try:
        uid = run(deliver(account, b"afterwards"), process)
    except MailboxDamaged:
        assert damaged, "refused for no reason"
        assert read_all(disk.process(51), account) in allowed
        return
    after = [_with(page, b"afterwards") for page in allowed]
    again = read_all(disk.process(51), account)
    assert again in after, f"found {again}, not one of {after}"
    assert again.messages[-1].uid == uid
    check_end_of_log(disk, account)


def is_damaged(disk: SimulatedDisk) -> bool:
    """Say whether the mark is there."""
    return any(path.endswith("/damaged") for path in disk.names)


def read_all(process: SimulatedFileSystem, account: Account) -> Snapshot:
    """Return what a new session finds."""
    session = Session(account)
    run(session.open(), process)
    found: Snapshot = run(session.snapshot(), process)
    run(session.close(), process)
    return found


def check_end_of_log(disk: SimulatedDisk, account: Account) -> None:
    """Behind what the head says there are zeros."""
    head = Head.decode(disk.content(f"{account.directory}/head"))
    assert head is not None
    log = disk.content(f"{account.directory}/log.{head.position.segment}")
    behind = log[head.position.offset :]
    assert behind == bytes(len(behind)), "there is something behind the log's end"


def live_again(disk: SimulatedDisk, ledger: Ledger, *, delivers: bool = True) -> None:
    """Be the workload behind a crash: read, and perhaps deliver.

    What a client was shown must stay, as if it had been acknowledged.
    """
    damaged = is_damaged(disk)
    process = disk.process(60)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    (_, number) = disk.acknowledged[-1] if disk.acknowledged else ("", 0)
    place = ledger.pages[number].index(read_all(process, account))
    disk.acknowledge(("shown", number, place))
    if not delivers:
        return
    try:
        run(deliver(account, SECOND_LIFE), process)
    except MailboxDamaged:
        assert damaged, "refused for no reason"
        return
    disk.acknowledge(("answered", number, place))


def fail_at(fault: Fault, work: Callable[[Work], None], ledger: Ledger) -> Failing:
    """Return a workload in which one call fails, and what must hold behind it."""

    def workload(disk: SimulatedDisk) -> None:
        worker = Work(disk, ledger)
        disk.faults = (fault,)
        try:
            work(worker)
        except MailboxDamaged:
            check_damaged_mailbox(worker)
        finally:
            disk.faults = ()
        if not ledger.damaged:
            found = read_all(disk.process(40), worker.account)
            assert found == ledger.now

    return workload


def check_damaged_mailbox(work: Work) -> None:
    """Writers refuse, readers read on."""
    pages = work.ledger.pages[-1]
    with suppress(MailboxDamaged):
        uid = work.run(deliver(work.account, b"must be refused"))
        raise AssertionError("a damaged mailbox took a message", uid)
    work.run(work.session.sync())
    assert work.run(work.session.snapshot()) in pages
    assert read_all(work.disk.process(40), work.account) in pages
