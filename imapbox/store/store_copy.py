"""A consistent copy of a store that is in use: what `imapbox snapshot` makes.

(Not a snapshot of the index: that is a mailbox's log folded, in `snap.*`.)

User by user. All of a user's heads are read while his account's lock is held,
which takes milliseconds: nobody can make, rename or delete a mailbox meanwhile,
nor move a message, so that none is missed between two mailboxes. What was
acknowledged before is below these heads. The logs are then copied up to there
without any lock, since what is below a head never changes. Mailboxes come
first, the account last: an account that is there is whole.

Before all else the copy gets a file that says that it is unfinished; while it
is there, nobody takes the directory for a store. The store itself is written to
only where a log has to be settled, as by anybody who opens it.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from imapbox.disk import steps
from imapbox.disk.failures import unworded
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE, is_there
from imapbox.index.account_state import AccountState
from imapbox.index.copy_check import check_copied
from imapbox.index.create import write_file
from imapbox.index.damage import is_damaged
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head, Position
from imapbox.index.log_copy import (
    BeginningGone,
    Extent,
    LogCopy,
    SegmentLost,
    extent_of,
)
from imapbox.index.lost_found import LOST_FOUND
from imapbox.index.lost_head import find_first_segment
from imapbox.index.opening import follow_all, open_log, recover
from imapbox.index.read import LogBroken
from imapbox.index.repair import good_head
from imapbox.index.segment import segment_numbers
from imapbox.index.settings import Settings
from imapbox.index.settle import settle
from imapbox.locks.acquire import Identity, locked
from imapbox.locks.lock_file import LOCK
from imapbox.model.errors import DiskFull, MailboxBusy, MailboxDamaged
from imapbox.model.names import UserName
from imapbox.store.format import NotAStore, make_directory_if_missing, read_store_file
from imapbox.store.layout import (
    SPOOL,
    STORE_FILE,
    UNFINISHED,
    USERS,
    account_directory,
    mailbox_directory,
    mailbox_ids,
    mailboxes_directory,
    user_directory,
    user_shard,
)

COMMAND: Final = "snapshot"
_TRIES: Final = 10


class Unfinished(Exception):
    """There is a copy already that was not finished."""


class NotEmpty(Exception):
    """There is something where the copy should be."""


class Cut(NamedTuple):
    """A user's logs at one moment.

    Attributes:
        account: The account's; None: it is damaged.
        mailboxes: The mailboxes', by id.
        damaged: Ids of those that are to be copied as they are.
        missing: Ids of those that are not there, which is damage.
        left_out: Ids of those that can't be read, and why.
    """

    account: Extent | None
    mailboxes: dict[bytes, Extent]
    damaged: list[bytes]
    missing: list[bytes]
    left_out: dict[bytes, OSError]

    def leave_out(self, mailbox_id: bytes, error: OSError) -> None:
        """Go on without a mailbox that can't be read.

        Raises:
            OSError: Others could not be copied either.
        """
        _check_alone(error)
        self.mailboxes.pop(mailbox_id, None)
        if mailbox_id in self.damaged:
            self.damaged.remove(mailbox_id)
        self.left_out[mailbox_id] = error


def _check_alone(error: OSError) -> None:
    """Raise an error of the copy, or of all of the disk: it is not one mailbox's."""
    if is_there(error) or unworded(error) is None:
        raise error


# Where a log ended whose directory it is; None: it can't be settled.
_Tried: TypeAlias = dict[str, Position | None]
# And directories of logs that have to be settled before they can be copied.
_Heads: TypeAlias = tuple[Cut, list[str]]


@dataclass(slots=True)
class CopiedUser:
    """What was copied of one user.

    Attributes:
        mailboxes: How many mailboxes.
        messages: How many messages are in them; of a damaged one, as its head says.
        octets: Of their logs.
        damaged: Directories of logs that are damaged, or not there.
        left_out: Directories of mailboxes that can't be read, and why.
    """

    mailboxes: int = 0
    messages: int = 0
    octets: int = 0
    damaged: list[str] = field(default_factory=list)
    left_out: dict[str, OSError] = field(default_factory=dict)


