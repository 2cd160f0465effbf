"""FETCH. RFC 9051 §6.4.5.

What is in the index is told row by row. Bodies are read for many small
messages at a time, and in pieces for large ones, and both are written at the
client's speed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.imap.answers import BrokenOff, Done, Refused
from imapbox.imap.octets import READ, Octets, worth_reading
from imapbox.imap.refusals import ends_session
from imapbox.imap.selection import Selection, as_ranges
from imapbox.imap.session import BATCH, Session
from imapbox.mailbox.interfaces import Piece
from imapbox.mailbox.messages import Message
from imapbox.model.errors import MailError, MessageGone
from imapbox.model.flags import FLAG_NAMES, Flag, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.numbers import Uid
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses, strings
from imapbox.wire.imap.commands.selected import Fetch
from imapbox.wire.imap.fetch_items import BodyItem, FetchAtt, FetchItem

_log = Logger()

Column = Callable[[Message], bytes]

_SEEN: Final = frozenset({FLAG_NAMES[Flag.SEEN]})
_COLUMNS: Final[Mapping[FetchAtt, Column]] = {
    FetchAtt.UID: lambda message: responses.uid_item(message.uid),
    FetchAtt.SIZE: lambda message: responses.size_item(message.size),
    FetchAtt.INTERNALDATE: lambda message: responses.internaldate_item(
        InternalDate(message.date, message.zone)
    ),
}
# So many messages are read at once, however small they are.
_MAX_BATCH: Final = 500


async def fetch(session: Session, command: Fetch) -> Done:
    """Tell what is asked of the messages that are named.

    Raises:
        NoSuchMessage: A sequence number is nobody's.
        Refused: Something was asked that can not be told.
    """
    selection = session.selection
    others = set(command.items) - {FetchAtt.UID}
    if others == {FetchAtt.FLAGS}:
        # What clients ask of whole mailboxes.
        rows = selection.marked_rows(command.messages, by_uid=command.by_uid)
        with_uid = command.by_uid or FetchAtt.UID in command.items
        await session.tell_flags(rows, with_uid=with_uid)
        return Done("Fetched.")
    columns = list(_columns(selection, command))
    bodies = [item for item in command.items if isinstance(item, BodyItem)]
    messages = selection.messages(command.messages, by_uid=command.by_uid)
    if bodies:
        await _Bodies(session, columns, bodies, FetchAtt.FLAGS in command.items).tell(
            messages
        )
    else:
        await _tell_rows(session, columns, messages)
    return Done("Fetched.")


def _columns(selection: Selection, command: Fetch) -> Iterator[Column]:
    if command.by_uid and FetchAtt.UID not in command.items:
        yield _COLUMNS[FetchAtt.UID]
    for item in command.items:
        if _takes_apart(item):
            # They come with the mime room: RFC 9051 §7.5.2.
            raise Refused(
                "ENVELOPE, BODYSTRUCTURE and parts of messages are not offered yet.",
                codes.CANNOT,
            )
        if item is FetchAtt.FLAGS:
            yield selection.flags_item
        elif isinstance(item, FetchAtt):
            yield _COLUMNS[item]


def _takes_apart(item: FetchItem) -> bool:
    if isinstance(item, BodyItem):
        return bool(item.section.part)
    return item is not FetchAtt.FLAGS and item not in _COLUMNS


async def _tell_rows(
    session: Session, columns: Sequence[Column], messages: Iterator[Message]
) -> None:
    output = session.output
    while batch := list(islice(messages, BATCH)):
        rows = [
            responses.fetch(each.seq, [column(each) for column in columns])
            for each in batch
        ]
        output.write(b"".join(rows))
        await output.room()


class _Bodies:
    """The answer to a FETCH that asks for octets of messages."""

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        bodies: Sequence[BodyItem],
        tells_flags: bool,  # noqa: FBT001 - private, and called once
    ) -> None:
        self._session = session
        self._selection = session.selection
        self._mailbox = session.selection.mailbox
        self._output = session.output
        self._columns = columns
        self._bodies = bodies
        self._tells_flags = tells_flags
        self._reach = worth_reading(bodies)
        reads = any(not item.peek for item in bodies)
        self._sets_seen = reads and not self._mailbox.read_only

    async def tell(self, messages: Iterator[Message]) -> None:
        """Write all rows.

        Raises:
            Refused: Some messages were gone; the others have been told.
        """
        gone = 0
        for batch in self._batches(messages):
            marked = await self._mark_seen([message for message, _ in batch])
            pieces = [Piece(message.uid, 0, size) for message, size in batch]
            beginnings = await self._mailbox.read(pieces)
            for piece, beginning in zip(pieces, beginnings, strict=True):
                if beginning is None or len(beginning) != piece.size:
                    gone += 1
                    continue
                message, is_news = marked[piece.uid]
                octets = Octets(self._mailbox, message, beginning)
                try:
                    await self._tell_one(octets, is_news=is_news)
                except MessageGone:
                    gone += 1
                await self._output.room()
        if gone:
            raise Refused("Some messages were expunged.", codes.EXPUNGEISSUED)

    def _batches(
        self, messages: Iterable[Message]
    ) -> Iterator[list[tuple[Message, int]]]:
        """Group messages so that a group's beginnings are one read."""
        batch: list[tuple[Message, int]] = []
        total = 0
        for message in messages:
            size = min(message.size, self._reach)
            if batch and (total + size > READ or len(batch) >= _MAX_BATCH):
                yield batch
                batch, total = [], 0
            batch.append((message, size))
            total += size
        if batch:
            yield batch

    async def _mark_seen(
        self, messages: Sequence[Message]
    ) -> dict[Uid, tuple[Message, bool]]:
        r"""Set ``\Seen`` if that is to be; say which messages' flags are news."""
        marked = {message.uid: (message, False) for message in messages}
        unseen = [each.uid for each in messages if not each.flags & Flag.SEEN]
        if self._sets_seen and unseen:
            try:
                await self._mailbox.set_flags(unseen, FlagChange.ADD, _SEEN)
            except MailError as error:
                if ends_session(error):
                    raise
                # Mail that can be read is read, whoever holds the lock.
                self._sets_seen = False
                _log.info("did not set Seen: {error!r}", error=error)
            else:
                for message in self._mailbox.by_uid(as_ranges(unseen)):
                    marked[message.uid] = (message, True)
        return marked

    async def _tell_one(self, octets: Octets, *, is_news: bool) -> None:
        message = octets.message
        # What is not there any more is found out before we begin to tell of it.
        await octets.look(self._bodies)
        items = [column(message) for column in self._columns]
        if is_news and not self._tells_flags:
            items.append(self._selection.flags_item(message))
        first, *others = self._bodies
        what = await octets.wanted(first, self._output.room)
        self._output.write(responses.fetch_start(message.seq, items, first, len(what)))
        try:
            await self._send(octets, what)
            for item in others:
                # One after the other: a thousand of them may be asked for.
                what = await octets.wanted(item, self._output.room)
                literal = strings.literal_start(len(what))
                self._output.write(b" %b %b" % (item.label, literal))
                await self._send(octets, what)
        except CancelledError:
            raise
        except Exception as error:
            # A literal was announced, and there is no way to take it back.
            raise BrokenOff("in the middle of a literal") from error
        self._output.write(responses.FETCH_END)

    async def _send(self, octets: Octets, what: range | bytes) -> None:
        if isinstance(what, bytes):
            self._output.write(what)
            return
        for at in range(what.start, what.stop, READ):
            data = await octets.read(at, min(READ, what.stop - at))
            self._output.write(data)
            await self._output.room()
