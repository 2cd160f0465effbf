"""A consistent copy of a store that is in use: what `imapbox snapshot` makes.

(Not a snapshot of the index: that is a mailbox's log folded, in `snap.*`.)

It shows the store as it was at one moment, before anybody was copied: see
`store_moment`. User by user, all heads are read at once, see `user_cut`; the logs
are cut where they ended at that moment, and copied up to there without any lock,
since what is below a head never changes. Mailboxes come first, the account last:
an account that is there is whole. Of the account all is copied up to its head.

Who can't be cut is copied as he is when his heads are read: after a deletion, or
where compaction gives up what was alive at the moment.

Before all else the copy gets a file that says that it is unfinished; while it
is there, nobody takes the directory for a store.
"""

from dataclasses import dataclass, field

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.copy_check import OctetsGone, check_copied
from imapbox.index.create import write_file
from imapbox.index.log_copy import BeginningGone, LogCopy
from imapbox.index.log_cut import CanNotCut
from imapbox.index.lost_found import LOST_FOUND
from imapbox.index.repair import good_head
from imapbox.index.settings import Settings
from imapbox.model.errors import MailboxBusy, MailError, UnknownFormat
from imapbox.model.names import UserName
from imapbox.store.format import NotAStore, make_directory_if_missing, read_store_file
from imapbox.store.layout import (
    SPOOL,
    STORE_FILE,
    UNFINISHED,
    USERS,
    account_directory,
    mailbox_directory,
    mailboxes_directory,
    user_directory,
    user_shard,
)
from imapbox.store.mailbox_ends import Cut
from imapbox.store.store_moment import Moment
from imapbox.store.user_cut import TRIES, cut_at, cut_now


class Unfinished(Exception):
    """There is a copy already that was not finished."""


class NotEmpty(Exception):
    """There is something where the copy should be."""


@dataclass(slots=True)
class CopiedUser:
    """What was copied of one user.

    Attributes:
        mailboxes: How many mailboxes.
        messages: How many messages are in them; of a damaged one, as its head says.
        octets: Of their logs.
        damaged: Directories of logs that are damaged, and copied as they are.
        missing: Directories that are not there.
        left_out: Directories of mailboxes that can't be read, and why.
    """

    mailboxes: int = 0
    messages: int = 0
    octets: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left_out: dict[str, MailError | OSError] = field(default_factory=dict)


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


def copy_user(
    user: UserName, settings: Settings, moment: Moment | None = None
) -> Steps[CopiedUser]:
    """Copy all of a user's mail, as it was at a moment.

    Args:
        user: Whose.
        settings: How to settle what has to be.
        moment: Of the whole copy; None: one from now on, as for who can't be cut.

    Raises:
        MailboxBusy: A lock was not to be had, or others were always faster.
        UnknownFormat: An imapbox of another format wrote the account.
        OSError: The account can't be read, or there is no room.
    """
    above = user_shard(user), user_directory(user)
    account = account_directory(user)
    for path in (*above, account, mailboxes_directory(user)):
        yield from make_directory_if_missing(there(path))
    copy = _UserCopy(user, settings, moment, LogCopy(account, there(account)))
    for _ in range(TRIES):
        done = yield from copy.attempt()
        if done is not None:
            for path in (*reversed(above), USERS):
                yield from steps.sync_directory(there(path))
            return done
    raise MailboxBusy


@dataclass(slots=True)
class _UserCopy:
    """A copy of a user's logs in the making."""

    user: UserName
    settings: Settings
    moment: Moment | None
    account: LogCopy
    mailboxes: dict[bytes, LogCopy] = field(default_factory=dict)

    def attempt(self) -> Steps[CopiedUser | None]:
        """Copy all; None: it has to be begun anew."""
        cut = yield from self._cut()
        is_ending = False
        try:
            yield from self._extend(cut)
            is_ending = True
            return (yield from self._finish(cut))
        except OctetsGone:
            self.moment = None  # by now what they were is dead, or lives elsewhere
        except BeginningGone:
            for copy in (*self.mailboxes.values(), self.account) if is_ending else ():
                yield from copy.clear()  # some are logs already
        return None

    def _cut(self) -> Steps[Cut]:
        now = yield from cut_now(self.user, self.settings)
        if self.moment is not None:
            try:
                return (yield from cut_at(self.moment, self.user, now))
            except CanNotCut:
                self.moment = None  # from now on: a copy does not become shorter
        return now

    def _extend(self, cut: Cut) -> Steps[None]:
        """Copy the segments."""
        for mailbox_id, extent in [*cut.mailboxes.items()]:
            copy = yield from self._copy_of(mailbox_id)
            try:
                yield from copy.extend(extent)
                yield from check_copied(copy, extent)
            except (UnknownFormat, OSError) as error:
                cut.go_without(mailbox_id, error)
        if cut.account is not None:
            yield from self.account.extend(cut.account)

    def _copy_of(self, mailbox_id: bytes) -> Steps[LogCopy]:
        if mailbox_id not in self.mailboxes:
            directory = mailbox_directory(self.user, mailbox_id)
            yield from steps.make_directory(there(directory))
            self.mailboxes[mailbox_id] = LogCopy(directory, there(directory))
        return self.mailboxes[mailbox_id]

    def _finish(self, cut: Cut) -> Steps[CopiedUser]:
        """Make logs of what was copied, and say what it is."""
        yield from self._take_damaged(cut)
        yield from self._remove_others(cut)
        done = CopiedUser(mailboxes=len(cut.mailboxes) + len(cut.damaged))
        for mailbox_id, extent in cut.mailboxes.items():
            yield from self.mailboxes[mailbox_id].finish(extent.head)
            done.messages += extent.head.counts.exists
        for mailbox_id in cut.damaged:
            head = yield from good_head(mailbox_directory(self.user, mailbox_id))
            done.messages += head.counts.exists if head is not None else 0
        short = [each for each in cut.mailboxes if self.mailboxes[each].is_short]
        done.missing += cut.missing
        for mailbox_id in (*cut.damaged, *short):
            done.damaged.append(mailbox_directory(self.user, mailbox_id))
        for mailbox_id, why in cut.left_out.items():
            done.left_out[mailbox_directory(self.user, mailbox_id)] = why
        yield from steps.sync_directory(there(mailboxes_directory(self.user)))
        if cut.account is not None:
            yield from self.account.finish(cut.account.head)
        elif self.account.source not in cut.missing:
            yield from self.account.take_all()
            done.damaged.append(self.account.source)
        copies = (self.account, *self.mailboxes.values())
        done.octets = sum(copy.octets for copy in copies)
        return done

    def _take_damaged(self, cut: Cut) -> Steps[None]:
        for mailbox_id in [*cut.damaged]:
            copy = yield from self._copy_of(mailbox_id)
            try:
                yield from copy.clear()  # it was thought to be sound, perhaps
                yield from copy.take_all()
            except OSError as error:
                cut.go_without(mailbox_id, error)

    def _remove_others(self, cut: Cut) -> Steps[None]:
        """Remove what was deleted meanwhile, or can't be read."""
        others = self.mailboxes.keys() - cut.mailboxes.keys() - {*cut.damaged}
        for mailbox_id in others:
            yield from self.mailboxes[mailbox_id].clear()
            yield from steps.remove_directory(self.mailboxes.pop(mailbox_id).target)
