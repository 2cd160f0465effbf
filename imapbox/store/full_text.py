"""Where the full-text indexes lie, and who uses them.

Below a user's ``cache``, which holds what can be lost: see docs/formats/store.md.
The directory of an index says of which version it is, and for which UIDVALIDITY.
"""

from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.failures import in_words
from imapbox.disk.steps import Steps
from imapbox.fulltext.availability import VERSION
from imapbox.model.names import UserName
from imapbox.model.numbers import UidValidity
from imapbox.store.drivers import Drivers
from imapbox.store.format import make_directory_if_missing
from imapbox.store.layout import cache_directory, mailbox_cache

if TYPE_CHECKING:
    from imapbox.fulltext.word_index import WordIndex

T = TypeVar("T")

# So long a search makes an index for, before it goes on without the rest of it.
CATCH_UP_SECONDS: Final = 10.0
# Each takes some memory, and some of the processor.
MOST_WRITERS: Final = 2


class FullTextCache:
    """The indexes of a store, as one process uses them.

    Args:
        drivers: The threads that do its disk work.
        root: The store's directory.

    Attributes:
        seconds: How long one search may take to bring an index up to date.
        writing: The directories of the indexes that are written.
    """

    def __init__(self, drivers: Drivers, root: str) -> None:
        self.seconds = CATCH_UP_SECONDS
        self.writing: set[str] = set()
        self._drivers = drivers
        self._root = PurePath(root)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return self._drivers.filesystem.monotonic()

    def may_write(self, directory: str) -> bool:
        """Say whether one more index may be written here, and this one."""
        return directory not in self.writing and len(self.writing) < MOST_WRITERS

    async def directory(
        self, user: UserName, mailbox_id: bytes, uidvalidity: UidValidity
    ) -> str:
        """Return where a mailbox's index is; make room for it if it isn't there.

        Raises:
            MailError: It can't be made.
        """
        directory = (
            f"{mailbox_cache(user, mailbox_id)}/fulltext-{VERSION}-{uidvalidity}"
        )
        await self._run(_prepare(user, mailbox_id, directory))
        return directory

    async def throw_away(self, directory: str) -> None:
        """Remove what is in an index's directory.

        Raises:
            MailError: It can't be removed.
        """
        await self._run(empty_directory(directory))

    async def open(self, directory: str) -> "WordIndex":
        """Open the index in a directory, perhaps a new one.

        Raises:
            IndexBroken: It is no good.
        """
        # Only with the extra "fulltext" there is a tantivy to be imported.
        from imapbox.fulltext.word_index import WordIndex  # noqa: PLC0415 - see above

        path = str(self._root / directory)
        return await self.read(lambda: WordIndex(path))

    async def read(self, work: Callable[[], T]) -> T:
        """Do something in a thread that only reads.

        Raises:
            MailError: The store does nothing any more.
        """
        return await _worded(self._drivers.read.run(_doing(work)))

    async def write(self, work: Callable[[], T]) -> T:
        """Do something in a thread that may write.

        Raises:
            MailError: The store does nothing any more.
        """
        return await _worded(self._drivers.write.run(_doing(work)))

    def write_later(self, work: Callable[[], object]) -> None:
        """Do something in a thread, whoever has gone meanwhile."""
        self._drivers.write.run(_doing(work)).addErrback(lambda _: None)

    async def _run(self, work: Steps[None]) -> None:
        await _worded(self._drivers.write.run(work))


async def _worded(work: Awaitable[T]) -> T:
    try:
        return await work
    except OSError as error:
        raise in_words(error) from error


def remove_mailbox_cache(user: UserName, mailbox_id: bytes) -> Steps[None]:
    """Remove what is cached of a mailbox, if anything is."""
    directory = mailbox_cache(user, mailbox_id)
    if (yield from steps.exists(directory)):
        yield from _remove_below(directory, keep="")
        yield from steps.remove_directory(directory)


def empty_directory(directory: str) -> Steps[None]:
    """Remove the files in a directory; another one may do the same."""
    for name in (yield from steps.list_directory(directory)):
        try:
            yield from steps.unlink(f"{directory}/{name}")
        except FileNotFoundError:
            continue


def _prepare(user: UserName, mailbox_id: bytes, directory: str) -> Steps[None]:
    if (yield from steps.exists(directory)):
        return
    above = mailbox_cache(user, mailbox_id)
    for each in (cache_directory(user), above, directory):
        yield from make_directory_if_missing(each)
    # Of another version, or of messages whose UIDs mean nothing any more.
    yield from _remove_below(above, keep=PurePath(directory).name)


def _remove_below(above: str, *, keep: str) -> Steps[None]:
    for name in (yield from steps.list_directory(above)):
        if name != keep:
            yield from empty_directory(f"{above}/{name}")
            yield from steps.remove_directory(f"{above}/{name}")


def _doing(work: Callable[[], T]) -> Steps[T]:
    yield from ()  # it makes no calls of ours
    return work()
