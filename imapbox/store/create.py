"""Making accounts and mailboxes on the disk."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_operations import AccountBase, Create
from imapbox.index.batch import RESERVE
from imapbox.index.create import create_log, fill_log
from imapbox.index.head import NO_COUNTS, Counts
from imapbox.index.head_file import HEAD, head_of
from imapbox.index.operations import Base
from imapbox.index.read import Window, first_position, read_frame
from imapbox.index.segment import (
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    segment_name,
    segment_numbers,
)
from imapbox.index.settings import Settings
from imapbox.locks.acquire import Identity, locked
from imapbox.locks.lock_file import new_lock_file
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.model.numbers import ModSeq, Uid, UidValidity
from imapbox.store.format import make_directory_if_missing
from imapbox.store.layout import (
    USERS,
    account_directory,
    mailbox_directory,
    mailboxes_directory,
    user_directory,
    user_shard,
)

ID_SIZE: Final = 16
# What a new account has besides INBOX, so that no client has to guess or ask,
# and what each mailbox is for: RFC 6154 §2.
SPECIAL_USE: Final[Mapping[MailboxName, str]] = {
    MailboxName("Drafts"): "\\Drafts",
    MailboxName("Sent"): "\\Sent",
    MailboxName("Junk"): "\\Junk",
    MailboxName("Trash"): "\\Trash",
    MailboxName("Archive"): "\\Archive",
}
_FIRST_MODSEQ: Final = ModSeq(1)
_FIRST_UID: Final = Uid(1)


def create_mailbox_log(
    user: UserName, mailbox_id: bytes, uidvalidity: UidValidity, settings: Settings
) -> Steps[None]:
    """Make the log of an empty mailbox. Nobody knows it yet."""
    base = Base(mailbox_id, uidvalidity, _FIRST_UID, _FIRST_MODSEQ, ModSeq(0))
    counts = Counts(_FIRST_MODSEQ, _FIRST_UID, 0, 0, uidvalidity, 0)
    directory = mailbox_directory(user, mailbox_id)
    yield from create_log(directory, base.encode(), counts, settings)


def account_is_made(user: UserName) -> Steps[bool]:
    """Say whether the account is there, be it damaged.

    It is if its log's first frame can be read. If it can't, a good head says
    that there was one: the head is made last, when the frame is durable. And so
    does anything that was ever committed to one of its logs.
    """
    directory = account_directory(user)

    def begins(fd: int) -> Steps[bool]:
        window = Window(fd, None)
        header = SegmentHeader.decode((yield from window.at(0, SEGMENT_HEADER_SIZE)))
        if header is None:
            return False
        first = first_position(header.number, header.salt)
        return (yield from read_frame(window, first)) is not None

    segment = f"{directory}/{segment_name(1)}"
    with suppress(FileNotFoundError):
        if (yield from steps.opened(segment, Mode.READ, begins)):
            return True
    if (yield from head_of(directory)) is not None:
        return True
    return (yield from _was_used(user))


def _was_used(user: UserName) -> Steps[bool]:
    """Say whether there is more than the making of an account leaves halfway.

    With the first commit a log comes to have `RESERVE` octets behind its end, and a
    modseq that is not the first; a copy has only that.
    """
    mailboxes = mailboxes_directory(user)
    try:
        names = yield from steps.list_directory(mailboxes)
    except FileNotFoundError:
        return False
    for directory in (account_directory(user), *(f"{mailboxes}/{n}" for n in names)):
        with suppress(FileNotFoundError, NotADirectoryError):
            for number in segment_numbers((yield from steps.list_directory(directory))):
                path = f"{directory}/{segment_name(number)}"
                size = yield from steps.opened(path, Mode.READ, steps.size)
                if number > 1 or size > RESERVE:
                    return True
            head = yield from head_of(directory)
            if head is not None and head.counts.modseq > _FIRST_MODSEQ:
                return True
    return False


def create_account(
    user: UserName,
    settings: Settings,
    others: Mapping[MailboxName, str] = SPECIAL_USE,
) -> Steps[bool]:
    """Make the account of ``user``; return whether it is new.

    It has INBOX and the others, subscribed, all of them by one commit. Two
    processes may do so at once; one of them makes it. A crash leaves either the
    account with all its mailboxes or something that the next call does again;
    mailboxes that were made by then are litter.

    Args:
        user: Whose it is.
        settings: How to write.
        others: What it has besides INBOX, and what each of them is for.
    """
    directory = account_directory(user)
    shard = user_shard(user)
    for path, parent in (
        (shard, USERS),
        (user_directory(user), shard),
        (directory, user_directory(user)),
        (mailboxes_directory(user), user_directory(user)),
    ):
        yield from make_directory_if_missing(path)
        yield from steps.sync_directory(parent)
    yield from steps.opened(f"{directory}/lock", Mode.ENSURE, _fill_lock)

    def section() -> Steps[bool]:
        if (yield from account_is_made(user)):
            return False
        for name in (segment_name(1), HEAD):
            if (yield from steps.exists(f"{directory}/{name}")):
                yield from steps.unlink(f"{directory}/{name}")  # torn litter
        made: list[Create] = []
        uidvalidity = UidValidity(int((yield from steps.now())))
        for name, use in {INBOX: "", **others}.items():
            mailbox_id = yield from steps.random(ID_SIZE)
            uidvalidity = UidValidity(uidvalidity + 1)
            yield from create_mailbox_log(user, mailbox_id, uidvalidity, settings)
            made.append(Create(mailbox_id, uidvalidity, name, use))
        subscribed = tuple(sorted(each.name for each in made))
        base = AccountBase(uidvalidity, tuple(made), (), subscribed)
        counts = NO_COUNTS._replace(modseq=_FIRST_MODSEQ)
        yield from fill_log(directory, base.encode(), counts, settings)
        return True

    identity = Identity(settings.node, settings.pid, "create account")
    until = (yield from steps.monotonic()) + settings.patience
    return (yield from locked([f"{directory}/lock"], identity, until, section))


def _fill_lock(fd: int) -> Steps[None]:
    if not (yield from steps.size(fd)):
        yield from steps.pwrite(fd, new_lock_file(), 0)
        yield from steps.fdatasync(fd)
