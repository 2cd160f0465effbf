"""APPEND. RFC 9051 §6.3.12.

The mailbox and the size are looked at before the client is let send: a message
that will be refused is not sent at all. Then its octets pass through a spool
at the store's speed, and cost no memory however large they are.
"""

import errno
from typing import Final

from twisted.internet.defer import CancelledError

from imapbox.disk.spool import Content, Spool
from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.interfaces import Appended, NewMessage
from imapbox.model.errors import DiskFull, MessageTooBig, NoSuchMailbox, StoreFailure
from imapbox.model.names import MailboxName
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.append import Append
from imapbox.wire.imap.events import AppendAnnounced, LiteralChunk

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


async def append(session: Session, command: Append, message: AppendAnnounced) -> Done:
    """Take a message in. The dispatcher refuses its octets if this raises.

    Raises:
        Refused: There is no such mailbox (TRYCREATE), or no message.
    """
    name = command.mailbox.name()
    if not message.size:
        raise Refused("A message has at least one octet.", codes.CANNOT)
    if message.size > session.settings.message_limit:
        raise MessageTooBig
    try:
        await session.account.check_append(name)
        where = await _take(session, command, name, message)
    except NoSuchMailbox as error:
        # Clients ask their user, then make the mailbox: RFC 9051 §6.3.12.
        raise Refused(error.sentence(), codes.TRYCREATE) from None
    return Done("Message stored.", codes.append_uid(where.uidvalidity, where.uids))


async def _take(
    session: Session, command: Append, name: MailboxName, message: AppendAnnounced
) -> Appended:
    spool = session.account.new_spool()
    try:
        session.input.framer.accept_literal()
        if message.synchronizing:
            session.output.write(responses.continuation("Send it."))
        with session.deadlines.steady():
            content = await _receive(session, spool)
    finally:
        spool.discard()
    try:
        new = NewMessage(content, command.flags, command.date)
        return await session.account.append(name, (new,))
    finally:
        content.discard()


async def _receive(session: Session, spool: Spool) -> Content:
    """Read to the end of the command, even where the spool fails before."""
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
        return await spool.finish()
    except OSError as error:
        raise (DiskFull if error.errno in _FULL else StoreFailure) from error
