"""What STATUS tells of a mailbox, and LIST, too. RFC 9051 §6.3.11, RFC 5819."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from twisted.logger import Logger

from imapbox.imap.refusals import is_trouble
from imapbox.imap.session import Session
from imapbox.mailbox.values import Status as Counts
from imapbox.model.errors import MailError, NoSuchMailbox
from imapbox.model.names import MailboxName
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.status import StatusAtt
from imapbox.wire.imap.object_ids import ObjectId, mailboxid

_log = Logger()

# Mailboxes whose heads are read by one call of a thread: some milliseconds.
COUNTED_AT_ONCE: Final = 128
_OF_DELETED: Final = frozenset({StatusAtt.DELETED, StatusAtt.DELETED_STORAGE})
_NEEDS_OPENING: Final = _OF_DELETED | {StatusAtt.RECENT}
_COUNT: Final[Mapping[StatusAtt, Callable[[Counts], int | ObjectId]]] = {
    StatusAtt.MESSAGES: attrgetter("messages"),
    StatusAtt.RECENT: attrgetter("recent"),
    StatusAtt.UIDNEXT: attrgetter("uidnext"),
    StatusAtt.UIDVALIDITY: attrgetter("uidvalidity"),
    StatusAtt.UNSEEN: attrgetter("unseen"),
    StatusAtt.DELETED: attrgetter("deleted"),
    StatusAtt.DELETED_STORAGE: attrgetter("deleted_size"),
    StatusAtt.SIZE: attrgetter("size"),
    StatusAtt.HIGHESTMODSEQ: attrgetter("highestmodseq"),
    StatusAtt.MAILBOXID: lambda counts: mailboxid(counts.mailbox_id),
}


async def status_line(
    session: Session, name: MailboxName, items: Sequence[StatusAtt]
) -> bytes:
    """Return ``* STATUS`` of a mailbox.

    Raises:
        NoSuchMailbox: There is none of this name.
    """
    counts = await _counted(session, name, items)
    return counts_line(session, name, items, counts)


async def quick_counts(
    session: Session, names: Sequence[MailboxName], items: Sequence[StatusAtt]
) -> Mapping[MailboxName, Counts]:
    """Return the counts of those of many mailboxes that need not be opened."""
    if not names or _NEEDS_OPENING & frozenset(items):
        return {}
    return await session.account.quick_status(names)


async def status_if_any(
    session: Session,
    name: MailboxName,
    items: Sequence[StatusAtt],
    quick: Mapping[MailboxName, Counts],
) -> bytes | None:
    """Return ``* STATUS`` of one of many mailboxes, or what can be had of it.

    Nothing where it can't be counted now; None where it is none any more, since
    the names were looked at.
    """
    try:
        counts = await counts_if_any(session, name, items, quick)
    except NoSuchMailbox:
        return None
    return b"" if counts is None else counts_line(session, name, items, counts)


async def counts_if_any(
    session: Session,
    name: MailboxName,
    items: Sequence[StatusAtt],
    quick: Mapping[MailboxName, Counts],
) -> Counts | None:
    """Return the counts of one of many mailboxes; None where they can't be had now.

    Raises:
        NoSuchMailbox: It is none any more, since the names were looked at.
    """
    try:
        return quick.get(name) or await _counted(session, name, items)
    except NoSuchMailbox:
        raise
    except MailError as error:
        if is_trouble(error):
            _log.info(
                "no counts of {name} of {user}: {error!r}",
                name=name,
                user=session.user,
                error=error,
            )
        return None


async def _counted(
    session: Session, name: MailboxName, items: Sequence[StatusAtt]
) -> Counts:
    return await session.account.status(
        name,
        deleted=not _OF_DELETED.isdisjoint(items),
        recent=StatusAtt.RECENT in items,
        sizes=StatusAtt.DELETED_STORAGE in items,
    )


def counts_line(
    session: Session, name: MailboxName, items: Sequence[StatusAtt], counts: Counts
) -> bytes:
    """Return ``* STATUS`` of what was counted."""
    values = {
        item: session.settings.message_limit
        if item is StatusAtt.APPENDLIMIT
        else _COUNT[item](counts)
        for item in items
    }
    return responses.status(name, values, utf8=session.dialect.utf8)
