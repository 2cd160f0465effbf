"""Putting messages that were found into an order, in slices.

As `searching` does: between any two small pieces of work the caller's `pause` is
awaited. What is in memory is a string for each message, see `query.order`, and a
batch of cards.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.searching import Found, Pause
from imapbox.mime.card import Card
from imapbox.model.sorting import SortBy
from imapbox.query.order import Order, uids_of
from imapbox.query.runs import Runs


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
    order = Order(by, len(found.uids), _relevancy(found))
    parts = [found.uids[:0]]
    async for keys in sorted_keys(mailbox, found.uids, order, pause):
        parts.append(uids_of(keys))
        await pause()
    uids = np.concatenate(parts)
    places = np.searchsorted(found.uids, uids)
    relevancy = None if found.relevancy is None else found.relevancy[places]
    return Found(uids, found.seqs[places], relevancy)


def _relevancy(found: Found) -> Mapping[int, int]:
    """Return how relevant each message is, by UID."""
    if found.relevancy is None:
        return {}
    return dict(zip(found.uids.tolist(), found.relevancy.tolist(), strict=True))


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
