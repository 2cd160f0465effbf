"""The octets of one message, read as far as an answer needs them."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final, TypeVar

from imapbox.imap.parts import Encoded, find_encoded, find_section
from imapbox.imap.sections import MAX_SEARCHED, header_end, select_fields
from imapbox.mailbox.cards import READ
from imapbox.mailbox.interfaces import ALWAYS_CHECKED, SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.values import Piece
from imapbox.mime.card import Card
from imapbox.model.errors import MessageGone
from imapbox.wire.imap.fetch_items import Section, SectionText

T = TypeVar("T")

# So many fields are looked at before the others have their turn.
_AT_A_TIME: Final = 1000


class Octets:
    """A message of which some octets were read already.

    Args:
        mailbox: Where it is.
        message: Which.
        window: Some of its octets, and where they are.
        card: What is in it; needed only for parts.
    """

    def __init__(
        self,
        mailbox: SelectedMailbox,
        message: Message,
        window: tuple[range, bytes],
        card: Card | None = None,
    ) -> None:
        self.message = message
        self._mailbox = mailbox
        self._window, self._seen = window
        self._card = card
        self._header_size: int | None = None
        self._header = range(0), b""

    async def is_intact(self, *, beyond_headers: bool) -> bool:
        """Say whether all octets are there, as they were stored.

        Of large messages each process finds that out once. A header that was read
        already is told unchecked.

        Args:
            beyond_headers: Whether more than headers is asked for.
        """
        size = self.message.size
        if size <= ALWAYS_CHECKED or size == len(self._window):
            return True  # it was checked when it was read
        if not beyond_headers and self._has_headers():
            return True
        return await self._mailbox.is_intact(self.message.uid)

    def _has_headers(self) -> bool:
        """Say whether nothing has to be read any more to tell of headers."""
        if self._window.start or len(self._window) >= READ:
            return len(self._window) < READ
        self._header_size = header_end(self._seen)
        return self._header_size is not None

    async def read(self, start: int, size: int) -> bytes:
        """Return ``size`` octets, at most `READ`, all of them in the message.

        Raises:
            MessageGone: They are there no longer.
        """
        if self._window.start <= start and start + size <= self._window.stop:
            at = start - self._window.start
            return self._seen[at : at + size]
        (data,) = await self._mailbox.read((Piece(self.message.uid, start, size),))
        if data is None or len(data) != size:
            raise MessageGone
        return data

    async def read_through(
        self, start: int, size: int, work: Callable[[bytes], T]
    ) -> T:
        """Do ``work`` on octets, in a thread if they are not here already.

        Raises:
            MessageGone: They are there no longer.
        """
        if self._window.start <= start and start + size <= self._window.stop:
            return work(await self.read(start, size))
        piece = Piece(self.message.uid, start, size)
        result = await self._mailbox.read_through(piece, lambda octets: (work(octets),))
        if result is None:
            raise MessageGone
        return result[0]

    async def find(self, section: Section) -> range | None:
        """Return where a section is; None if the message has no such part.

        Raises:
            MessageGone: That can't be found out any more.
        """
        if section.part:
            return find_section(self._need_card(), self.message.header_size, section)
        if section.text is SectionText.ALL:
            return range(self.message.size)
        if self._header_size is None:
            self._header_size = await self._find_header_end()
        if section.text is SectionText.TEXT:
            return range(self._header_size, self.message.size)
        return range(self._header_size)

    def find_encoded(self, part: Sequence[int]) -> Encoded | None:
        """Return where a part is, and how it is encoded; None if there is none."""
        card = self._need_card()
        return find_encoded(card, self.message.header_size, tuple(part))

    async def select_fields(
        self, header: range, section: Section, pause: Callable[[], Awaitable[None]]
    ) -> bytes:
        """Return the fields that a section names.

        Args:
            header: Where they are.
            section: HEADER.FIELDS or HEADER.FIELDS.NOT.
            pause: Awaited now and then, where there is much to do.

        Raises:
            MessageGone: The header is there no longer.
        """
        if self._header[0] != header:
            self._header = header, await self._gather(header[:MAX_SEARCHED])
        fields = select_fields(
            self._header[1],
            section.fields,
            without=section.text is SectionText.HEADER_FIELDS_NOT,
        )
        chosen = []
        while some := list(islice(fields, _AT_A_TIME)):
            chosen.append(b"".join(some))
            await pause()
        return b"".join(chosen)

    def _need_card(self) -> Card:
        if self._card is None:
            raise RuntimeError("parts were asked for, and no card was read")
        return self._card

    async def _find_header_end(self) -> int:
        beginning = b"" if self._window.start else self._seen
        end = header_end(beginning)
        at = len(beginning)
        before = beginning[-2:]
        while end is None and at < self.message.size:
            piece = await self.read(at, min(READ, self.message.size - at))
            # The "x" keeps this from being taken for a message's beginning.
            seen = b"x" + before + piece if at else piece
            if (found := header_end(seen)) is not None:
                end = at - (len(seen) - len(piece)) + found
            at += len(piece)
            before = seen[-2:]
        return self.message.size if end is None else end

    async def _gather(self, extent: range) -> bytes:
        pieces = [
            await self.read(at, min(READ, extent.stop - at))
            for at in range(extent.start, extent.stop, READ)
        ]
        return b"".join(pieces)
