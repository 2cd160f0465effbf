"""A mailbox's log, made, changed and read as the product does it.

On the simulated disk where many are needed, on a real one where the real one
is the point.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from imapbox.disk.filesystem import FileSystem, Mode
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import Steps, perform_patiently
from imapbox.index.account_operations import AccountBase
from imapbox.index.account_state import AccountState
from imapbox.index.body import Place, Span, read_bodies
from imapbox.index.changes import Changed
from imapbox.index.commit import Log, commit
from imapbox.index.compact import Compacted, compact
from imapbox.index.compact_plan import Policy
from imapbox.index.create import create_log
from imapbox.index.head import HEAD_SIZE, NO_COUNTS, Counts, Head
from imapbox.index.known import Known, Row
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
    SetFlags,
)
from imapbox.index.opening import Opened, open_log
from imapbox.index.operations import Base
from imapbox.index.relocate import RelocateMessages, read_moving
from imapbox.index.segment import ACCOUNT_META
from imapbox.index.settings import Settings
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.index.transaction import Outcome, Transaction
from imapbox.mailbox.view import View
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.message import InternalDate
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run

ID: Final = bytes(range(16))
UIDVALIDITY: Final = 1_700_000_000
DIRECTORY: Final = "m"


def simulated() -> SimulatedFileSystem:
    """Return a process on a disk of its own, of which no record is kept."""
    disk = SimulatedDisk()
    disk.journal = disk.calls = None
    return disk.process(1)


def incoming(  # noqa: PLR0913 - a message's facts
    octets: bytes = b"Subject: x\r\n\r\nx\r\n",
    flags: Flag = Flag(0),  # noqa: B008 - a value
    keywords: Iterable[str] = (),
    *,
    header: bytes = b"Return-Path: <>\r\n",
    date: InternalDate | None = None,
    card: bytes = b"",
) -> Incoming:
    """Return a message to be appended."""
    digest = blake2b(header + octets, digest_size=16).digest()
    return Incoming(
        header,
        zlib.crc32(header),
        MemoryContent(octets),
        digest,
        date,
        flags,
        frozenset(keywords),
        card,
    )


def execute(steps: Steps[Any], files: FileSystem) -> Any:
    """Run a protocol on a disk of either kind."""
    if isinstance(files, SimulatedFileSystem):
        return run(steps, files)
    return perform_patiently(steps, files)


class LogOnDisk:
    """A log in the directory ``m``.

    Attributes:
        files: Where it is.
        settings: How this process writes.
    """

    facts: Any
    state_type: Any

    def __init__(self, files: FileSystem, **settings: Any) -> None:
        self.files = files
        self.settings = Settings(
            files.boot, files.node, files.pid, **{"patience": 1.0, **settings}
        )
        self.log = Log(DIRECTORY, self.facts)

    def run(self, steps: Steps[Any]) -> Any:
        """Run a protocol."""
        return execute(steps, self.files)

    def commit_all(self, *transactions: Transaction) -> list[Outcome]:
        """Commit transactions in one batch; return what became of each."""
        outcomes: list[Outcome] = self.run(
            commit(self.log, self.settings, lambda: transactions, command="test")
        )
        return outcomes

    def commit(self, transaction: Transaction) -> Outcome:
        """Commit one, or raise what it was refused for."""
        (outcome,) = self.commit_all(transaction)
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def open(self, saved: Any = None) -> tuple[Opened[Any], Any]:
        """Read it from the beginning, or from where it was saved."""
        opened = self.run(open_log(DIRECTORY, self.settings, self.state_type, saved))
        return opened, opened.state

    def state(self) -> Any:
        """Return all that it says."""
        return self.open()[1]

    def read(self, name: str) -> bytes:
        """Return a file's octets."""
        fd = self.files.open(f"{DIRECTORY}/{name}", Mode.READ)
        data = self.files.pread(fd, self.files.size(fd), 0)
        self.files.close(fd)
        return data

    def write(self, name: str, data: bytes, offset: int = 0) -> None:
        """Write octets into a file, behind imapbox's back."""
        fd = self.files.open(f"{DIRECTORY}/{name}", Mode.ENSURE)
        self.files.pwrite(fd, data, offset)
        self.files.close(fd)

    def truncate(self, name: str, size: int) -> None:
        """Cut a file."""
        fd = self.files.open(f"{DIRECTORY}/{name}", Mode.WRITE)
        self.files.truncate(fd, size)
        self.files.close(fd)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.files.unlink(f"{DIRECTORY}/{name}")

    def names(self) -> list[str]:
        """Return the names in the directory."""
        return self.files.list_directory(DIRECTORY)

    def contents(self) -> dict[str, bytes]:
        """Return all that is there, but the hints in the lock file."""
        return {name: self.read(name) for name in self.names() if name != "lock"}

    def head(self) -> Head:
        """Return the head."""
        head = Head.decode(self.read("head")[:HEAD_SIZE])
        assert head is not None
        return head


