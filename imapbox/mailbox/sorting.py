"""Putting messages that were found into an order, in slices.

As `searching` does: between any two small pieces of work the caller's `pause` is
awaited. What is in memory is a string for each message, see `query.order`, and a
batch of cards.
"""

from collections.abc import AsyncIterator, Sequence

import numpy as np

from imapbox.mailbox.cards import in_batches, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.searching import Found, Pause
from imapbox.mime.card import Card
from imapbox.model.sorting import SortBy
from imapbox.query.order import Order, numbers_of
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
    order = Order(by, len(found.uids))
    runs = Runs()
    async for message, card in with_cards(mailbox, found, needed=order.needs_cards):
        runs.add(order.key(message, card))
        await pause()
    rows = [np.zeros((0, 2), np.uint32)]
    for keys in runs.merged():
        rows.append(numbers_of(keys))
        await pause()
    seqs, uids = np.concatenate(rows).T
    return Found(uids, seqs)


async def with_cards(
    mailbox: SelectedMailbox, found: Found, *, needed: bool = True
) -> AsyncIterator[tuple[Message, Card | None]]:
    """Yield messages with their cards; without, if these are gone, or not needed."""
    messages = mailbox.messages_of(found.uids)
    if not needed:
        for message in messages:
            yield message, None
        return
    for batch in in_batches(messages, lambda message: message.card_size):
        for each in zip(batch, await read_cards(mailbox, batch), strict=True):
            yield each