def there(path: str) -> str:
    """Return where something lies in the copy."""
    return f"{THERE}/{path}" if path else THERE


def begin_copy() -> Steps[None]:
    """Make an empty directory an unfinished copy.

    Raises:
        Unfinished: It is one.
        NotEmpty: It holds something else, but for a ``lost+found``.
        NotAStore: There is nothing that could be copied.
    """
    if not (yield from read_store_file()):
        raise NotAStore
    names = yield from steps.list_directory(there(""))
    if UNFINISHED in names:
        raise Unfinished
    if set(names) - {LOST_FOUND}:
        raise NotEmpty(names)
    yield from write_file(there(UNFINISHED), b"")
    for name in (SPOOL, USERS):
        yield from steps.make_directory(there(name))
    yield from steps.sync_directory(there(""))


def end_copy() -> Steps[None]:
    """Make a store of a copy to which nothing is missing any more."""
    octets = yield from steps.opened(
        STORE_FILE, Mode.READ, lambda fd: steps.pread(fd, 4096, 0)
    )
    yield from write_file(there(STORE_FILE), octets)
    yield from steps.sync_directory(there(""))
    yield from steps.unlink(there(UNFINISHED))
    yield from steps.sync_directory(there(""))


def copy_user(user: UserName, settings: Settings) -> Steps[CopiedUser]:
    """Copy all of a user's mail, as it is at one moment from now on.

    Raises:
        MailboxBusy: A lock was not to be had, or others were always faster.
        UnknownFormat: An imapbox of another format wrote some of it.
        OSError: The account can't be read, or there is no room.
    """
    above = user_shard(user), user_directory(user)
    for path in (*above, account_directory(user), mailboxes_directory(user)):
        yield from make_directory_if_missing(there(path))
    copies: dict[bytes, LogCopy] = {}
    directory = account_directory(user)
    account = LogCopy(directory, there(directory))
    for _ in range(_TRIES):
        is_ending = False
        cut = yield from _cut(user, settings)
        try:
            for mailbox_id, extent in [*cut.mailboxes.items()]:
                copy = yield from _copy_of(user, mailbox_id, copies)
                try:
                    yield from copy.extend(extent)
                    yield from check_copied(copy, extent)
                except OSError as error:
                    cut.leave_out(mailbox_id, error)
            if cut.account is not None:
                yield from account.extend(cut.account)
            is_ending = True
            done = yield from _finish(user, cut, copies, account)
        except BeginningGone:
            for copy in (*copies.values(), account) if is_ending else ():
                yield from copy.clear()  # some are logs already
            continue
        for path in (*reversed(above), USERS):
            yield from steps.sync_directory(there(path))
        return done
    raise MailboxBusy("compact")


def _copy_of(
    user: UserName, mailbox_id: bytes, copies: dict[bytes, LogCopy]
) -> Steps[LogCopy]:
    if mailbox_id not in copies:
        directory = mailbox_directory(user, mailbox_id)
        yield from steps.make_directory(there(directory))
        copies[mailbox_id] = LogCopy(directory, there(directory))
    return copies[mailbox_id]


