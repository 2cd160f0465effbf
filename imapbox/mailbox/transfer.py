"""Messages on their way from one mailbox into another, of any account.

COPY takes the lock of the target only, together with whoever else writes
there: what is copied is what was there when it was asked for. MOVE holds both
locks, so that nothing is moved twice, and no change of flags is lost. What a
message consists of never changes, so that its octets are read and checked
before any lock is taken.
"""

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imapbox.disk.failures import in_words
from imapbox.index.copying import CopyMessages, Originals
from imapbox.index.known import Known
from imapbox.index.rows_taken_along import take_along
from imapbox.mailbox.access import Access, current_mailbox, told_uids
from imapbox.mailbox.values import Copied
from imapbox.model.errors import (
    MailboxGone,
    MessageDamaged,
    MessageGone,
    NoSuchMailbox,
    TooMuchAtOnce,
)
from imapbox.model.names import MailboxName
from imapbox.model.numbers import Uid
from imapbox.model.quota import Usage
from imapbox.model.rights import settable_flags
from imapbox.store.move import Bound, move_messages
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.quotas import check_day, check_room
from imapbox.store.store import Store

MIB: Final = 1024 * 1024
# COPY is all or none, so it is one frame, and nobody else writes meanwhile.
MOST_COPIED: Final = 100_000
MOST_COPIED_OCTETS: Final = 1024 * MIB
# MOVE may end halfway: between two of these the locks are given back.
MOST_MOVED: Final = 10_000
MOST_MOVED_OCTETS: Final = 64 * MIB
# Messages that are to be moved may be expunged meanwhile; then there are fewer.
_TRIES: Final = 10


class Target(NamedTuple):
    """Where messages are brought.

    Attributes:
        access: What whoever brings them may do there.
        mailbox: It.
    """

    access: Access
    mailbox: OpenMailbox


class Targets(Protocol):
    """The mailboxes that somebody may bring messages into."""

    async def target(self, name: MailboxName) -> Target:
        """Return one of them, by the name that he has for it.

        Raises:
            NoSuchMailbox: There is none, or he may not know of it.
            NotPermitted: He may not bring messages there.
        """
        ...


class Transfer:
    """Brings messages into mailboxes.

    Args:
        store: Where the mail is.
        targets: The mailboxes.
    """

    def __init__(self, store: Store, targets: Targets) -> None:
        self._store = store
        self._targets = targets

    async def copy(
        self, source: OpenMailbox, uids: NDArray[np.uint32], name: MailboxName
    ) -> Copied | None:
        """Copy messages; see `interfaces.SelectedMailbox.copy`."""
        access, target = await self._targets.target(name)
        if not len(uids):
            return None
        more = Usage(int(_sizes(source, uids).sum()), len(uids))
        if more.messages > MOST_COPIED or more.octets > MOST_COPIED_OCTETS:
            raise TooMuchAtOnce
        await check_room(self._store, access.account, more)
        check_day(self._store, access.account, more.octets)
        copy = await self._prepared(source, uids, access)
        if copy.originals.have_keywords:
            target, copy.known = await self._keywords(access, name)
        try:
            await target.submit(copy, command="copy")
        except MailboxGone:
            raise NoSuchMailbox(name) from None
        return _copied(uids, copy, access)

    async def move(
        self, source: OpenMailbox, uids: NDArray[np.uint32], name: MailboxName
    ) -> Copied | None:
        """Move messages; see `interfaces.SelectedMailbox.move`."""
        access, target = await self._targets.target(name)
        if not len(uids):
            return None
        octets = _sizes(source, uids[:MOST_MOVED]).cumsum()
        uids = uids[: max(1, int(octets.searchsorted(MOST_MOVED_OCTETS, "right")))]
        more = Usage(int(_sizes(source, uids).sum()), len(uids))
        if source.binding().account != target.binding().account:
            await check_room(self._store, access.account, more)
        check_day(self._store, access.account, more.octets)
        known = take_along(source.state, uids)
        copy = await self._prepared(source, uids, access)
        target, copy.known = await self._keywords(access, name)
        moving = move_messages(
            Bound(source.directory, source.binding()),
            known,
            Bound(target.directory, target.binding()),
            copy,
            self._store.settings,
        )
        try:
            await self._store.drivers.write.run(moving)
        except OSError as error:
            raise in_words(error) from error
        except MailboxGone:
            again = await self._targets.target(name)
            if again.mailbox is target:
                raise
            raise NoSuchMailbox(name) from None
        await source.sync()
        return _copied(uids, copy, access)

    async def move_all(self, old: MailboxName, new: MailboxName) -> None:
        """Move all messages that are in ``old`` now. Both are one's own.

        Raises:
            MessageGone: Others expunge all the time.
            MessageDamaged: One is not what was stored.
            MailError: What was not moved is in ``old`` still.
        """
        access, _ = await self._targets.target(old)
        source, _ = await self._keywords(access, old)
        end = source.state.counts.uidnext
        tries = 0
        while True:
            all_uids = source.state.roll.now
            uids = all_uids[: all_uids.count_below(end)]
            if not len(uids):
                return
            try:
                await self.move(source, uids, new)
            except MessageGone:
                tries += 1
                if tries == _TRIES:
                    raise
                await source.sync()

    async def _prepared(
        self, source: OpenMailbox, uids: NDArray[np.uint32], access: Access
    ) -> CopyMessages:
        state = source.state
        if not state.columns["alive"][state.columns.rows_of(uids)].all():
            raise MessageGone
        originals = Originals(state.columns, uids, list(state.facts.keywords))
        read = originals.octets(source.directory)
        try:
            octets = await self._store.drivers.read.run(read)
        except OSError as error:
            raise in_words(error) from error
        except MessageGone:
            await source.sync()
            if len(source.state.roll.now.among(uids)) == len(uids):
                raise MessageDamaged from None
            raise
        scope = settable_flags(access.rights)
        return CopyMessages(originals, octets, scope=scope)

    async def _keywords(
        self, access: Access, name: MailboxName
    ) -> tuple[OpenMailbox, Known]:
        """Return a mailbox as it is now, and which keywords it has."""
        mailbox = await current_mailbox(self._store, access, name)
        state = mailbox.state
        return mailbox, Known(state.position, list(state.facts.keywords))


def _sizes(mailbox: OpenMailbox, uids: NDArray[np.uint32]) -> NDArray[np.int64]:
    columns = mailbox.state.columns
    sizes: NDArray[np.int64] = columns["size"][columns.rows_of(uids)].astype(np.int64)
    return sizes


def _copied(
    uids: NDArray[np.uint32], copy: CopyMessages, access: Access
) -> Copied | None:
    if copy.uidvalidity is None:
        raise RuntimeError("a copy without a commit")
    copies = told_uids(access, list(map(Uid, copy.uids)))
    return Copied(copy.uidvalidity, uids.tolist(), copies)
