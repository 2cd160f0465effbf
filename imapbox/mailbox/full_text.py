"""Searching a mailbox by its full-text index, which is brought up to date first.

All messages up to the index's newest were looked at, so that only later ones are
read. What a search has no time left for, or what another process is about to put
there, `searching` looks through as it does without an index; the next search goes
on where this one stopped.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twisted.logger import Logger

from imapbox.fulltext.documents import AT_ONCE, IndexBroken, emailid_number
from imapbox.fulltext.words import words_asked
from imapbox.mailbox.cards import READ, in_batches
from imapbox.mailbox.indexing import documents
from imapbox.mailbox.interfaces import SelectedMailbox, UidArray
from imapbox.model.criteria import Like, Text
from imapbox.model.errors import MailError
from imapbox.model.names import UserName
from imapbox.query.matches import Matches
from imapbox.store.full_text import FullTextCache

if TYPE_CHECKING:
    from imapbox.fulltext.word_index import WordIndex, WordWriter

Pause = Callable[[], Awaitable[None]]

# After so many messages they are there for others, and for good.
_COMMIT: Final = 2000
_DROPPED_AT_ONCE: Final = 500
_NO_UID: Final = 1 << 32


class _Sight(NamedTuple):
    """How an index lies to what there is.

    Attributes:
        last: The greatest UID that the client knows.
        position: Up to this UID all messages were looked at.
        live: The messages up to it, as they are now; ascending UIDs.
        missing: The later ones.
        agrees: Whether as many are in the index as there are.
    """

    last: int
    position: int
    live: NDArray[np.uint32]
    missing: NDArray[np.uint32]
    agrees: bool

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.agrees and not len(self.missing)

    @property
    def known_up_to(self) -> int:
        """Up to which UID the index knows which messages are so."""
        return self.position if len(self.missing) else max(self.last, self.position)


class FullText:
    """The indexes of one user's mailboxes.

    Args:
        cache: Where they are.
        user: Whose they are.
    """

    _log = Logger()

    def __init__(self, cache: FullTextCache, user: UserName) -> None:
        self._cache = cache
        self._user = user

    async def matches(
        self, mailbox: SelectedMailbox, likes: Collection[Like], pause: Pause
    ) -> Mapping[Text, Matches]:
        """Return what the index knows; see `interfaces.SelectedMailbox.matches`.

        Whatever is wrong with it, there is only less that is known.
        """
        asked = [like for like in likes if words_asked(like)]
        if not asked:
            return {}
        try:
            directory = await self._cache.directory(
                self._user, mailbox.mailbox_id, mailbox.uidvalidity
            )
            if not mailbox.exists:
                await self._cache.throw_away(directory)
                return {}
            try:
                return await self._ask(directory, mailbox, asked, pause)
            except IndexBroken as error:
                self._log.info(
                    "makes a new full-text index in {directory}: {error}",
                    directory=directory,
                    error=error,
                )
                await self._cache.throw_away(directory)
                return await self._ask(directory, mailbox, asked, pause)
        except (IndexBroken, MailError) as error:
            self._log.warn(
                "no full-text index for {user}: {error!r}",
                user=self._user,
                error=error,
            )
            return {}

    async def _ask(
        self,
        directory: str,
        mailbox: SelectedMailbox,
        asked: Collection[Like],
        pause: Pause,
    ) -> Mapping[Text, Matches]:
        index = await self._cache.open(directory)
        sight = await self._look(index, mailbox)
        if not sight.is_current and self._cache.may_write(directory):
            async with self._writing(directory, index) as writer:
                if writer is not None:
                    await self._bring_up_to_date(directory, mailbox, writer, pause)
            index = await self._cache.open(directory)
            sight = await self._look(index, mailbox)
        uids = mailbox.uids[0 : mailbox.exists]
        return {
            like: await self._find(index, uids, like, sight.known_up_to, pause)
            for like in asked
        }

    async def _look(self, index: "WordIndex", mailbox: SelectedMailbox) -> _Sight:
        """Compare an index with the mailbox.

        Raises:
            IndexBroken: It is no good, or one of another past.
        """
        newest = await self._cache.read(index.newest)
        position = 0 if newest is None else newest.uid
        uids = mailbox.uids[0 : mailbox.exists]
        live = mailbox.remaining(uids)
        cut = int(np.searchsorted(live, position, "right"))
        if newest is not None and cut and live[cut - 1] == position:
            (message,) = mailbox.messages_of(live[cut - 1 : cut])
            if emailid_number(message.emailid) != newest.emailid:
                raise IndexBroken("its newest message is another one")
        last = int(uids[-1])
        count = await self._cache.read(partial(index.count, range(1, last + 1)))
        return _Sight(last, position, live[:cut], live[cut:], agrees=count == cut)

    @asynccontextmanager
    async def _writing(
        self, directory: str, index: "WordIndex"
    ) -> AsyncIterator["WordWriter | None"]:
        """Write an index, unless somebody else does; let others do so afterwards."""
        self._cache.writing.add(directory)
        try:
            writer = await self._cache.write(index.writer)
            if writer is None:
                yield None
                return
            try:
                yield writer
            except (IndexBroken, MailError):
                await self._cache.write(writer.close)
                raise
            except BaseException:
                self._cache.write_later(writer.close)
                raise
            await self._cache.write(writer.close)
        finally:
            self._cache.writing.discard(directory)

    async def _bring_up_to_date(
        self,
        directory: str,
        mailbox: SelectedMailbox,
        writer: "WordWriter",
        pause: Pause,
    ) -> None:
        until = self._cache.monotonic() + self._cache.seconds
        # As it is now that nobody else writes.
        index = await self._cache.open(directory)
        sight = await self._look(index, mailbox)
        if not sight.agrees:
            await self._drop(index, sight, writer, pause)
        since = 0
        messages = mailbox.messages_of(sight.missing)
        for batch in in_batches(messages, lambda message: min(message.size, READ)):
            make = await documents(mailbox, batch)
            await self._cache.write(partial(writer.add, make))
            await pause()
            if self._cache.monotonic() >= until:
                return
            since += len(batch)
            if since >= _COMMIT:
                since = 0
                await self._cache.write(writer.commit)

    async def _drop(
        self, index: "WordIndex", sight: _Sight, writer: "WordWriter", pause: Pause
    ) -> None:
        """Take out what was expunged.

        Raises:
            IndexBroken: There is less in it than should be, or hardly anything is
                left: then a new one is smaller, and knows no word of what is gone.
        """
        there = await self._cache.read(partial(index.all, range(1, sight.last + 1)))
        gone = np.setdiff1d(there, sight.live, assume_unique=True)
        if len(there) - len(gone) != len(sight.live):
            raise IndexBroken("not all messages are in it")
        # The client may know of few that there are.
        every = await self._cache.read(partial(index.count, range(1, _NO_UID)))
        if len(gone) * 2 > every:
            raise IndexBroken("most of its messages were expunged")
        for at in range(0, len(gone), _DROPPED_AT_ONCE):
            some = gone[at : at + _DROPPED_AT_ONCE].tolist()
            await self._cache.write(partial(writer.drop, some))
            await pause()

    async def _find(
        self,
        index: "WordIndex",
        uids: NDArray[np.uint32],
        like: Like,
        known_up_to: int,
        pause: Pause,
    ) -> Matches:
        found = []
        for some in _ranges(uids):
            found.append(await self._cache.read(partial(index.find, like, some)))
            await pause()
        return Matches(
            np.concatenate([each.uids for each in found]),
            np.concatenate([each.scores for each in found]),
            known_up_to,
        )


def _ranges(uids: UidArray) -> Iterator[range]:
    """Yield ranges that hold all messages together, and each not too many."""
    start = 1
    for at in range(0, len(uids), AT_ONCE):
        stop = int(uids[min(at + AT_ONCE, len(uids)) - 1]) + 1
        yield range(start, stop)
        start = stop
