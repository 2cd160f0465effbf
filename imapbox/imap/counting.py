"""What STATUS tells of a mailbox. RFC 9051 §6.3.11."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from imapbox.imap.session import Session
from imapbox.mailbox.interfaces import Status as Counts
from imapbox.model.names import MailboxName
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.status import StatusAtt
from imapbox.wire.imap.object_ids import ObjectId, mailboxid

_COUNT: Final[Mapping[StatusAtt, Callable[[Counts], int | ObjectId]]] = {
    StatusAtt.MESSAGES: attrgetter("messages"),
    StatusAtt.RECENT: attrgetter("recent"),
    StatusAtt.UIDNEXT: attrgetter("uidnext"),
    StatusAtt.UIDVALIDITY: attrgetter("uidvalidity"),
    StatusAtt.UNSEEN: attrgetter("unseen"),
    StatusAtt.DELETED: attrgetter("deleted"),
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
    counts = await session.account.status(
        name, deleted=StatusAtt.DELETED in items, recent=StatusAtt.RECENT in items
    )
    values = {
        item: session.settings.message_limit
        if item is StatusAtt.APPENDLIMIT
        else _COUNT[item](counts)
        for item in items
    }
    return responses.status(name, values, utf8=session.utf8)
