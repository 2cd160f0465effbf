"""All logs of a user at one moment, for a copy.

All heads are read while his account's lock is held, which takes milliseconds:
nobody can make, rename or delete a mailbox meanwhile, nor move a message, so that
none is missed between two mailboxes. The store itself is written to only where a
log has to be settled, as by anybody who opens it.
"""

from collections.abc import Collection
from contextlib import suppress
from typing import Final, TypeAlias

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_state import AccountState
from imapbox.index.damage import is_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head
from imapbox.index.log_copy import Extent
from imapbox.index.log_cut import CanNotCut
from imapbox.index.lost_head import find_first_segment
from imapbox.index.opening import follow_all, open_log
from imapbox.index.read import LogBroken
from imapbox.index.segment import segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.locks.acquire import Identity, locked
from imapbox.locks.lock_file import LOCK
from imapbox.model.errors import DiskFull, MailboxBusy, MailboxDamaged
from imapbox.model.names import UserName
from imapbox.store.layout import (
    account_directory,
    mailbox_directory,
    mailbox_ids,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.mailbox_ends import COMMAND, Cut, MailboxEnds, has_no_lock
from imapbox.store.store_moment import Moment, cut_mailboxes

TRIES: Final = 10
# How an account is damaged, or its head lost on a disk that is full.
_DAMAGE: Final = (
    MailboxDamaged,
    LogBroken,
    DamagedOperations,
    FileNotFoundError,
    DiskFull,
)
# A cut, and directories of logs that have to be settled before they can be copied.
_Heads: TypeAlias = tuple[Cut, list[str]]


def cut_at(moment: Moment, user: UserName, now: Cut) -> Steps[Cut]:
    """Return a user's logs as they were at a moment that has passed.

    Raises:
        CanNotCut: He has to be taken as he is now. Or else what was moved meanwhile
            from a mailbox of which that is so would be in none: a mailbox that
            is deleted by now, or not sound.
    """
    is_sound = now.account is not None and not (now.damaged or now.left_out)
    if not is_sound or now.last_deletion > moment.time:
        raise CanNotCut(user)
    mailboxes = yield from cut_mailboxes(moment, user, now.mailboxes)
    return now._replace(mailboxes=mailboxes)


def cut_now(user: UserName, settings: Settings) -> Steps[Cut]:
    """Read all heads of a user at one moment; settle what has none before."""
    account = account_directory(user)
    ends = MailboxEnds(user, settings)
    for _ in range(TRIES):
        heads: _Heads | None = None
        if not (yield from is_damaged(account)):
            # Nobody had noticed, if it is.
            with suppress(*_DAMAGE):
                heads = yield from _heads_under_lock(ends)
        if heads is None:
            heads = yield from _heads_of_damaged(ends)
        if heads is None:
            continue  # it was repaired meanwhile
        cut, unsettled = heads
        if not unsettled:
            return cut
        for directory in unsettled:
            yield from ends.settle(directory)
    raise MailboxBusy


def _heads_under_lock(ends: MailboxEnds) -> Steps[_Heads]:
    account, settings = account_directory(ends.user), ends.settings

    def section() -> Steps[_Heads]:
        tail = yield from settle(account, settings)
        state = AccountState()
        yield from follow_all(account, tail.position, state.apply)
        first = yield from find_first_segment(account, tail.position.segment)
        head = Head(settings.boot, tail.position, tail.counts)
        extent = Extent(first.segment, head)
        cut = _nothing_of(extent)._replace(
            last_deletion=max(state.deleted.values(), default=0)
        )
        return cut, (yield from ends.find(state.mailboxes, cut))

    identity = Identity(settings.node, settings.pid, COMMAND)
    until = (yield from steps.monotonic()) + settings.patience
    return (yield from locked([f"{account}/{LOCK}"], identity, until, section))


def _heads_of_damaged(ends: MailboxEnds) -> Steps[_Heads | None]:
    """Return them of who has a damaged account; None if it is not.

    It can't change, so that nothing can be moved. What mailboxes there are, their
    directories tell where it doesn't.
    """
    user = ends.user
    account = account_directory(user)
    named: Collection[bytes] = ()
    deleted: Collection[bytes] = ()
    try:
        opened = yield from open_log(account, ends.settings, AccountState)
    except (MailboxDamaged, FileNotFoundError, DiskFull):
        pass  # nothing of it can be read
    else:
        if not (opened.damaged or (yield from has_no_lock(account))):
            return None
        named, deleted = opened.state.mailboxes, opened.state.deleted
    cut = _nothing_of(None)
    if not (yield from _names_in(account)):
        cut.missing.append(account)
    names = yield from _names_in(mailboxes_directory(user))
    if names is None:
        yield from steps.list_directory(user_directory(user))  # or he is gone
        cut.missing.append(mailboxes_directory(user))
    others = []
    for mailbox_id in mailbox_ids(names or ()):
        if mailbox_id not in named and mailbox_id not in deleted:
            directory = mailbox_directory(user, mailbox_id)
            with suppress(FileNotFoundError, NotADirectoryError):  # none of ours
                if segment_numbers((yield from steps.list_directory(directory))):
                    others.append(mailbox_id)
    return cut, (yield from ends.find([*named, *others], cut))


def _nothing_of(account: Extent | None) -> Cut:
    return Cut(account, {}, [], [], {}, 0)


def _names_in(directory: str) -> Steps[list[str] | None]:
    """List a directory; None: there is none."""
    try:
        return (yield from steps.list_directory(directory))
    except FileNotFoundError:
        return None
