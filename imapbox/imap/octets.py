"""The octets of one message, read as far as an answer needs them."""

from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Final

from imapbox.imap.sections import MAX_SEARCHED, cut, header_end, select_fields
from imapbox.mailbox.interfaces import Piece, SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.model.errors import MessageGone
from imapbox.wire.imap.fetch_items import BodyItem, SectionText

# What is read at a time: for one large message, or for many small ones.
READ: Final = 256 * 1024
# Most headers are shorter.
HEADER_GUESS: Final = 16 * 1024

_FIELDS: Final = frozenset({SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT})
_HEADER: Final = _FIELDS | {SectionText.HEADER}
# So many fields are looked at before the others have their turn.
_AT_A_TIME: Final = 1000


def worth_reading(items: Iterable[BodyItem]) -> int:
    """Return how much of a message's beginning is read to answer ``items``."""
    return min(max(map(_reach, items)), READ)


def _reach(item: BodyItem) -> int:
    if item.section.text in _HEADER:
        return HEADER_GUESS
    if item.partial is not None and item.section.text is SectionText.ALL:
        return item.partial.start + item.partial.length
    return READ


class Octets:
    """A message whose beginning was read already."""

    def __init__(
        self, mailbox: SelectedMailbox, message: Message, beginning: bytes
    ) -> None:
        self.message = message
        self._mailbox = mailbox
        self._beginning = beginning
        self._header_size = 0
        self._header = b""

    async def read(self, start: int, size: int) -> bytes:
        """Return ``size`` octets, at most `READ`, all of them in the message.

        Raises:
            MessageGone: They are there no longer.
        """
        if start + size <= len(self._beginning):
            return self._beginning[start : start + size]
        (data,) = await self._mailbox.read((Piece(self.message.uid, start, size),))
        if data is None or len(data) != size:
            raise MessageGone
        return data

    async def look(self, items: Iterable[BodyItem]) -> None:
        """Find out what `wanted` must know to tell where ``items`` are.

        Raises:
            MessageGone: The header is there no longer.
        """
        texts = {item.section.text for item in items}
        if texts != {SectionText.ALL}:
            self._header_size = await self._find_header_end()
        if texts & _FIELDS:
            self._header = await self._gather(min(self._header_size, MAX_SEARCHED))

    async def wanted(
        self, item: BodyItem, pause: Callable[[], Awaitable[None]]
    ) -> range | bytes:
        """Return what ``item`` means: where it is, or, if made up, itself.

        Args:
            item: One of those that `look` was told of.
            pause: Awaited now and then, where there is much to do.
        """
        text = item.section.text
        if text in _FIELDS:
            fields = await self._select_fields(item, pause)
            here = cut(range(len(fields)), item.partial)
            return fields[here.start : here.stop]
        whole = range(self.message.size)
        if text is SectionText.HEADER:
            whole = whole[: self._header_size]
        elif text is SectionText.TEXT:
            whole = whole[self._header_size :]
        return cut(whole, item.partial)

    async def _select_fields(
        self, item: BodyItem, pause: Callable[[], Awaitable[None]]
    ) -> bytes:
        fields = select_fields(
            self._header,
            item.section.fields,
            without=item.section.text is SectionText.HEADER_FIELDS_NOT,
        )
        chosen = []
        while some := list(islice(fields, _AT_A_TIME)):
            chosen.append(b"".join(some))
            await pause()
        return b"".join(chosen)

    async def _find_header_end(self) -> int:
        end = header_end(self._beginning)
        at = len(self._beginning)
        before = self._beginning[-2:]
        while end is None and at < self.message.size:
            piece = await self.read(at, min(READ, self.message.size - at))
            # The "x" keeps this from being taken for a message's beginning.
            seen = b"x" + before + piece
            if (found := header_end(seen)) is not None:
                end = at - len(before) - 1 + found
            at += len(piece)
            before = seen[-2:]
        return self.message.size if end is None else end

    async def _gather(self, size: int) -> bytes:
        pieces = [
            await self.read(at, min(READ, size - at)) for at in range(0, size, READ)
        ]
        return b"".join(pieces)
