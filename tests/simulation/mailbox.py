"""The product's own lock and index code, on a simulated disk.

What `store` does around it in the reactor is done here in steps, so that an
explorer can stop between any two calls.
"""

from collections.abc import Generator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import Call, Pause, Steps
from imapbox.index.account_state import AccountState
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.index.body import Span, read_bodies
from imapbox.index.commit import Log, commit
from imapbox.index.compact import Compacted, compact
from imapbox.index.compact_plan import Policy
from imapbox.index.damage import is_damaged
from imapbox.index.known import Known, Row
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
    SetFlags,
)
from imapbox.index.opening import open_log, recover
from imapbox.index.read import HeadUnreadable, LogBroken, look
from imapbox.index.settings import Settings
from imapbox.index.snapshot_reader import MailboxSnapshots, check_rows
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.index.transaction import Transaction
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.create import SPECIAL_USE, create_account
from imapbox.store.layout import USERS, account_directory, mailbox_directory
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run

ALICE: Final = UserName("alice")
ACCOUNT: Final = account_directory(ALICE)
MAKER: Final = 90
PATIENCE: Final = 30.0


class Message(NamedTuple):
    """A message as a client would see it."""

    uid: int
    flags: int
    keywords: frozenset[str]
    body: bytes


class Snapshot(NamedTuple):
    """A mailbox as clients would see it."""

    uidvalidity: int
    uidnext: int
    modseq: int
    messages: tuple[Message, ...]


def new_store(*others: MailboxName, seed: int = 0) -> SimulatedDisk:
    """Return a machine with Alice's account, all of it durable.

    It has INBOX and ``others``: each mailbox more is more that a crash may lose.
    """
    disk = SimulatedDisk(seed=seed)
    process = disk.process(MAKER)
    process.make_directory(USERS)
    uses = dict.fromkeys(others, "")
    run(create_account(ALICE, settings_of(process), uses), process)
    disk.kill(MAKER)
    disk.settle()
    disk.advance_clock(1)
    return disk


def empty_store() -> SimulatedDisk:
    """Return a machine with a store without accounts."""
    disk = SimulatedDisk()
    disk.process(MAKER).make_directory(USERS)
    disk.settle()
    return disk


# What an account has besides INBOX: one stands for all five, since each more
# doubles what a crash may leave.
ONE_MORE: Final = dict(list(SPECIAL_USE.items())[:1])


def create_and_say_so(disk: SimulatedDisk) -> None:
    """Make Alice's account and acknowledge the ids of its mailboxes."""
    process = disk.process(MAKER)
    settings = settings_of(process)
    run(create_account(ALICE, settings, ONE_MORE), process)
    disk.acknowledge(frozenset(run(open_account(settings), process).state.mailboxes))


def settings_of(process: SimulatedFileSystem, **more: Any) -> Settings:
    """Return what the product's engine is told in this process."""
    return Settings(process.boot, process.node, process.pid, PATIENCE, **more)


def sees(message: bytes) -> Incoming:
    """Return a message as the engine takes it."""
    return Incoming(
        header=b"",
        header_crc=0,
        content=MemoryContent(message),
        emailid=blake2b(message, digest_size=16).digest(),
        date=None,
        flags=Flag(0),
        keywords=frozenset(),
    )


@dataclass(slots=True)
class Account:
    """What a process knows of the account: enough to use one mailbox of it."""

    settings: Settings
    token: bytes
    state: AccountState
    name: MailboxName = INBOX
    user: UserName = ALICE

    @property
    def directory(self) -> str:
        """Return the mailbox's directory."""
        return mailbox_directory(self.user, self.mailbox_id)

    @property
    def mailbox_id(self) -> bytes:
        """Return the mailbox's id."""
        return self.state.names[self.name].mailbox_id

    def binding(self) -> Binding:
        """Return what a commit checks."""
        account = account_directory(self.user)
        return Binding(account, self.token, self.state.position, self.mailbox_id)


def open_account(
    settings: Settings, user: UserName = ALICE
) -> Generator[Call | Pause, Any, Account]:
    """Read an account's log, settling it if it needs that."""
    states: list[AccountState] = []

    def fold() -> AccountState:
        states.append(AccountState())
        return states[-1]

    opened = yield from open_log(account_directory(user), settings, fold)
    return Account(settings, opened.token, states[-1], user=user)


def submit(account: Account, transaction: Transaction, command: str) -> Steps[Any]:
    """Commit one transaction to INBOX, as `store.committer` does."""
    while True:
        try:
            (outcome,) = yield from commit(
                Log(account.directory, MailboxFacts),
                account.settings,
                lambda: [transaction],
                command=command,
                guard=account.binding().check,
            )
        except AccountUnsettled:
            directory = account_directory(account.user)
            yield from recover(directory, account.settings, command="recover")
            continue
        if outcome.error is not None:
            raise outcome.error
        return outcome.change


def deliver(account: Account, message: bytes) -> Steps[int]:
    """Append a message to INBOX; return its UID."""
    transaction = AppendMessages([sees(message)])
    yield from submit(account, transaction, "deliver")
    (uid,) = transaction.uids
    return uid


def compacted(account: Account, **policy: Any) -> Steps[Compacted]:
    """Give back what nobody needs of INBOX; by default all that can be."""
    return compact(
        Log(account.directory, MailboxFacts),
        account.settings,
        Policy(**{"least": 0, "batch": 6_000, **policy}),
    )


