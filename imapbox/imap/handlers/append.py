"""APPEND and REPLACE. RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508.

Several messages in one APPEND are stored by one commit; together they may be as
large as one alone.
"""

from imapbox.imap.answers import Done, Refused
from imapbox.imap.progress import in_progress
from imapbox.imap.receiving import discarding, take_messages, taking_back
from imapbox.imap.session import Session
from imapbox.mailbox.values import Appended, NewMessage
from imapbox.model.errors import MailboxReadOnly, MessageGone, NotPermitted
from imapbox.model.quota import NOTHING_USED, Usage
from imapbox.model.rights import TAKE_AWAY
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.append import Append, Replace
from imapbox.wire.imap.events import AppendAnnounced
from imapbox.wire.imap.response_codes import ResponseCode


async def append(
    session: Session, command: Append, message: AppendAnnounced | None = None
) -> Done:
    """Take messages in, all or none. The dispatcher refuses octets if this raises.

    Args:
        session: Who brings them.
        command: All about them that is known before octets of them come.
        message: The first octets that do, unless all is here already.

    Raises:
        Refused: There is no such mailbox (TRYCREATE), or no message, or there
            are too many; or what a URL leads to is not there (BADURL).
        BadSyntax: Something else stands between two messages.
    """
    where = await _append(session, command, message)
    text = "Messages stored." if len(where.uids) > 1 else "Message stored."
    return Done(text, _append_uid(where))


async def replace(
    session: Session, command: Replace, message: AppendAnnounced | None = None
) -> Done:
    """Take a message in, and then remove another one, whatever its flags.

    Which one it became is told before the other is told to be gone: RFC 8508 §4.3.
    If the machine ends in between, both are there, never neither. If the other
    can't be removed, the new one is: there is what was there before.

    Raises:
        Refused: As for `append`; or a UID is nobody's.
        NoSuchMessage: A sequence number is.
        MessageGone: The other one is gone.
    """
    selection = session.selection
    mailbox = selection.mailbox
    if mailbox.read_only:
        raise MailboxReadOnly
    if TAKE_AWAY not in mailbox.rights:
        raise NotPermitted
    uids = selection.uids(command.replaced, by_uid=command.by_uid)
    if not len(uids):
        raise Refused("No message has this UID.", codes.NONEXISTENT)
    if not len(mailbox.remaining(uids)):
        raise MessageGone
    freed = NOTHING_USED
    owner_of = session.account.owner_of
    # What goes from one account makes no room in another.
    if await owner_of(mailbox.name) == await owner_of(command.mailbox.name()):
        sizes = [each.size for each in mailbox.messages_of(uids)]
        freed = Usage(sum(sizes), len(sizes))
    where = await _append(session, command, message, freed)
    async with taking_back(where):
        with in_progress(session, "removing"):
            await mailbox.remove(uids)
    line = responses.untagged(responses.Status.OK, "Stored.", _append_uid(where))
    session.output.write(line)
    return Done("Replaced.", code_then=session.highestmodseq)


def _append_uid(where: Appended) -> ResponseCode | None:
    """Return APPENDUID; None if nobody knows, or the client may not. RFC 4315 §3."""
    if not where.uids:
        return None
    return codes.append_uid(where.uidvalidity, where.uids)


async def _append(
    session: Session,
    command: Append,
    message: AppendAnnounced | None,
    freed: Usage = NOTHING_USED,
) -> Appended:
    name = command.mailbox.name()
    messages: list[NewMessage] = []
    with discarding(messages):
        await take_messages(session, name, command, message, messages)
        with in_progress(session, "storing"):
            where = await session.account.append(name, messages, freed)
    session.brought(name, where.uids)
    return where
