"""Putting messages that were found into an order, in slices.

As `searching` does: between any two small pieces of work the caller's `pause` is
awaited. What is in memory is a string for each message, see `query.order`, and a
batch of cards.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.search_plan import Pause
from imapbox.mailbox.searching import Found
from imapbox.mime.card import Card
from imapbox.model.sorting import SortBy, SortKey
from imapbox.query.order import Order, uids_of
from imapbox.query.runs import Runs

# Of so many messages the relevancy is noted down before others have their turn.
_AT_A_TIME: Final = 4096


async def sort_found(
    mailbox: SelectedMailbox, found: Found, by: Sequence[SortBy], pause: Pause
) -> Found:
    """Return the same messages in another order.

    Args:
        mailbox: Whose they are.
        found: Ascending.
        by: The first criterion decides first.
        pause: Awaited now and then.

    Raises:
        MailError: They could not be read. One that is gone is no error: there is
            nothing in it.
    """
    relevant = await _relevancy(found, by, pause)
    order = Order(by, len(found.uids), relevant)
    parts = [np.zeros(0, np.intp)]
    async for keys in sorted_keys(mailbox, found.uids, order, pause):
        # Of many at once, in no order, it takes long to say where they were.
        parts.append(np.searchsorted(found.uids, uids_of(keys)))
        await pause()
    places = np.concatenate(parts)
    relevancy = None if found.relevancy is None else found.relevancy[places]
    return Found(found.uids[places], found.seqs[places], relevancy)


async def _relevancy(
    found: Found, by: Sequence[SortBy], pause: Pause
) -> Mapping[int, int]:
    """Return how relevant each message is, by UID, where they are sorted by that."""
    relevant: dict[int, int] = {}
    if found.relevancy is None or all(each.key is not SortKey.RELEVANCY for each in by):
        return relevant
    for start in range(0, len(found.uids), _AT_A_TIME):
        some = slice(start, start + _AT_A_TIME)
        uids, scores = found.uids[some].tolist(), found.relevancy[some].tolist()
        relevant.update(zip(uids, scores, strict=True))
        await pause()
    return relevant


async def sorted_keys(
    mailbox: SelectedMailbox, uids: NDArray[np.uint32], order: Order, pause: Pause
) -> AsyncIterator[list[bytes]]:
    """Yield the keys of messages as they are sorted, some at a time.

    Args:
        mailbox: Whose they are.
        uids: Theirs, ascending.
        order: Makes the keys.
        pause: Awaited now and then.
    """
    runs = Runs()
    async for message, card in with_cards(mailbox, uids, needed=order.needs_cards):
        runs.add(order.key(message, card))
        await pause()
    for keys in runs.merged():
        yield keys


async def with_cards(
    mailbox: SelectedMailbox, uids: NDArray[np.uint32], *, needed: bool = True
) -> AsyncIterator[tuple[Message, Card | None]]:
    """Yield messages with their cards; without, if these are gone, or not needed."""
    messages = mailbox.messages_of(uids)
    if not needed:
        for message in messages:
            yield message, None
        return
    for batch in in_batches(messages, lambda message: message.card_size):
        for each in zip(batch, await read_cards(mailbox, batch), strict=True):
            yield each