def _finish(
    user: UserName, cut: Cut, copies: dict[bytes, LogCopy], account: LogCopy
) -> Steps[CopiedUser]:
    done = CopiedUser()
    for mailbox_id in [*cut.damaged]:
        copy = yield from _copy_of(user, mailbox_id, copies)
        try:
            yield from copy.clear()  # it was thought to be sound, perhaps
            yield from copy.take_all()
        except OSError as error:
            cut.leave_out(mailbox_id, error)
    for mailbox_id in copies.keys() - cut.mailboxes.keys() - {*cut.damaged}:
        # It was deleted meanwhile, or can't be read.
        yield from copies[mailbox_id].clear()
        yield from steps.remove_directory(copies.pop(mailbox_id).target)
    for mailbox_id, extent in cut.mailboxes.items():
        yield from copies[mailbox_id].finish(extent.head)
        done.messages += extent.head.counts.exists
    for mailbox_id in cut.damaged:
        head = yield from good_head(mailbox_directory(user, mailbox_id))
        done.messages += head.counts.exists if head is not None else 0
    short = [each for each in cut.mailboxes if copies[each].is_short]
    broken = (*cut.damaged, *cut.missing, *short)
    done.damaged += (mailbox_directory(user, mailbox_id) for mailbox_id in broken)
    done.mailboxes = len(cut.mailboxes) + len(cut.damaged)
    for mailbox_id, why in cut.left_out.items():
        done.left_out[mailbox_directory(user, mailbox_id)] = why
    yield from steps.sync_directory(there(mailboxes_directory(user)))
    if cut.account is None:
        yield from account.take_all()
        done.damaged.append(account.source)
    else:
        yield from account.finish(cut.account.head)
    done.octets = account.octets + sum(copy.octets for copy in copies.values())
    return done


def _cut(user: UserName, settings: Settings) -> Steps[Cut]:
    """Read all heads of a user at one moment; settle what has none before."""
    account = account_directory(user)
    tried: _Tried = {}
    for _ in range(_TRIES):
        heads: _Heads | None = None
        if not (yield from is_damaged(account)):
            # Nobody had noticed, if it is.
            with suppress(MailboxDamaged, LogBroken, DamagedOperations):
                heads = yield from _heads_under_lock(user, settings, tried)
        if heads is None:
            heads = yield from _heads_of_damaged(user, settings, tried)
        if heads is None:
            continue  # it was repaired meanwhile
        cut, unsettled = heads
        if not unsettled:
            return cut
        for directory in unsettled:
            tried[directory] = None
            try:
                end = yield from recover(directory, settings, command=COMMAND)
            except (FileNotFoundError, DiskFull):
                continue  # it is gone, or its head can't be made anew
            except OSError as error:
                _check_alone(error)  # it is left out where it is copied as it is
            else:
                tried[directory] = end
    raise MailboxBusy(COMMAND)


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
        return (yield from _heads(user, state.mailboxes, settings, extent, tried))

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
    except MailboxDamaged:
        pass  # nothing of it can be read
    else:
        if not (opened.damaged or (yield from _has_no_lock(account))):
            return None
        named, deleted = opened.state.mailboxes, opened.state.deleted
    others = []
    names = yield from steps.list_directory(mailboxes_directory(user))
    for mailbox_id in mailbox_ids(names):
        if mailbox_id not in named and mailbox_id not in deleted:
            directory = mailbox_directory(user, mailbox_id)
            with suppress(FileNotFoundError, NotADirectoryError):  # none of ours
                if segment_numbers((yield from steps.list_directory(directory))):
                    others.append(mailbox_id)
    return (yield from _heads(user, [*named, *others], settings, None, tried))


def _heads(
    user: UserName,
    mailboxes: Iterable[bytes],
    settings: Settings,
    account: Extent | None,
    tried: _Tried,
) -> Steps[_Heads]:
    """Return where all logs end, and those of which nobody can say.

    Of those that could not even be settled nobody can: they are copied as they are.
    """
    cut = Cut(account, {}, [], [], {})
    unsettled: list[str] = []
    for mailbox_id in mailboxes:
        directory = mailbox_directory(user, mailbox_id)
        try:
            if (yield from is_damaged(directory)):
                cut.damaged.append(mailbox_id)
                continue
            settled = tried.get(directory)
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
            cut.missing.append(mailbox_id)
        except OSError as error:
            cut.leave_out(mailbox_id, error)
    return cut, unsettled


def _has_no_lock(directory: str) -> Steps[bool]:
    """Say whether the lock is lost, without which nobody changes anything."""
    return not (yield from steps.exists(f"{directory}/{LOCK}"))
