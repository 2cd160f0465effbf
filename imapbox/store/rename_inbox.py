"""RENAME of INBOX: its messages move to a new mailbox, INBOX stays.

Both mailboxes are locked from the reading of the source on. The new mailbox
has the messages, durably, before INBOX loses them: a crash in between leaves
both, never neither. RFC 9051 §6.3.6.
"""

from collections.abc import Callable

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.binding import Binding
from imapbox.index.body import StoredContent, stored_card
from imapbox.index.commit import Log, write
from imapbox.index.known import Known, Row
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.mailbox_transactions import (
    AppendMessages,
    ExpungeMessages,
    Incoming,
)
from imapbox.index.opening import follow_all
from imapbox.index.segment import segment_name
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, settle
from imapbox.index.transaction import Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate
from imapbox.model.numbers import ModSeq, Uid


def move_all(
    source: str, target: str, settings: Settings, binding: Binding
) -> Steps[None]:
    """Move all messages of the mailbox in ``source`` to the one in ``target``.

    Args:
        source: Directory of a mailbox's log.
        target: The same, of a new one.
        settings: How to write.
        binding: Of the target.

    Raises:
        MailboxBusy: A lock was not to be had.
        MailboxGone: The target was deleted.
        MailError: Nothing was moved.
    """

    def section() -> Steps[None]:
        def write_target(append: Transaction) -> Steps[None]:
            log = Log(target, MailboxFacts)
            yield from _write(log, settings, target_tail, append)

        yield from settle(binding.account, settings)
        source_tail = yield from settle(source, settings)
        target_tail = yield from settle(target, settings)
        yield from binding.check()
        state = MailboxState()
        yield from follow_all(source, source_tail.position, state.apply)
        rows = _alive(state)
        if not rows:
            return
        # Somebody may have been there before us.
        facts = MailboxFacts()
        yield from follow_all(target, target_tail.position, facts.apply)
        known = Known(target_tail.position, facts.keywords)
        yield from _with_segments(
            source,
            sorted({state.columns.place(row).segment for row in rows}),
            lambda fds: _append(state, rows, fds, known, write_target),
        )
        gone = ExpungeMessages(_known(state, rows), only_deleted=False)
        yield from _write(Log(source, MailboxFacts), settings, source_tail, gone)

    identity = Identity(settings.node, settings.pid, "rename")
    until = (yield from steps.monotonic()) + settings.patience
    # With the account's, nobody can be halfway through a change of it.
    paths = [f"{each}/lock" for each in (binding.account, *sorted((source, target)))]
    yield from locked(paths, identity, until, section)


def _append(
    state: MailboxState,
    rows: list[int],
    fds: dict[int, int],
    known: Known,
    write_target: Callable[[Transaction], Steps[None]],
) -> Steps[None]:
    messages = []
    for row in rows:
        message = yield from _incoming(state, row, fds)
        messages.append(message)
    yield from write_target(AppendMessages(messages, known))


def _incoming(state: MailboxState, row: int, fds: dict[int, int]) -> Steps[Incoming]:
    columns = state.columns
    place = columns.place(row)
    fd = fds[place.segment]
    header = yield from steps.pread(fd, place.header_size, place.offset)
    card = yield from stored_card(fd, place)
    bits = columns.keywords_of(row)
    names = state.facts.keywords
    return Incoming(
        header,
        place.header_crc,
        StoredContent(fd, place),
        bytes(columns["emailid"][row]),
        InternalDate(int(columns["date"][row]), int(columns["zone"][row])),
        Flag(int(columns["flags"][row])),
        frozenset(name for number, name in enumerate(names) if bits >> number & 1),
        card,
    )


def _write(
    log: Log, settings: Settings, tail: Tail, transaction: Transaction
) -> Steps[None]:
    (outcome,) = yield from write(log, settings, tail, [transaction])
    if outcome.error is not None:
        raise outcome.error


def _alive(state: MailboxState) -> list[int]:
    rows: list[int] = state.columns.alive_rows().tolist()
    return rows


def _known(state: MailboxState, rows: list[int]) -> Known:
    columns = state.columns
    found = {
        Uid(int(columns["uid"][row])): Row(
            int(columns["flags"][row]), 0, ModSeq(0), int(columns["size"][row])
        )
        for row in rows
    }
    return Known(state.position, list(state.facts.keywords), found)


def _with_segments(
    directory: str,
    segments: list[int],
    body: Callable[[dict[int, int]], Steps[None]],
    fds: dict[int, int] | None = None,
) -> Steps[None]:
    """Run ``body`` with all the segments open."""
    fds = fds or {}
    if not segments:
        yield from body(fds)
        return
    first, *others = segments
    path = f"{directory}/{segment_name(first)}"
    yield from steps.opened(
        path,
        Mode.READ,
        lambda fd: _with_segments(directory, others, body, {**fds, first: fd}),
    )