class MailLog(LogOnDisk):
    """A mailbox's."""

    facts = MailboxFacts
    state_type = MailboxState

    def make(
        self, *, uidnext: int = 1, modseq: int = 1, keywords: Sequence[str] = ()
    ) -> "MailLog":
        """Make it, empty."""
        base = Base(ID, UIDVALIDITY, uidnext, modseq, 0, tuple(keywords))
        counts = Counts(modseq, uidnext, 0, 0, UIDVALIDITY, 0)
        self.run(create_log(DIRECTORY, base.encode(), counts, self.settings))
        return self

    def changes(self) -> list[Changed]:
        """Return what a session learned that was there from the beginning."""

        def state_with_reader() -> MailboxState:
            state = MailboxState()
            state.changes.readers.add(View.of(state))
            return state

        opening = open_log(DIRECTORY, self.settings, state_with_reader)
        return [*self.run(opening).state.changes]

    def append(self, *messages: Incoming) -> list[int]:
        """Append messages in one transaction; return their UIDs."""
        known = None
        if any(message.keywords for message in messages):
            state = self.state()
            known = Known(state.position, list(state.facts.keywords))
        transaction = AppendMessages(messages or [incoming()], known)
        self.commit(transaction)
        return [int(uid) for uid in transaction.uids]

    def set_flags(
        self,
        uids: Iterable[int],
        what: FlagChange,
        flags: Flag = Flag(0),  # noqa: B008 - a value
        keywords: Iterable[str] = (),
    ) -> SetFlags:
        """Change flags, as someone does who has just read all."""
        known = known_of(self.state(), uids)
        transaction = SetFlags(known, what, flags, frozenset(keywords))
        self.commit(transaction)
        return transaction

    def expunge(self, uids: Iterable[int]) -> Outcome:
        """Remove messages, whatever their flags."""
        known = known_of(self.state(), uids)
        return self.commit(ExpungeMessages(known, only_deleted=False))

    def relocate(self, uids: Iterable[int]) -> None:
        """Write messages again at the end of the log, as nobody else is there."""
        state = self.state()
        rows = [row for uid in uids if (row := row_of(state, uid)) is not None]
        moving = self.run(read_moving(DIRECTORY, state, rows))
        assert len(moving) == len(rows)
        if moving:
            self.commit(RelocateMessages(moving))

    def compact(self, **policy: Any) -> Compacted:
        """Give back what nobody needs."""
        wanted = Policy(**{"least": 0, "batch": 2000, **policy})
        done: Compacted = self.run(compact(self.log, self.settings, wanted))
        return done

    def snapshot(self, state: MailboxState | None = None) -> str:
        """Make a snapshot of a state, or of all there is; return its name."""
        state = state or self.state()
        name: str = self.run(write_snapshot(DIRECTORY, state.freeze()))
        return name

    def bodies(self, state: MailboxState) -> dict[int, bytes | None]:
        """Return the octets of all messages."""
        found = {}
        for uid in state.roll.now.tolist():
            place = place_of(state, uid)
            span = Span(place, 0, place.size)
            (found[uid],) = self.run(read_bodies(DIRECTORY, [span]))
        return found


class AccountLog(LogOnDisk):
    """An account's."""

    facts = AccountState
    state_type = AccountState

    def note(self, transaction: Transaction) -> None:
        """Commit what needs a segment with facts."""
        log = replace(self.log, features=ACCOUNT_META)
        (outcome,) = self.run(
            commit(log, self.settings, lambda: [transaction], command="test")
        )
        assert outcome.error is None

    def make(self) -> "AccountLog":
        """Make it, empty."""
        base = AccountBase(0, (), (), ())
        counts = NO_COUNTS._replace(modseq=1)
        self.run(create_log(DIRECTORY, base.encode(), counts, self.settings))
        return self


def known_of(state: MailboxState, uids: Iterable[int]) -> Known:
    """Return what a transaction takes along: the rows of those that exist."""
    columns = state.columns
    rows = {}
    for uid in uids:
        row = row_of(state, uid)
        if row is not None:
            rows[uid] = Row(
                int(columns["flags"][row]),
                columns.keywords_of(row),
                int(columns["modseq"][row]),
                int(columns["size"][row]),
            )
    return Known(state.position, list(state.facts.keywords), rows)


def row_of(state: MailboxState, uid: int) -> int | None:
    """Return the row of a message that exists."""
    return state.columns.row_of(uid)


def place_of(state: MailboxState, uid: int) -> Place:
    """Return where a message's octets lie."""
    row = row_of(state, uid)
    assert row is not None
    return state.columns.place(row)
