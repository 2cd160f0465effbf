"""APPEND. RFC 9051 §6.3.12, RFC 3502.

The mailbox and the size are looked at before the client is let send: a message
that will be refused is not sent at all. Then its octets pass through a spool
at the store's speed, and cost no memory however large they are. Several in one
command are stored by one commit; together they may be as large as one alone.
"""

import errno
from typing import Final

from twisted.internet.defer import CancelledError

from imapbox.disk.spool import Content, Spool
from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.interfaces import NewMessage
from imapbox.model.errors import DiskFull, MessageTooBig, NoSuchMailbox, StoreFailure
from imapbox.model.names import MailboxName
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.append import (
    Append,
    MessageFacts,
    parse_next_message,
)
from imapbox.wire.imap.events import AppendAnnounced, LiteralChunk

# So many at once, each of which takes up to 256 KiB of memory, or a descriptor.
_MOST: Final = 64
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


async def append(session: Session, command: Append, message: AppendAnnounced) -> Done:
    """Take messages in, all or none. The dispatcher refuses octets if this raises.

    Raises:
        Refused: There is no such mailbox (TRYCREATE), or no message, or there
            are too many.
        BadSyntax: Something else stands between two messages.
    """
    name = command.mailbox.name()
    messages: list[NewMessage] = []
    try:
        await _take_all(session, name, command, message, messages)
        where = await session.account.append(name, messages)
    except NoSuchMailbox as error:
        # Clients ask their user, then make the mailbox: RFC 9051 §6.3.12.
        raise Refused(error.sentence(), codes.TRYCREATE) from None
    finally:
        for each in messages:
            each.content.discard()
    text = "Message stored." if len(messages) == 1 else "Messages stored."
    return Done(text, codes.append_uid(where.uidvalidity, where.uids))


async def _take_all(
    session: Session,
    name: MailboxName,
    command: Append,
    first: AppendAnnounced,
    messages: list[NewMessage],
) -> None:
    """Put into ``messages`` whatever the client sends, as long as it may."""
    facts = MessageFacts(command.flags, command.date)
    announced: AppendAnnounced | None = first
    total = 0
    while announced is not None:
        total += announced.size
        if not announced.size:
            raise Refused("A message has at least one octet.", codes.CANNOT)
        if total > session.settings.message_limit:
            raise MessageTooBig
        if len(messages) >= _MOST:
            raise Refused("Too many messages at once.", codes.LIMIT)
        if announced is first:
            await session.account.check_append(name)
        content, announced = await _take(session, announced)
        messages.append(NewMessage(content, *facts))
        if announced is not None:
            facts = parse_next_message(announced.parts[0], command.tag)


async def _take(
    session: Session, message: AppendAnnounced
) -> tuple[Content, AppendAnnounced | None]:
    """Take one message in; return what follows it, if it is another one."""
    spool = session.account.new_spool()
    try:
        session.input.framer.accept_literal()
        if message.synchronizing:
            session.output.write(responses.continuation("Send it."))
        with session.deadlines.steady():
            return await _receive(session, spool)
    finally:
        spool.discard()


async def _receive(
    session: Session, spool: Spool
) -> tuple[Content, AppendAnnounced | None]:
    """Read to the end of the message, even where the spool fails before."""
    failure: Exception | None = None
    while isinstance(event := await session.input.event(), LiteralChunk):
        if failure is None:
            try:
                await spool.write(event.data)
            except CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - raised again below
                failure = error
    try:
        if failure is not None:
            raise failure
        content = await spool.finish()
    except OSError as error:
        raise (DiskFull if error.errno in _FULL else StoreFailure) from error
    return content, event if isinstance(event, AppendAnnounced) else None
