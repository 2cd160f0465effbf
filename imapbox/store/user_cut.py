"""All logs of a user at one moment, for a copy.

All heads are read while his account's lock is held, which takes milliseconds:
nobody can make, rename or delete a mailbox meanwhile, nor move a message, so that
none is missed between two mailboxes. The store itself is written to only where a
log has to be settled, as by anybody who opens it.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from imapbox.disk import steps
from imapbox.disk.failures import unworded
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import is_there
from imapbox.index.account_state import AccountState
from imapbox.index.damage import is_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head, Position
from imapbox.index.log_copy import Extent, SegmentLost, extent_of
from imapbox.index.log_cut import CanNotCut
from imapbox.index.lost_head import find_first_segment
from imapbox.index.opening import follow_all, open_log, recover
from imapbox.index.read import LogBroken
from imapbox.index.segment import segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.locks.acquire import Identity, locked
from imapbox.locks.lock_file import LOCK
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    MailError,
    UnknownFormat,
)
from imapbox.model.names import UserName
from imapbox.store.layout import (
    account_directory,
    mailbox_directory,
    mailbox_ids,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.store_moment import Moment, cut_mailboxes

COMMAND: Final = "snapshot"
TRIES: Final = 10
# How an account is damaged, or its head lost on a disk that is full.
_DAMAGE: Final = (
    MailboxDamaged,
    LogBroken,
    DamagedOperations,
    FileNotFoundError,
    DiskFull,
)


class Cut(NamedTuple):
    """A user's logs at one moment.

    Attributes:
        account: The account's; None: it is damaged.
        mailboxes: The mailboxes', by id.
        damaged: Ids of those that are to be copied as they are.
        missing: Directories that are not there, which is damage.
        left_out: Ids of those that can't be read, and why.
        last_deletion: When a mailbox was deleted: microseconds since 1970; 0: none.
    """

    account: Extent | None
    mailboxes: dict[bytes, Extent]
    damaged: list[bytes]
    missing: list[str]
    left_out: dict[bytes, MailError | OSError]
    last_deletion: int

    def go_without(self, mailbox_id: bytes, error: MailError | OSError) -> None:
        """Go on without a mailbox that can't be read.

        Raises:
            MailError: Others could not be copied either.
            OSError: As above.
        """
        _check_alone(error)
        self.mailboxes.pop(mailbox_id, None)
        if mailbox_id in self.damaged:
            self.damaged.remove(mailbox_id)
        self.left_out[mailbox_id] = error


def _check_alone(error: MailError | OSError) -> None:
    """Raise an error of the copy, or of all of the disk: it is not one mailbox's."""
    if isinstance(error, UnknownFormat):
        return
    said = unworded(error)
    if said is None or is_there(said):
        raise error


# Where a log ended; None: it can't be settled; or why nobody here can read it.
_Settled: TypeAlias = Position | UnknownFormat | None
_Tried: TypeAlias = dict[str, _Settled]  # by directory
# And directories of logs that have to be settled before they can be copied.
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
    tried: _Tried = {}
    for _ in range(TRIES):
        heads: _Heads | None = None
        if not (yield from is_damaged(account)):
            # Nobody had noticed, if it is.
            with suppress(*_DAMAGE):
                heads = yield from _heads_under_lock(user, settings, tried)
        if heads is None:
            heads = yield from _heads_of_damaged(user, settings, tried)
        if heads is None:
            continue  # it was repaired meanwhile
        cut, unsettled = heads
        if not unsettled:
            return cut
        for directory in unsettled:
            tried[directory] = yield from _settled(directory, settings)
    raise MailboxBusy


def _settled(directory: str, settings: Settings) -> Steps[_Settled]:
    """Settle a mailbox's log, of which the head does not tell all."""
    try:
        return (yield from recover(directory, settings, command=COMMAND))
    except UnknownFormat as error:
        return error
    except (FileNotFoundError, DiskFull):
        return None  # it is gone, or its head can't be made anew
    except OSError as error:
        _check_alone(error)  # it is left out where it is copied as it is
        return None


def _heads_under_lock(
    user: UserName, settings: Settings, tried: _Tried
) -> Steps[_Heads]:
    account = account_directory(user)

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
        return (yield from _heads(user, state.mailboxes, settings, cut, tried))

    identity = Identity(settings.node, settings.pid, COMMAND)
    until = (yield from steps.monotonic()) + settings.patience
    return (yield from locked([f"{account}/{LOCK}"], identity, until, section))


def _heads_of_damaged(
    user: UserName, settings: Settings, tried: _Tried
) -> Steps[_Heads | None]:
    """Return them of who has a damaged account; None if it is not.

    It can't change, so that nothing can be moved. What mailboxes there are, their
    directories tell where it doesn't.
    """
    account = account_directory(user)
    named: Collection[bytes] = ()
    deleted: Collection[bytes] = ()
    try:
        opened = yield from open_log(account, settings, AccountState)
    except (MailboxDamaged, FileNotFoundError, DiskFull):
        pass  # nothing of it can be read
    else:
        if not (opened.damaged or (yield from _has_no_lock(account))):
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
    return (yield from _heads(user, [*named, *others], settings, cut, tried))


def _heads(
    user: UserName,
    mailboxes: Iterable[bytes],
    settings: Settings,
    cut: Cut,
    tried: _Tried,
) -> Steps[_Heads]:
    """Say where all logs end, and return those of which nobody can say.

    Of those that could not even be settled nobody can: they are copied as they are.
    """
    unsettled: list[str] = []
    for mailbox_id in mailboxes:
        directory = mailbox_directory(user, mailbox_id)
        try:
            if (yield from is_damaged(directory)):
                cut.damaged.append(mailbox_id)
                continue
            settled = tried.get(directory)
            if isinstance(settled, UnknownFormat):
                cut.go_without(mailbox_id, settled)
                continue
            extent = yield from extent_of(directory, settings.boot, settled)
            if extent is not None:
                cut.mailboxes[mailbox_id] = extent
                continue
            is_broken = directory in tried and settled is None
            if is_broken or (yield from _has_no_lock(directory)):
                cut.damaged.append(mailbox_id)
            else:
                unsettled.append(directory)
        except SegmentLost:
            cut.damaged.append(mailbox_id)
        except (FileNotFoundError, NotADirectoryError):
            cut.missing.append(directory)
        except (UnknownFormat, OSError) as error:
            cut.go_without(mailbox_id, error)
    return cut, unsettled


def _nothing_of(account: Extent | None) -> Cut:
    return Cut(account, {}, [], [], {}, 0)


def _names_in(directory: str) -> Steps[list[str] | None]:
    """List a directory; None: there is none."""
    try:
        return (yield from steps.list_directory(directory))
    except FileNotFoundError:
        return None


def _has_no_lock(directory: str) -> Steps[bool]:
    """Say whether the lock is lost, without which nobody changes anything."""
    return not (yield from steps.exists(f"{directory}/{LOCK}"))
