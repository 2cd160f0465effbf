"""The frames of one commit: made one behind the other, and written together."""

from collections.abc import Sequence
from typing import Final

from imapbox.disk import steps
from imapbox.disk.spool import PIECE, Content
from imapbox.disk.steps import Steps
from imapbox.index.damage import FULL, fail_write, sync, take_back
from imapbox.index.encoding import Kind, join_operations
from imapbox.index.frame import (
    Frame,
    FrameContent,
    decode_frame,
    encode_frame,
    encode_trailer,
)
from imapbox.index.settle import Tail
from imapbox.index.transaction import (
    Change,
    Octets,
    Outcome,
    Transaction,
    segment_of,
)
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailError,
    StoreFailure,
)

# Behind the last frame there is always room for this much without asking the
# disk for more, so that EXPUNGE works when it is full. Messages may not use it,
# and the last of it is for EXPUNGE alone.
RESERVE: Final = 4096
FOR_EXPUNGE: Final = 1024
_BLOCK: Final = 4096


class Batch:
    """Frames that will be written together.

    Args:
        tail: Where the log ends.
        now: The time, in microseconds since the epoch.
        time: The log's: the same, or later if it was ahead of the clock once.
        news: What was committed since the oldest facts of any transaction.
        gone: Segments that are not there any more.

    Attributes:
        start: Where the log ends.
        tail: Where it will.
        parts: What is written, from `start` on.
        has_payload: Whether messages are among it.
        only_expunges: Whether there is nothing but EXPUNGE.
    """

    def __init__(
        self, tail: Tail, now: int, time: int, news: list[Frame], gone: set[int]
    ) -> None:
        self.start = tail
        self.tail = tail
        self.parts: list[bytes | Content] = []
        self.has_payload = False
        self.only_expunges = True
        self._now = now
        self._time = time
        self._news = news
        self._gone = gone

    def add(self, transaction: Transaction) -> Outcome:
        """Evaluate one transaction, and put its frame behind the others."""
        try:
            if segment_of(transaction) in self._gone:
                # What was committed since can't be learned any more.
                raise MailboxBusy("compact")
            if transaction.since is not None:
                for frame in self._news:
                    if frame.end[:2] > transaction.since[:2]:
                        transaction.follow(frame)
            change = transaction.change(self.tail.counts, self._now)
        except Exception as error:  # noqa: BLE001 - one fails alone, and is told
            return Outcome(transaction, None, error)
        if change is not None:
            self._append(change)
        return Outcome(transaction, change)

    def _append(self, change: Change) -> None:
        operations = join_operations(change.operations)
        kinds = {operation.kind for operation in change.operations}
        self.only_expunges = self.only_expunges and kinds == {Kind.EXPUNGE}
        size = sum(item.size for item in change.payload)
        content = FrameContent(
            change.counts,
            operations,
            len(change.operations),
            size,
            self._time,
            self.start.position.offset,
        )
        before = self.tail.position
        header, end = encode_frame(before, content)
        self.parts.append(header)
        for item in change.payload:
            self._append_octets(item)
        trailer = encode_trailer(end.chain, len(operations), size, self._time)
        self.parts.append(trailer)
        if (frame := decode_frame(header, before)) is not None:
            self._news.append(frame)
        self.tail = self.tail._replace(
            position=end,
            counts=change.counts,
            time=self._time,
        )

    def _append_octets(self, item: Octets) -> None:
        self.has_payload = True
        self.parts.append(item.card + item.header)
        in_memory = item.content.in_memory
        self.parts.append(item.content.octets if in_memory else item.content)


def write_batch(directory: str, fd: int, batch: Batch) -> Steps[None]:
    """Write and sync; afterwards it is durable, or as if it had never been.

    A crash leaves any part of it behind the log's end, which `settle` adopts or cuts
    off.

    Args:
        directory: The log's.
        fd: Its last segment, where ``batch`` begins.
        batch: What to write.

    Raises:
        DiskFull: There was no room; nothing is there.
        MailboxDamaged: It can't be told what is there; the log is marked.
        MailError: What was to be written could not be read; nothing is there.
        OSError: The file system is gone, or read-only.
    """
    start, end = batch.start.position.offset, batch.tail.position.offset
    size = batch.start.size
    parts = batch.parts
    if end + RESERVE > size:
        reserved = -(-(end + RESERVE) // _BLOCK) * _BLOCK
        parts = [*parts, bytes(reserved - end)]
    try:
        try:
            yield from _write_parts(fd, parts, start)
        except OSError as error:
            kept = 0 if batch.only_expunges else FOR_EXPUNGE
            if error.errno not in FULL or batch.has_payload or end + kept > size:
                raise
            yield from _write_parts(fd, batch.parts, start)
    except OSError as error:
        if error.errno not in FULL:
            yield from fail_write(directory, error)
        yield from take_back(directory, fd, start, size)
        raise DiskFull(directory) from error
    except MailError:
        # Not the log failed, but what was to be written could not be read.
        yield from take_back(directory, fd, start, size)
        raise
    yield from sync(directory, fd)


def _write_parts(fd: int, parts: Sequence[bytes | Content], offset: int) -> Steps[None]:
    """Write it all, with one call if it is all in memory and not too much."""
    waiting: list[bytes] = []
    waiting_size = 0
    for part in parts:
        size = part.size if isinstance(part, Content) else len(part)
        if waiting and (waiting_size + size > PIECE or isinstance(part, Content)):
            yield from steps.pwrite(fd, b"".join(waiting), offset)
            offset += waiting_size
            waiting, waiting_size = [], 0
        if isinstance(part, Content):
            yield from _copy(part, fd, offset)
            offset += size
        else:
            waiting.append(part)
            waiting_size += size
    yield from steps.pwrite(fd, b"".join(waiting), offset)


def _copy(content: Content, fd: int, offset: int) -> Steps[None]:
    for start in range(0, content.size, PIECE):
        octets = yield from _read(content, start)
        yield from steps.pwrite(fd, octets, offset + start)


def _read(content: Content, start: int) -> Steps[bytes]:
    """Return a piece of what is to be written.

    Raises:
        StoreFailure: The disk failed that it lies on.
        MessageGone: It is there no longer.
    """
    try:
        octets: bytes = yield from content.read(PIECE, start)
    except OSError as error:
        raise StoreFailure(error) from error
    if len(octets) < min(PIECE, content.size - start):
        raise StoreFailure(content)
    return octets
