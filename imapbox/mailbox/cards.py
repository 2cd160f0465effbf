"""Cards of messages as FETCH and others want them: always there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mime.card import Card, CardUnreadable

T = TypeVar("T")

# What is read at a time: for one large message, or for many small ones.
READ: Final = 256 * 1024
# So many messages are read at once, however small they are.
_MAX_BATCH: Final = 500


async def read_cards(
    mailbox: SelectedMailbox, messages: Sequence[Message], *, make: bool = True
) -> list[Card | None]:
    """Return the cards of messages; None for those whose octets are gone.

    Where no good card is stored, one is made, unless that is not to be: then
    there is None for them, too.
    """
    stored = await mailbox.read_cards([message.uid for message in messages])
    cards: list[Card | None] = []
    for message, octets in zip(messages, stored, strict=True):
        card = _readable(octets)
        if card is None and make:
            card = _readable(await mailbox.make_card(message.uid))
        cards.append(card)
    return cards


def in_batches(things: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Group things, each of which has its size, so that a group is one read."""
    batch: list[T] = []
    total = 0
    for each in things:
        size = size_of(each)
        if batch and (total + size > READ or len(batch) >= _MAX_BATCH):
            yield batch
            batch, total = [], 0
        batch.append(each)
        total += size
    if batch:
        yield batch


def _readable(octets: bytes | None) -> Card | None:
    if octets is not None:
        # Another version's, perhaps.
        with suppress(CardUnreadable):
            return Card(octets)
    return None