def acknowledge(token: Any) -> Steps[None]:
    """Answer the client."""
    yield Call("acknowledge", (token,))


def acknowledged() -> Steps[tuple[Any, ...]]:
    """Return what clients were answered."""
    promised: tuple[Any, ...] = yield Call("acknowledged", ())
    return promised


class Session:
    """A client's session with INBOX selected, as `store.followed_log` does it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.state = MailboxState()
        self.token = b""
        self.damaged = False
        self._head_fd = -1

    @property
    def exists(self) -> int:
        """Return what EXISTS would say."""
        return len(self.state.roll.now)

    def open(self) -> Steps[None]:
        """SELECT."""
        inbox, settings = self.account.directory, self.account.settings
        saved = MailboxSnapshots()
        while True:
            opened = yield from open_log(inbox, settings, MailboxState, saved)
            source = opened.state.source
            if source is None or (yield from _is_good(inbox, source.name)):
                break
            source.broken = True
            assert saved.is_spoilt(opened.state), "it would be used again"
        self.state, self.token = opened.state, opened.token
        self.damaged = opened.damaged
        if opened.token:  # a damaged log's head may be lost
            self._head_fd = yield from steps.open_file(f"{inbox}/head", Mode.READ)

    def sync(self) -> Steps[None]:
        """NOOP."""
        if self.damaged and self._head_fd < 0:
            return
        try:
            yield from self._look()
        except (HeadUnreadable, LogBroken):
            if self.damaged:
                return
            settings = self.account.settings
            yield from recover(self.account.directory, settings, command="recover")
            self.damaged = yield from is_damaged(self.account.directory)
            if not self.damaged:
                yield from self._look()

    def _look(self) -> Steps[None]:
        inbox, here = self.account.directory, self.state.position
        news = yield from look(inbox, self._head_fd, self.token, here)
        if news is not None:
            for frame in news.frames:
                self.state.apply(frame)
            self.token = news.token

    def save(self) -> Steps[str]:
        """Make a snapshot of what the session knows."""
        return write_snapshot(self.account.directory, self.state.freeze())

    def close(self) -> Steps[None]:
        """CLOSE, without expunging."""
        if self._head_fd >= 0:
            yield from steps.close(self._head_fd)

    def snapshot(self) -> Steps[Snapshot]:
        """Return all that a client can see."""
        state = self.state
        columns = state.columns
        rows = [int(row) for row in columns.alive_rows()]
        places = [columns.place(row) for row in rows]
        bodies = yield from read_bodies(
            self.account.directory, [Span(place, 0, place.size) for place in places]
        )
        messages = []
        for row, body in zip(rows, bodies, strict=True):
            assert body is not None, "a message has no body"
            bits = columns.keywords_of(row)
            names = {
                name
                for number, name in enumerate(state.facts.keywords)
                if bits >> number & 1
            }
            uid, flags = int(columns["uid"][row]), int(columns["flags"][row])
            messages.append(Message(uid, flags, frozenset(names), body))
        counts = state.counts
        assert counts.exists == len(messages), "EXISTS lies"
        return Snapshot(
            counts.uidvalidity, counts.uidnext, counts.modseq, tuple(messages)
        )

    def known(self) -> Known:
        """Return all rows, as a transaction takes them along."""
        columns = self.state.columns
        known = Known(self.state.position, list(self.state.facts.keywords))
        for row in map(int, columns.alive_rows()):
            known.rows[int(columns["uid"][row])] = Row(
                int(columns["flags"][row]),
                columns.keywords_of(row),
                int(columns["modseq"][row]),
                int(columns["size"][row]),
            )
        return known

    def store(self, uids: set[int], flags: Flag, *keywords: str) -> Steps[Any]:
        """STORE +FLAGS."""
        known = self.known()
        for uid in set(known.rows) - uids:
            del known.rows[uid]
        return submit(
            self.account,
            SetFlags(known, FlagChange.ADD, flags, frozenset(keywords)),
            "store",
        )

    def expunge(self) -> Steps[Any]:
        """EXPUNGE."""
        return submit(self.account, ExpungeMessages(self.known()), "expunge")


def _is_good(directory: str, name: str) -> Steps[bool]:
    try:
        return (yield from check_rows(directory, name))
    except FileNotFoundError:
        return True  # it was removed; each row is checked when it is used


def saver(account: Account, count: int) -> Steps[None]:
    """Open the mailbox and make a snapshot of it, some times."""
    for _ in range(count):
        session = Session(account)
        yield from session.open()
        yield from session.save()
        yield from session.close()


def noop(session: Session) -> Steps[None]:
    """Send a NOOP; it must report every delivery answered before it. P4."""
    promised = yield from acknowledged()
    yield from session.sync()
    assert session.exists >= len(promised), "a NOOP missed a delivery"


def reader(account: Account, noops: int) -> Steps[int]:
    """Run a session that sends some NOOPs; return the last EXISTS."""
    session = Session(account)
    yield from session.open()
    for _ in range(noops):
        yield from noop(session)
    return session.exists


def deliverer(account: Account, *messages: bytes) -> Steps[None]:
    """Deliver messages, each answered with 250."""
    for message in messages:
        uid = yield from deliver(account, message)
        yield from acknowledge(uid)


def account_on(disk: SimulatedDisk, pid: int, **more: Any) -> Account:
    """Return what process ``pid`` knows before it begins. Nobody changes it."""
    process = disk.copy().process(pid)
    account: Account = run(open_account(settings_of(process, **more)), process)
    return account
