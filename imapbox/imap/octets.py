"""The octets of one message, read as far as an answer needs them."""

from typing import Final

from imapbox.imap.sections import MAX_FIELDS, cut, header_end, select_fields
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


def worth_reading(message: Message, item: BodyItem) -> int:
    """Return how much of a message's beginning will probably be needed."""
    if item.section.text in _HEADER:
        most = HEADER_GUESS
    elif item.partial is not None and item.section.text is SectionText.ALL:
        most = item.partial.start + item.partial.length
    else:
        most = READ
    return min(message.size, most, READ)


class Octets:
    """A message whose beginning was read already."""

    def __init__(
        self, mailbox: SelectedMailbox, message: Message, beginning: bytes
    ) -> None:
        self.message = message
        self._mailbox = mailbox
        self._beginning = beginning
        self._header: int | None = None

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

    async def wanted(self, item: BodyItem) -> range | bytes:
        """Return what ``item`` means: where it is, or, if made up, itself.

        Raises:
            MessageGone: It is there no longer.
        """
        text = item.section.text
        if text in _FIELDS:
            header = await self._gather(min(await self._header_size(), MAX_FIELDS))
            without = text is SectionText.HEADER_FIELDS_NOT
            fields = select_fields(header, item.section.fields, without=without)
            here = cut(range(len(fields)), item.partial)
            return fields[here.start : here.stop]
        whole = range(self.message.size)
        if text is SectionText.HEADER:
            whole = whole[: await self._header_size()]
        elif text is SectionText.TEXT:
            whole = whole[await self._header_size() :]
        return cut(whole, item.partial)

    async def _header_size(self) -> int:
        if self._header is None:
            self._header = await self._find_header_end()
        return self._header

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
