"""Reading the octets of messages of one mailbox, wherever they lie."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

from imapbox.index.body import Place, Span
from imapbox.mailbox.values import Piece
from imapbox.model.numbers import Uid
from imapbox.store.open_mailbox import OpenMailbox

T = TypeVar("T")

# What was read of messages; None where it is gone.
Reading: TypeAlias = Awaitable[list[T | None]]


class OctetReader:
    """The part of a `interfaces.SelectedMailbox` that reads octets.

    Compaction moves messages while they are read; they are found again.

    Args:
        mailbox: What all sessions share.
    """

    def __init__(self, mailbox: OpenMailbox) -> None:
        self._mailbox = mailbox

    async def read(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Return octets of messages, None for those whose body is gone."""
        uids = [piece.uid for piece in pieces]

        def read(which: Sequence[int], places: list[Place]) -> Reading[bytes]:
            asked = zip(which, places, strict=True)
            return self._mailbox.read(
                [Span(at, pieces[n].start, pieces[n].size) for n, at in asked]
            )

        return await self._where_they_are(uids, read)

    async def read_cards(self, uids: Sequence[Uid]) -> Sequence[bytes | None]:
        """Return the stored cards of messages, None where there is no good one."""

        def read(_: Sequence[int], places: list[Place]) -> Reading[bytes]:
            return self._mailbox.read_cards(places)

        return await self._where_they_are(uids, read)

    async def is_intact(self, uid: Uid) -> bool:
        """Say whether all octets of a message are there, as they were stored."""

        async def read(_: Sequence[int], places: list[Place]) -> list[bool | None]:
            (place,) = places
            return [await self._mailbox.is_intact(uid, place) or None]

        (intact,) = await self._where_they_are([uid], read)
        return bool(intact)

    async def make_card(self, uid: Uid) -> bytes | None:
        """Make a message's card from its octets; None if these are gone."""

        async def read(_: Sequence[int], places: list[Place]) -> list[bytes | None]:
            (place,) = places
            return [await self._mailbox.make_card(place)]

        (card,) = await self._where_they_are([uid], read)
        return card

    async def read_through(self, piece: Piece, work: Callable[[bytes], T]) -> T | None:
        """Do ``work`` on octets of a message in a thread; None if they are gone."""

        async def read(_: Sequence[int], places: list[Place]) -> list[T | None]:
            (place,) = places
            span = Span(place, piece.start, piece.size)
            return [await self._mailbox.read_through(span, work)]

        (result,) = await self._where_they_are([piece.uid], read)
        return result

    async def _where_they_are(
        self,
        uids: Sequence[Uid],
        read: Callable[[Sequence[int], list[Place]], Reading[T]],
    ) -> list[T | None]:
        """Read something of messages, again where they moved meanwhile.

        Args:
            uids: Of the messages.
            read: Called with indices into ``uids``, and where these lie.
        """
        places = self._places_of(uids)
        found = await read(range(len(uids)), places)
        missing = [n for n, each in enumerate(found) if each is None]
        if not missing:
            return found
        # Compaction may have moved them; the log says where to.
        await self._mailbox.sync()
        now = self._places_of([uids[n] for n in missing])
        moved = [
            (n, place)
            for n, place in zip(missing, now, strict=True)
            if place != places[n]
        ]
        if moved:
            which = [n for n, _ in moved]
            again = await read(which, [place for _, place in moved])
            for n, each in zip(which, again, strict=True):
                found[n] = each
        return found

    def _places_of(self, uids: Sequence[Uid]) -> list[Place]:
        columns = self._mailbox.state.columns
        rows = columns.rows_of(np.fromiter(uids, np.uint32, len(uids)))
        return columns.places(rows)

    def read_now(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Do as `read` does, and keep the reactor waiting."""
        places = self._places_of([piece.uid for piece in pieces])
        asked = zip(places, pieces, strict=True)
        return self._mailbox.read_now(
            [Span(place, piece.start, piece.size) for place, piece in asked]
        )
