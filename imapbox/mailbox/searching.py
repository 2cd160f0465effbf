"""A search of the open mailbox, in slices.

Columns first, then cards, then octets, and of each only what may decide: see
`query.program`. Between any two small pieces of work the caller's `pause` is
awaited, which lets others have their turn, and which is where a search ends
whose client has gone. What is in memory at a time is a slice of columns, a
batch of cards, and some 256 KiB of octets, however large mailbox and messages.

Of texts the mailbox is asked first, for all messages at once, since an index may
know; what it does not know is looked for as it is.

It is all done in the reactor's thread, but for the reading: see
docs/decisions/search-in-slices.md.
"""

from collections.abc import (
    AsyncIterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.mailbox.cards import READ, in_batches, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.search_plan import Pause, Plan, plan
from imapbox.mailbox.values import Piece
from imapbox.mime.card import Card
from imapbox.model.criteria import Criterion, Like, Text
from imapbox.model.errors import MessageGone
from imapbox.model.numbers import ModSeq
from imapbox.query.columns import Facts, Mask
from imapbox.query.matches import Matches, relevancy
from imapbox.query.octets import Scan
from imapbox.query.program import NO, UNKNOWN, YES, Answers

# So many messages, or fewer where much is asked of them, are looked at at once:
# for a millisecond, or a few.
_SLICE: Final = 16 * 1024
_MAX_ANSWERS: Final = 1024 * 1024
# However few they are, each question takes its time, and so many a millisecond.
_LEAVES: Final = 32
# Of a large message, what is read along with others' beginnings.
_BEGINNING: Final = 64 * 1024


class Found(NamedTuple):
    """Messages: of each its UID and its sequence number, side by side.

    Attributes:
        uids: Theirs.
        seqs: Theirs.
        relevancy: How relevant each is, 1 to 100, where that was asked: RFC 6203 §4.
    """

    uids: NDArray[np.uint32]
    seqs: NDArray[np.uint32]
    relevancy: NDArray[np.uint8] | None = None


async def places_changed(
    mailbox: SelectedMailbox, since: ModSeq, pause: Pause
) -> NDArray[np.intp]:
    """Return where messages are whose modseq is greater, from 0, ascending."""
    parts = [np.zeros(0, np.intp)]
    for start in range(0, mailbox.exists, _SLICE):
        facts = mailbox.facts(slice(start, start + _SLICE))
        (places,) = np.nonzero(facts.column("modseq") > np.uint64(since))
        parts.append(places + start)
        await pause()
    return np.concatenate(parts)


class Searching:
    """Finds the messages that a criterion means.

    Args:
        mailbox: As its client knows it; it does not change meanwhile.
        criterion: What is asked of them.
        pause: Awaited now and then.
        now: Seconds since 1970 UTC.
        saved: UIDs for which "$" stands; none if it is not given.

    Attributes:
        done: How many messages have been looked at.
    """

    def __init__(
        self,
        mailbox: SelectedMailbox,
        criterion: Criterion,
        pause: Pause,
        *,
        now: float,
        saved: NDArray[np.uint32] | None = None,
    ) -> None:
        self.done = 0
        self._mailbox = mailbox
        self._criterion = criterion
        self._pause = pause
        bounds = replace(mailbox.bounds(), now=int(now))
        self._bounds = bounds if saved is None else replace(bounds, saved=saved)
        self._matches: Mapping[Text, Matches] = {}
        self._plan: Plan

    async def found(self) -> AsyncIterator[Found]:
        """Yield the messages that are so, in order, some at a time.

        Raises:
            SearchTextTooLong: No text that is asked for may be so long.
            MailError: Messages could not be read. One that is gone is no error:
                there is nothing in it.
        """
        self._plan = await plan(self._criterion, self._bounds, self._pause)
        if self._plan.texts:
            texts = self._plan.texts.values()
            self._matches = await self._mailbox.matches(texts, self._pause)
        step = self._step
        for start in range(0, self._mailbox.exists, step):
            places = slice(start, start + step)
            facts = self._mailbox.facts(places)
            answers = await self._ask_columns(places, facts)
            so = await self._all_known(facts.uids, answers)
            self.done = facts.first_seq - 1 + len(facts)
            yield Found(facts.uids[so], facts.seqs()[so])

    async def relevancy(self, uids: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Return how relevant each message is, of all that were found: 1 to 100."""
        scores = np.zeros(len(uids), np.float32)
        for text, known in self._matches.items():
            if not isinstance(text, Like):
                continue
            for start in range(0, len(uids), _SLICE):
                some = slice(start, start + _SLICE)
                scores[some] += known.scores_of(uids[some])
                await self._pause()
        return relevancy(scores)

    async def found_at(
        self, places: NDArray[np.intp]
    ) -> AsyncIterator[tuple[NDArray[np.uint32], Mask]]:
        """Yield the messages at some places, and which of them are so.

        Of the others nothing is read.

        Args:
            places: Ascending, from 0.

        Raises:
            MailError: As for `found`.
        """
        self._plan = await plan(self._criterion, self._bounds, self._pause)
        start = 0
        while start < len(places):
            first = int(places[start])
            stop = int(np.searchsorted(places, first + self._step))
            here = places[start:stop]
            span = slice(first, int(here[-1]) + 1)
            facts = self._mailbox.facts(span)
            uids = facts.uids[here - first]
            answers = (await self._ask_columns(span, facts))[:, here - first]
            yield uids, await self._all_known(uids, answers)
            start = stop

    @property
    def _step(self) -> int:
        return max(1, min(_SLICE, _MAX_ANSWERS // len(self._plan.program)))

    async def _ask_columns(self, places: slice, facts: Facts) -> Answers:
        leaves = len(self._plan.program.leaves)
        answers: Answers = np.zeros((leaves, len(facts)), np.int8)
        tests = list(self._plan.columns.items())
        for start in range(0, len(tests), _LEAVES):
            if start:
                # Rows may move while others have their turn.
                facts = self._mailbox.facts(places)
            for leaf, test in tests[start : start + _LEAVES]:
                answers[leaf] = np.where(test(facts), YES, NO)
            await self._pause()
        for leaf, text in self._plan.texts.items():
            if text in self._matches:
                answers[leaf] = self._matches[text].answers(facts.uids)
                await self._pause()
        return answers

    async def _all_known(self, uids: NDArray[np.uint32], answers: Answers) -> Mask:
        """Say which messages are so, given what columns tell of them."""
        so = self._plan.program.values(answers)[-1]
        (open_,) = np.nonzero(so == UNKNOWN)
        if len(open_):
            so[open_] = await self._look(uids[open_], answers[:, open_])
        are_so: Mask = so == YES
        return are_so

    async def _look(self, uids: NDArray[np.uint32], answers: Answers) -> Answers:
        """Find out of messages what columns did not tell."""
        messages = self._mailbox.messages_of(uids)
        start = 0
        for batch in in_batches(messages, lambda message: message.card_size):
            self.done = batch[0].seq - 1
            here = answers[:, start : start + len(batch)]
            start += len(batch)
            cards = await read_cards(self._mailbox, batch)
            await self._ask_cards(cards, here)
            await self._ask_octets(batch, cards, here)
        so: Answers = self._plan.program.values(answers)[-1]
        return so

    async def _ask_cards(self, cards: Sequence[Card | None], answers: Answers) -> None:
        wanted = self._plan.program.wanted(self._plan.program.values(answers))
        for leaf, test in self._plan.cards.items():
            for number in np.nonzero(wanted[leaf])[0].tolist():
                card = cards[number]
                is_so = card is not None and test(card)
                answers[leaf, number] = YES if is_so else NO
                # A field may have 128 KiB: only the clock knows what it took.
                await self._pause()

    async def _ask_octets(
        self,
        messages: Sequence[Message],
        cards: Sequence[Card | None],
        answers: Answers,
    ) -> None:
        wanted = self._plan.program.wanted(self._plan.program.values(answers))
        todo = np.nonzero(wanted.any(axis=0))[0].tolist()
        for batch in in_batches(todo, lambda number: _beginning(messages[number])):
            beginnings = await self._mailbox.read(
                [
                    Piece(messages[number].uid, 0, _beginning(messages[number]))
                    for number in batch
                ]
            )
            for number, beginning in zip(batch, beginnings, strict=True):
                keys = np.nonzero(wanted[:, number])[0].tolist()
                about_it = answers[:, number : number + 1]
                card = cards[number]
                if card is not None and beginning is not None:
                    message = messages[number]
                    window = _Window(self._mailbox, message, beginning)
                    leaves = {key: self._plan.octets[key] for key in keys}
                    scan = Scan(leaves, card, message.header_size)
                    await self._scan(window, scan, about_it)
                # What was not found by now is not there.
                about_it[keys] = np.where(about_it[keys] == YES, YES, NO)

    async def _scan(self, window: "_Window", scan: Scan, answers: Answers) -> None:
        """Look into one message until its answer is known, or all was read."""
        known = 0
        for octets in scan.pieces():
            try:
                scan.feed(await window.read(octets))
            except MessageGone:
                break
            await self._pause()
            if known != len(scan.found) + len(scan.absent):
                known = len(scan.found) + len(scan.absent)
                answers[list(scan.found)] = YES
                answers[list(scan.absent)] = NO
                if self._plan.program.values(answers)[-1, 0] != UNKNOWN:
                    break
        answers[list(scan.found)] = YES


class _Window:
    """The octets of one message, of which some are here."""

    def __init__(
        self, mailbox: SelectedMailbox, message: Message, beginning: bytes
    ) -> None:
        self._mailbox = mailbox
        self._message = message
        self._here = range(len(beginning))
        self._octets = beginning

    async def read(self, wanted: range) -> bytes:
        """Return octets, and read ahead.

        Raises:
            MessageGone: They are there no longer.
        """
        if not wanted:
            return b""
        if wanted.start < self._here.start or wanted.stop > self._here.stop:
            size = min(READ, self._message.size - wanted.start)
            piece = Piece(self._message.uid, wanted.start, size)
            (octets,) = await self._mailbox.read([piece])
            if octets is None or len(octets) < len(wanted):
                raise MessageGone
            self._octets = octets
            self._here = range(wanted.start, wanted.start + len(octets))
        start = wanted.start - self._here.start
        return self._octets[start : start + len(wanted)]


def _beginning(message: Message) -> int:
    """Return how much of a message is read before it is its turn."""
    return message.size if message.size <= READ else _BEGINNING
