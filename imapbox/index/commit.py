"""The commit: from a wish to a durable, visible fact.

1. Take the lock, find the true end of the log (`settle`).
2. Evaluate every waiting transaction on what is true now.
3. Write their frames, one behind the other, with one `pwrite`.
4. Sync the log: the durability point. An error here is damage.
5. Write the head: the visibility point.
6. Unlock; only then is anybody answered.

What is not acknowledged when a crash comes is either whole in the log, and
then the next writer adopts it, or is not there at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.batch import Batch, write_batch
from imapbox.index.damage import damage
from imapbox.index.deliver_once import memories
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.read import LogBroken, follow
from imapbox.index.rotate import Facts, rotate
from imapbox.index.segment import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    segment_name,
)
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, publish_written, settle
from imapbox.index.shed import is_grown, shed
from imapbox.index.transaction import Outcome, Transaction, segment_of
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import DiskFull, MailboxDamaged, MailError


@dataclass(frozen=True, slots=True)
class Log:
    """Which log, and what kind of log.

    Attributes:
        directory: Below the root of the store.
        facts: Makes what folds a segment into the next one's BASE.
        features: Incompatible ones of what is written to it; a segment without
            them is not gone on with.
        sheds: Whether BASE says all that the segments before it did, so that
            these are removed.
    """

    directory: str
    facts: Callable[[], Facts]
    features: int = 0
    sheds: bool = False

    @property
    def lock(self) -> str:
        """Return the path of its lock file."""
        return f"{self.directory}/lock"


def commit(
    log: Log,
    settings: Settings,
    batch: Callable[[], Sequence[Transaction]],
    *,
    command: str,
    guard: Callable[[], Steps[None]] | None = None,
) -> Steps[list[Outcome]]:
    """Commit what ``batch`` returns, under the log's lock.

    Args:
        log: Where.
        settings: How.
        batch: Asked for the transactions once the lock is held.
        command: What for, for `imapbox locks`.
        guard: Run under the lock before the batch is asked for; what it raises
            is raised here.

    Raises:
        MailboxBusy: The lock was not to be had. No transaction was asked for.
        MailboxDamaged: Nothing of it is acknowledged.
        OSError: As above.
    """

    def section() -> Steps[list[Outcome]]:
        tail = yield from settle(log.directory, settings)
        if guard is not None:
            yield from guard()
        return (yield from write(log, settings, tail, batch()))

    moment = yield from steps.monotonic()
    identity = Identity(settings.node, settings.pid, command)
    until = moment + settings.patience
    return (yield from locked([log.lock], identity, until, section))


def write(
    log: Log, settings: Settings, tail: Tail, transactions: Sequence[Transaction]
) -> Steps[list[Outcome]]:
    """Do steps 2 to 5, with the lock held and the log settled.

    What can't be written together is written one by one: one message for which
    there is no room, or that can't be read any more, keeps nobody's EXPUNGE back.

    Raises:
        MailError: Nothing was written of the only one.
        MailboxDamaged: Nothing is acknowledged.
        DiskFull: There is no room for the segment that this needs.
        OSError: As above.
    """
    before = tail.position.segment
    if (yield from _is_full(log, tail.position, settings)):
        tail = yield from rotate(
            log.directory, log.facts(), tail, settings, log.features
        )
    tail = yield from _with_features(log, settings, tail)
    try:
        outcomes = yield from _write_together(
            log.directory, settings, tail, transactions
        )
    except MailboxDamaged:
        raise
    except MailError:
        if len(transactions) == 1:
            raise
        outcomes = yield from _write_one_by_one(log.directory, settings, transactions)
    if log.sheds and tail.position.segment != before:
        yield from shed(log.directory, tail.position.segment)
    return outcomes


def write_one(
    log: Log, settings: Settings, tail: Tail, transaction: Transaction
) -> Steps[None]:
    """Do as `write` does with one transaction.

    Raises:
        MailError: It was not written.
        OSError: As above.
    """
    (outcome,) = yield from write(log, settings, tail, [transaction])
    if outcome.error is not None:
        raise outcome.error


def _is_full(log: Log, end: Position, settings: Settings) -> Steps[bool]:
    """Say whether a segment that ends so is full."""
    if log.sheds:
        limit = settings.segment_limit
        return (yield from is_grown(log.directory, end, limit))
    return end.offset >= settings.segment_limit


def _with_features(log: Log, settings: Settings, tail: Tail) -> Steps[Tail]:
    """Return the end of a segment that has the features: this one, or a new one."""
    if not log.features or (yield from _features_at(log.directory, tail, log.features)):
        return tail
    after = yield from rotate(log.directory, log.facts(), tail, settings, log.features)
    if after.position.segment == tail.position.segment:
        raise DiskFull(log.directory)
    return after


def _features_at(directory: str, tail: Tail, features: int) -> Steps[bool]:
    """Say whether the segment that ends at ``tail`` has the features."""
    data = yield from steps.opened(
        f"{directory}/{segment_name(tail.position.segment)}",
        Mode.READ,
        lambda fd: steps.pread(fd, SEGMENT_HEADER_SIZE, 0),
    )
    header = SegmentHeader.decode(data)
    return header is not None and not features & ~header.features


def _write_one_by_one(
    directory: str, settings: Settings, transactions: Sequence[Transaction]
) -> Steps[list[Outcome]]:
    """Write each by itself. What was written stays so, whatever comes later."""
    for transaction in transactions:
        transaction.begin_anew()
    outcomes: list[Outcome] = []
    for number, transaction in enumerate(transactions):
        try:
            tail = yield from settle(directory, settings)
            alone = _write_together(directory, settings, tail, [transaction])
            outcomes += yield from alone
        except (MailboxDamaged, OSError) as error:
            # So it would be with all that follow.
            left = transactions[number:]
            return [*outcomes, *(Outcome(each, None, error) for each in left)]
        except MailError as error:
            outcomes.append(Outcome(transaction, None, error))
    return outcomes


def _write_together(
    directory: str,
    settings: Settings,
    tail: Tail,
    transactions: Sequence[Transaction],
) -> Steps[list[Outcome]]:
    now = int((yield from steps.now()) * 1_000_000)
    time = max(now, tail.time)
    gone = yield from _segments_gone(directory, transactions, tail.position)
    known = [wish for wish in transactions if segment_of(wish) not in gone]
    news = yield from _frames_since(directory, known, tail.position)
    asked = memories(transactions)
    yield from _recall(directory, asked, tail, settings.boot, time)
    batch = Batch(tail, now, time, news, gone)
    outcomes = [batch.add(transaction) for transaction in transactions]
    if batch.parts:
        for keys in asked:
            yield from keys.note_doubts(directory, time)
        yield from steps.opened(
            f"{directory}/{segment_name(tail.position.segment)}",
            Mode.WRITE,
            lambda fd: write_batch(directory, fd, batch),
        )
        yield from publish_written(directory, tail, batch.tail, settings)
        for keys in asked:
            keys.published(batch.tail.position, time)
    return outcomes


def _recall(
    directory: str, asked: dict[DeliveryKeys, bool], tail: Tail, boot: int, time: int
) -> Steps[None]:
    """Let a process know which deliveries were stored before.

    Raises:
        MailboxDamaged: The log can't be read.
    """
    try:
        for keys, doubts in asked.items():
            yield from keys.catch_up(directory, tail, boot, time, doubts=doubts)
    except LogBroken as broken:
        reason = f"the log is broken at {broken.position}"
        raise (yield from damage(directory, reason)) from broken


def _frames_since(
    directory: str, transactions: Sequence[Transaction], end: Position
) -> Steps[list[Frame]]:
    """Return what was committed since the oldest facts of any transaction.

    Raises:
        MailboxDamaged: What was read before is not in the log any more.
    """
    known = [wish.since for wish in transactions if wish.since is not None]
    frames: list[Frame] = []
    if not known:
        return frames
    newest = max(known)
    if newest != end and newest[:2] >= end[:2]:
        reason = f"the log ends before {newest}, up to where it was read"
        raise (yield from damage(directory, reason))
    if min(known) != end:
        try:
            yield from follow(directory, min(known), end, frames.append)
        except LogBroken as broken:
            reason = f"the log is broken at {broken.position}"
            raise (yield from damage(directory, reason)) from broken
    return frames


def _segments_gone(
    directory: str, transactions: Sequence[Transaction], end: Position
) -> Steps[set[int]]:
    """Return those of the transactions' segments that are not there any more.

    Compaction removed them, for whom no grace was given.
    """
    gone = set()
    for number in {segment_of(wish) for wish in transactions} - {0, end.segment}:
        if not (yield from steps.exists(f"{directory}/{segment_name(number)}")):
            gone.add(number)
    return gone
