"""What a mailbox must be after a crash, said without the product's help.

A `Ledger` runs changes one after another in one process and keeps, in a plain
model, the mailbox as it is after each. The log is one sequence: whatever
happens, a later session must find the mailbox as it was behind one of these
changes, none earlier than the last that was acknowledged (P1), each whole or
absent (P2), and so no number goes back (P3).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from imapbox.disk.steps import Steps
from imapbox.index.commit import Log, commit
from imapbox.index.head import Head
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.model.errors import DiskFull, MailboxDamaged, MailError
from imapbox.model.flags import Flag
from tests.simulation.crash import Crash
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.mailbox import (
    Account,
    Message,
    Session,
    Snapshot,
    deliver,
    open_account,
    sees,
    settings_of,
    submit,
)

WRITER: Final = 1
SEGMENT_LIMIT: Final = 6_000
SECOND_LIFE: Final = b"second life"


@dataclass(slots=True)
class Ledger:
    """Changes, and the mailbox behind each.

    Attributes:
        pages: The mailbox at first and behind each change that was begun.
        refused: Changes that were refused; nothing of them may be seen.
        damaged: A sync failed: the last page may or may not turn up.
    """

    pages: list[Snapshot] = field(default_factory=list)
    refused: int = 0
    damaged: bool = False

    def may_be(self, acknowledged: tuple[Any, ...]) -> list[Snapshot]:
        """Return the mailboxes that may be found, given what was promised.

        A number is the page that was acknowledged. A second life was shown a
        page, which must stay, and was answered for a message behind it.
        """
        match acknowledged[-1] if acknowledged else 0:
            case ("shown", number):
                page = self.pages[number]
                return [page, _with(page, SECOND_LIFE)]
            case ("answered", number):
                return [_with(self.pages[number], SECOND_LIFE)]
            case number:
                return self.pages[number:]


class Work:
    """A process that changes the mailbox, and writes it into the ledger."""

    def __init__(
        self, disk: SimulatedDisk, ledger: Ledger, pid: int = WRITER, **more: Any
    ) -> None:
        self.disk = disk
        self.ledger = ledger
        self.process = disk.process(pid)
        settings = settings_of(self.process, **{"segment_limit": SEGMENT_LIMIT, **more})
        self.account: Account = self.run(open_account(settings))
        self.session = Session(self.account)
        self.run(self.session.open())
        if not ledger.pages:
            ledger.pages.append(self.run(self.session.snapshot()))

    def run(self, steps: Steps[Any]) -> Any:
        """Run a protocol to its end."""
        return run(steps, self.process)

    def deliver(self, *messages: bytes) -> None:
        """Deliver messages in one batch, each a transaction of its own."""
        wishes = [AppendMessages([sees(message)]) for message in messages]

        def batch() -> Steps[Any]:
            outcomes = yield from commit(
                Log(self.account.inbox, MailboxFacts),
                self.account.settings,
                lambda: wishes,
                command="deliver",
                guard=self.account.binding().check,
            )
            for outcome in outcomes:
                if outcome.error is not None:
                    raise outcome.error

        pages = []
        page = self.ledger.pages[-1]
        for message in messages:
            page = _with(page, message)
            pages.append(page)
        self._attempt(batch(), *pages)

    def append(self, *messages: bytes) -> None:
        """Add messages, all in one frame."""
        page = self.ledger.pages[-1]
        modseq = page.modseq + 1
        for message in messages:
            page = _with(page, message)._replace(modseq=modseq)
        wish = AppendMessages([sees(message) for message in messages])
        self._attempt(submit(self.account, wish, "append"), page)

    def store(self, uids: set[int], flags: Flag, *keywords: str) -> None:
        """Add flags and keywords."""
        page = self.ledger.pages[-1]
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

    def expunge(self) -> None:
        """Remove what is marked as deleted."""
        page = self.ledger.pages[-1]
        after = page._replace(
            modseq=page.modseq + 1,
            messages=tuple(
                message for message in page.messages if not message.flags & Flag.DELETED
            ),
        )
        self._attempt(self.session.expunge(), after)

    def _attempt(self, steps: Steps[Any], *pages: Snapshot) -> None:
        """Make a change; answer the client."""
        self.ledger.pages += pages
        try:
            self.run(steps)
        except DiskFull:
            del self.ledger.pages[-len(pages) :]
            self.ledger.refused += 1
        except MailboxDamaged:
            self.ledger.damaged = True
            raise
        else:
            self.disk.acknowledge(len(self.ledger.pages) - 1)
        self.run(self.session.sync())
        found = self.run(self.session.snapshot())
        assert found == self.ledger.pages[-1], "the writer's own session disagrees"


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


def check_recovery(crash: Crash, allowed: list[Snapshot], *, reads: bool) -> None:
    """Start anew on what the crash left, read it, go on, and read it again.

    Args:
        crash: What was left.
        allowed: The mailboxes that may be found.
        reads: Read first; else deliver first.
    """
    disk = crash.disk
    process = disk.process(50)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    found = None
    if reads:
        found = read_all(process, account)
        assert found in allowed, f"found {found}, not one of {allowed}"
        allowed = [found]
    uid = run(deliver(account, b"afterwards"), process)
    after = [_with(page, b"afterwards") for page in allowed]
    again = read_all(disk.process(51), account)
    assert again in after, f"found {again}, not one of {after}"
    assert again.messages[-1].uid == uid
    check_end_of_log(disk, account)


def read_all(process: SimulatedFileSystem, account: Account) -> Snapshot:
    """Return what a new session finds."""
    session = Session(account)
    run(session.open(), process)
    found: Snapshot = run(session.snapshot(), process)
    run(session.close(), process)
    return found


def check_end_of_log(disk: SimulatedDisk, account: Account) -> None:
    """Behind what the head says there are zeros."""
    head = Head.decode(disk.content(f"{account.inbox}/head"))
    assert head is not None
    log = disk.content(f"{account.inbox}/log.{head.position.segment}")
    behind = log[head.position.offset :]
    assert behind == bytes(len(behind)), "there is something behind the log's end"


def live_again(disk: SimulatedDisk, ledger: Ledger) -> None:
    """Be the workload behind a crash: read, deliver.

    What a client was shown must stay, as if it had been acknowledged.
    """
    process = disk.process(60)
    settings = settings_of(process, segment_limit=SEGMENT_LIMIT)
    account: Account = run(open_account(settings), process)
    number = ledger.pages.index(read_all(process, account))
    disk.acknowledge(("shown", number))
    run(deliver(account, SECOND_LIFE), process)
    disk.acknowledge(("answered", number))


def run_into_errors(work: Callable[[], None]) -> type[MailError] | None:
    """Run; return the error that ended it."""
    try:
        work()
    except MailboxDamaged:
        return MailboxDamaged
    return None
