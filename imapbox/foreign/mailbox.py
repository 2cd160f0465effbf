"""One session's sight of a foreign `IMailbox`, from SELECT to CLOSE.

A foreign mailbox tells of new messages and flags, if it does, but never of what was
expunged. So each sync looks whether it still has as many messages as before, and the
same last one: UIDs only grow, so nothing has come or gone then. Else all UIDs are
read, and compared. Flags are read again at each sync where there are few messages,
and where there are many when the mailbox says that some have changed.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.mail.interfaces import (
    ICloseableMailboxIMAP,
    IMessageIMAPCopier,
    ISearchableIMAPMailbox,
)

from imapbox.foreign.calls import ask, turn
from imapbox.foreign.listener import Listener
from imapbox.foreign.octets import octets_file, piece_of
from imapbox.foreign.questions import Unspeakable, question
from imapbox.foreign.rows import (
    Keywords,
    UidsUnusable,
    all_uids,
    message_set,
    messages,
    rows_of,
)
from imapbox.foreign.view import View
from imapbox.imap.answers import Refused
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.twisted_interfaces import ISyncedMailbox
from imapbox.mailbox.updates import (
    Exists,
    Expunged,
    FlagsChanged,
    KeywordsDefined,
    Update,
)
from imapbox.mailbox.values import Copied, Piece
from imapbox.mime.card import make_card
from imapbox.mime.scanner import Scanner
from imapbox.model.criteria import Like, Text
from imapbox.model.errors import MailboxGone, MailboxReadOnly, MessageGone, StoreFailure
from imapbox.model.flags import FlagChange
from imapbox.model.names import MailboxName
from imapbox.model.numbers import ModSeq, Seq, Uid, UidValidity
from imapbox.model.rights import ALL_RIGHTS
from imapbox.model.uid_arrays import union
from imapbox.query.matches import Matches

T = TypeVar("T")

# Of so many messages flags are read at each sync.
FEW: Final = 1000
# However silent a mailbox is, who idles looks so often.
POLL_SECONDS: Final = 30.0
_SCANNED: Final = 64 * 1024
_READ_AT_ONCE: Final = 20
_MODES: Final = {FlagChange.ADD: 1, FlagChange.REMOVE: -1, FlagChange.REPLACE: 0}

_log = Logger()

Open = Callable[[MailboxName], Awaitable[Any]]


class ForeignMailbox(View):
    """See `mailbox.interfaces.SelectedMailbox`. `opened` makes one.

    Attributes:
        name: As it was selected.
        read_only: Whether nothing can be changed.
        uidvalidity: The mailbox's.
        mailbox_id: None.
        rights: All; the application says what can't be done.
    """

    mailbox_id = b""
    rights = ALL_RIGHTS

    def __init__(  # noqa: PLR0913 - what a session needs
        self,
        name: MailboxName,
        box: Any,
        view: View,
        clock: Any,
        open_other: Open,
        *,
        uidvalidity: int,
        uidnext: int,
        read_only: bool,
    ) -> None:
        super().__init__(view.rows, view.words, 0)
        self.recent_after = view.recent_after
        self.name = name
        self.read_only = read_only
        self.uidvalidity = UidValidity(uidvalidity)
        self.uidnext = uidnext
        self._box = box
        self._clock = clock
        self._open_other = open_other
        self._now = self.uids[0 : self.exists]
        self._keywords_told = len(self.words.names)
        self._file: tuple[int, Any] | None = None
        self._listener = Listener()
        self._closed = False
        box.addListener(self._listener)

    async def check_readable(self) -> None:
        """Do nothing: nobody tells."""

    def may_add_keywords(self) -> bool:
        r"""Say whether the mailbox has ``\*`` among its flags."""
        return "\\*" in map(str, self._box.getFlags())

    async def matches(
        self, texts: Collection[Text], pause: Callable[[], Awaitable[None]]
    ) -> Mapping[Text, Matches]:
        """Return what an `ISearchableMailbox` says of texts.

        It counts messages as it has them: where these are not those that the client
        knows, its numbers say nothing.
        """
        searchable: Any = ISearchableIMAPMailbox(self._box, None)
        if searchable is None:
            return {}
        found: dict[Text, Matches] = {}
        for text in texts:
            if isinstance(text, Like):
                continue
            try:
                query = question(text)
            except Unspeakable:
                continue
            numbers = await ask(searchable.search, query, False)  # noqa: FBT003 - Twisted's
            places = union(np.array(list(numbers), np.int64)) - 1
            places = places[(places >= 0) & (places < self.exists)]
            uids = self.uids[0 : self.exists][places]
            found[text] = Matches(uids, np.ones(len(uids), np.float32), 2**32)
            await pause()
        await self._look()
        agree = np.array_equal(self._now, self.uids[0 : self.exists])
        return found if agree else {}

    async def sync(self, *, may_expunge: bool) -> Collection[Update]:
        """Learn what changed; see `SelectedMailbox.sync`."""
        self._file = None
        if await ask(self._box.getUIDValidity) != self.uidvalidity:
            raise MailboxGone(self.name)
        await self._look()
        told = self.uids[0 : self.exists]
        gone = np.setdiff1d(told, self._now, assume_unique=True)
        new = np.setdiff1d(self._now, told, assume_unique=True)
        if len(new) and len(told) and new[0] < told[-1]:
            raise MailboxGone(self.name)  # what clients know means nothing any more
        self.gone.update(gone.tolist())
        flagged = await self._reread(np.setdiff1d(told, gone, assume_unique=True))
        updates: list[Update] = []
        if len(gone) and may_expunge:
            places = self.uids.places_of(gone)
            updates += [Expunged(Seq(place + 1)) for place in places[::-1].tolist()]
            self._forget(gone)
        if len(new) and (may_expunge or not len(gone)):
            await self._add(new)
            updates.append(Exists(self.exists, self.recent))
        if self._keywords_told < len(self.words.names):
            self._keywords_told = len(self.words.names)
            updates.insert(0, KeywordsDefined())
        return updates + [FlagsChanged(each) for each in self.messages_of(flagged)]

    async def _look(self) -> None:
        """Learn which messages there are."""
        synced: Any = ISyncedMailbox(self._box, None)
        if synced is not None:  # as those of imapbox's own are
            await ask(synced.sync)
        count = int(await ask(self._box.getMessageCount))
        self.uidnext = int(await ask(self._box.getUIDNext))
        same = count == len(self._now)
        if same and count:
            same = int(await ask(self._box.getUID, count)) == int(self._now[-1])
        if not same:
            self._now = await all_uids(self._box, self._clock)

    async def _reread(self, uids: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Read flags again if that is to be; return whose are others."""
        if self.exists > FEW and not self._listener.flags_changed:
            return uids[:0]
        self._listener.flags_changed = False
        return await self._read_flags(uids)

    async def _read_flags(self, uids: NDArray[np.uint32]) -> NDArray[np.uint32]:
        changed = []
        async for uid, message in messages(self._box, uids, self._clock):
            row = self.rows[uid]
            flags = self.words.split(message.getFlags())
            if flags != (row.flags, row.keywords):
                row.flags, row.keywords = flags
                changed.append(uid)
        return np.array(sorted(changed), np.uint32)

    def _forget(self, uids: NDArray[np.uint32]) -> None:
        for uid in uids.tolist():
            del self.rows[uid]
        self.gone.difference_update(uids.tolist())
        self.renumber()

    async def _add(self, uids: NDArray[np.uint32]) -> None:
        async for uid, row in rows_of(self._box, uids, self.words, self._clock):
            self.rows[uid] = row
        self.renumber()

    async def set_flags(
        self,
        uids: UidArray,
        change: FlagChange,
        flags: frozenset[str],
        *,
        unchanged_since: ModSeq | None = None,
    ) -> Sequence[Uid]:
        """Change flags; see `SelectedMailbox.set_flags`."""
        del unchanged_since  # nobody may ask for it
        self._check_writable()
        chosen = np.asarray(uids, np.uint32)
        if len(chosen):
            named = message_set(chosen)
            mode = _MODES[change]
            await ask(self._box.store, named, sorted(flags), mode, True)  # noqa: FBT003 - Twisted's
            await self._look()
            gone = np.setdiff1d(chosen, self._now, assume_unique=True)
            self.gone.update(gone.tolist())
            await self._read_flags(self.remaining(chosen))
        return ()

    async def expunge(self, uids: Iterable[range] | None = None) -> None:
        r"""Remove what is ``\Deleted``; `sync` tells what went."""
        del uids  # nobody may name any
        self._check_writable()
        await ask(self._box.expunge)

    async def remove(self, uids: UidArray) -> None:
        """Be asked by nobody: REPLACE is not offered."""
        raise NotImplementedError

    async def copy(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Copy messages, one after the other: the interfaces have no better way."""
        if not len(uids):
            return None
        target = await self._open_other(name)
        copier: Any = IMessageIMAPCopier(target, None)
        originals = [Uid(int(uid)) for uid in uids]
        copied = 0
        array = np.asarray(uids, np.uint32)
        async for _, message in messages(self._box, array, self._clock):
            if copier is not None:
                await ask(copier.copy, message)
            else:
                file = await octets_file(message, self._clock)
                file.seek(0)
                flags, date = list(message.getFlags()), message.getInternalDate()
                await ask(target.addMessage, file, flags, date)
            copied += 1
        if copied < len(originals):
            raise MessageGone
        uidvalidity = UidValidity(int(await ask(target.getUIDValidity)))
        return Copied(uidvalidity, originals, ())

    async def move(self, uids: UidArray, name: MailboxName) -> Copied | None:
        """Be asked by nobody: MOVE is not offered."""
        raise NotImplementedError

    async def read(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Return octets of messages, None for those that are gone."""
        found = []
        for number, piece in enumerate(pieces, start=1):
            file = await self._file_of(piece.uid)
            found.append(
                None if file is None else piece_of(file, piece.start, piece.size)
            )
            if not number % _READ_AT_ONCE:
                await turn(self._clock)
        return found

    async def read_cards(self, uids: Sequence[Uid]) -> Sequence[bytes | None]:
        """Return none: none is stored."""
        return [None] * len(uids)

    async def make_card(self, uid: Uid) -> bytes | None:
        """Make a message's card from its octets; None if these are gone."""
        file = await self._file_of(uid)
        if file is None:
            return None
        scanner = Scanner()
        for start in range(0, self.rows[uid].size, _SCANNED):
            scanner.feed(piece_of(file, start, _SCANNED))
            await turn(self._clock)
        return make_card(scanner.finish())

    async def is_intact(self, uid: Uid) -> bool:
        """Believe that octets are what was stored."""
        return uid in self.rows

    async def read_through(self, piece: Piece, work: Callable[[bytes], T]) -> T | None:
        """Do ``work`` on octets of a message: here, since they are."""
        (octets,) = await self.read([piece])
        await turn(self._clock)
        return None if octets is None else work(octets)

    def read_now(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        """Be asked by nobody: it is for twisted.mail's server."""
        del pieces
        raise StoreFailure

    async def _file_of(self, uid: int) -> Any:
        """Return the octets of a message as a file; None if it is gone."""
        if self._file is None or self._file[0] != uid:
            self._file = None
            one = np.array([uid], np.uint32)
            async for _, message in messages(self._box, one, self._clock):
                self._file = uid, await octets_file(message, self._clock)
        return None if self._file is None else self._file[1]

    def changed(self) -> Deferred[None]:
        """Return a Deferred that fires when a `sync` may have news."""
        waiter = self._listener.wait()
        poll = self._clock.callLater(POLL_SECONDS, self._listener.wake)

        def end(result: Any) -> Any:
            if poll.active():
                poll.cancel()
            return result

        return waiter.addBoth(end)

    def close(self) -> None:
        """Give everything back; what the application says to it is logged."""
        if self._closed:
            return
        self._closed = True
        self._file = None
        _give_back(self._box.removeListener, self._listener)
        _close(self._box)

    def _check_writable(self) -> None:
        if self.read_only:
            raise MailboxReadOnly(self.name)


async def opened(
    name: MailboxName, box: Any, clock: Any, open_other: Open, *, read_only: bool
) -> ForeignMailbox:
    """Return a session's sight of a mailbox.

    Args:
        name: As it was selected.
        box: The application's `IMailbox`.
        clock: For turns of others.
        open_other: Opens another mailbox of the account, for COPY.
        read_only: Whether nothing is to be changed.

    Raises:
        Refused: It can't be opened.
    """
    try:
        return await _opened(name, box, clock, open_other, read_only=read_only)
    except UidsUnusable:
        _close(box)
        raise Refused("The application's mailbox has UIDs that are none.") from None
    except BaseException:
        _close(box)
        raise


async def _opened(
    name: MailboxName, box: Any, clock: Any, open_other: Open, *, read_only: bool
) -> ForeignMailbox:
    words = Keywords(box.getFlags())
    uids = await all_uids(box, clock)
    rows = {uid: row async for uid, row in rows_of(box, uids, words, clock)}
    uidvalidity = int(await ask(box.getUIDValidity))
    if not 0 < uidvalidity < 2**32:
        raise Refused("The application's mailbox has no UIDVALIDITY.")
    view = View(rows, words, int(await ask(box.getRecentCount)))
    return ForeignMailbox(
        name,
        box,
        view,
        clock,
        open_other,
        uidvalidity=uidvalidity,
        uidnext=int(await ask(box.getUIDNext)),
        read_only=read_only or not await ask(box.isWriteable),
    )


def _close(box: Any) -> None:
    closeable: Any = ICloseableMailboxIMAP(box, None)
    if closeable is not None:
        _give_back(closeable.close)


def _give_back(method: Callable[..., Any], *arguments: Any) -> None:
    """Call what gives something back; what the application says to it is logged."""

    def failed(failure: Any) -> None:
        _log.failure("a foreign mailbox could not be closed", failure)

    maybeDeferred(method, *arguments).addErrback(failed)
