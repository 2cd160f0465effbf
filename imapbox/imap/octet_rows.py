"""Rows of a FETCH that asks for octets of messages."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.imap.answers import BrokenOff, Refused
from imapbox.imap.facts import Fact, fact
from imapbox.imap.octet_answers import Answer, OctetItem, Said, answer_to
from imapbox.imap.octets import Octets
from imapbox.imap.refusals import ends_session
from imapbox.imap.session import Session
from imapbox.imap.windows import Windows
from imapbox.imap.withheld import refuse_withheld
from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.messages import Message
from imapbox.mailbox.values import Piece
from imapbox.mime.card import Card
from imapbox.mime.decode import UnknownCTE
from imapbox.model.errors import MailError, MessageGone
from imapbox.model.flags import FLAG_NAMES, Flag, FlagChange
from imapbox.model.numbers import Uid
from imapbox.model.rights import Rights
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.fetch_items import BinarySizeItem, FetchAtt, FetchItem

_log = Logger()

_SEEN: Final = frozenset({FLAG_NAMES[Flag.SEEN]})


class _Planned(NamedTuple):
    """A message, and which of its octets are read beforehand."""

    message: Message
    card: Card | None
    window: range


class OctetRows:
    """The answer to a FETCH some of whose items are octets of messages."""

    def __init__(self, session: Session, items: Sequence[FetchItem]) -> None:
        selection = session.selection
        self._flags = fact(selection, FetchAtt.FLAGS)
        self._mailbox = selection.mailbox
        self._session = session
        self._output = session.output
        self._items: list[Fact | OctetItem] = [
            fact(selection, item) if isinstance(item, FetchAtt) else item
            for item in items
        ]
        self._tells_flags = FetchAtt.FLAGS in items
        self._modseq = fact(selection, FetchAtt.MODSEQ)
        self._tells_modseq = FetchAtt.MODSEQ in items
        self._windows = Windows(items)
        reads = any(
            not isinstance(item, FetchAtt | BinarySizeItem) and not item.peek
            for item in items
        )
        may_set = not self._mailbox.read_only and Rights.SEEN in self._mailbox.rights
        self._sets_seen = reads and may_set
        self._withheld: list[Uid] = []
        self._undecodable = 0

    async def tell(self, messages: Iterator[Message]) -> None:
        """Write all rows.

        Raises:
            MessageGone: Some were expunged; the others have been told.
            MessageDamaged: Some are not what was stored; so they have.
            Refused: Some parts could not be decoded; so they have.
        """
        for batch in in_batches(messages, self._card_size):
            planned = await self._plan(batch)
            for group in in_batches(planned, lambda each: len(each.window)):
                await self._tell_group(group)
        refuse_withheld(self._mailbox, self._withheld)
        if self._undecodable:
            text = "Some parts are encoded in a way that is not known here."
            raise Refused(text, codes.UNKNOWN_CTE)

    def _card_size(self, message: Message) -> int:
        return message.card_size if self._windows.needs_card else 0

    async def _plan(self, messages: Sequence[Message]) -> list[_Planned]:
        window = self._windows.of
        if not self._windows.needs_card:
            return [_Planned(each, None, window(each, None)) for each in messages]
        cards = await read_cards(self._mailbox, messages)
        planned = []
        for message, card in zip(messages, cards, strict=True):
            if card is None:
                self._withheld.append(message.uid)
            else:
                planned.append(_Planned(message, card, window(message, card)))
        return planned

    async def _tell_group(self, group: Sequence[_Planned]) -> None:
        marked = await self._mark_seen([each.message for each in group])
        pieces = [
            Piece(message.uid, window.start, len(window))
            for message, _, window in group
        ]
        read = await self._mailbox.read(pieces)
        for (message, card, window), seen in zip(group, read, strict=True):
            if seen is None or len(seen) != len(window):
                self._withheld.append(message.uid)
                continue
            current, is_news = marked[message.uid]
            octets = Octets(self._mailbox, current, (window, seen), card)
            try:
                await self._tell_one(octets, card, is_news=is_news)
            except MessageGone:
                self._withheld.append(message.uid)
            await self._output.room()

    async def _mark_seen(
        self, messages: Sequence[Message]
    ) -> dict[Uid, tuple[Message, bool]]:
        r"""Set ``\Seen`` if that is to be; say which messages' flags are news."""
        marked = {message.uid: (message, False) for message in messages}
        new = [each.uid for each in messages if not each.flags & Flag.SEEN]
        unseen = np.array(new, np.uint32)
        if self._sets_seen and new:
            try:
                await self._mailbox.set_flags(unseen, FlagChange.ADD, _SEEN)
            except MailError as error:
                if ends_session(error):
                    raise
                # Mail that can be read is read, whoever holds the lock.
                self._sets_seen = False
                _log.info("did not set Seen: {error!r}", error=error)
            else:
                there = self._mailbox.remaining(unseen)
                for message in self._mailbox.messages_of(there):
                    marked[message.uid] = (message, True)
        return marked

    async def _tell_one(
        self, octets: Octets, card: Card | None, *, is_news: bool
    ) -> None:
        # What is not there any more is found out before we begin to tell of it.
        answers = await self._answers(octets, card, is_news=is_news)
        if not answers:
            return
        self._session.tell_keywords()
        self._output.write(self._session.selection.row_start(octets.message))
        try:
            for number, answer in enumerate(answers):
                if number:
                    self._output.write(b" ")
                await answer.tell(self._output)
        except Exception as error:
            if isinstance(error, CancelledError) and self._session.ended is not None:
                raise
            # What was begun can't be taken back, whatever it is that went wrong.
            raise BrokenOff("in the middle of a message") from error
        self._output.write(responses.FETCH_END)

    async def _answers(
        self, octets: Octets, card: Card | None, *, is_news: bool
    ) -> list[Answer]:
        message = octets.message
        beyond_headers = self._windows.beyond_headers
        if not await octets.is_intact(beyond_headers=beyond_headers):
            raise MessageGone
        answers: list[Answer] = []
        if is_news and not self._tells_flags:
            answers.append(Said(self._flags(message, card)))
            if self._session.dialect.tells_modseqs and not self._tells_modseq:
                answers.append(Said(self._modseq(message, card)))
        for item in self._items:
            if not isinstance(item, OctetItem):
                answers.append(Said(item(message, card)))
                continue
            try:
                answers.append(await answer_to(item, octets))
            except UnknownCTE:
                self._undecodable += 1
        return answers
