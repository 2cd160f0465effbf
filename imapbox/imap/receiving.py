"""Taking messages in, for APPEND and whatever is like it.

The mailbox and the size are looked at before the client is let send: a message
that will be refused is not sent at all. Then its octets pass through a spool
at the store's speed, and cost no memory however large they are.
"""

import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from twisted.internet.defer import CancelledError

from imapbox.disk.spool import Content, Spool
from imapbox.imap.answers import Mistaken, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.interfaces import Appended, NewMessage
from imapbox.model.errors import (
    DiskFull,
    MailError,
    MessageTooBig,
    NoSuchMailbox,
    StoreFailure,
)
from imapbox.model.names import MailboxName
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.append import Append, parse_next_message
from imapbox.wire.imap.events import AppendAnnounced, LiteralChunk

# So many at once, each of which takes up to 256 KiB of memory, or a descriptor.
_MOST: Final = 64
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def discarding(messages: list[NewMessage]) -> Iterator[None]:
    """Give back what messages hold, when all is done.

    Raises:
        Refused: The mailbox is missing; clients ask their user, then make it:
            RFC 9051 §6.3.12.
    """
    try:
        yield
    except NoSuchMailbox as error:
        raise Refused(error.sentence(), codes.TRYCREATE) from None
    finally:
        for each in messages:
            each.content.discard()


@asynccontextmanager
async def taking_back(
    session: Session, name: MailboxName, where: Appended
) -> AsyncIterator[None]:
    """Take back what was stored, if what should follow can't be done."""
    try:
        yield
    except MailError:
        with suppress(MailError):
            await session.account.take_back(name, where)
        raise


async def take_messages(
    session: Session,
    name: MailboxName,
    command: Append,
    first: AppendAnnounced,
    messages: list[NewMessage],
) -> None:
    """Put into ``messages`` whatever the client sends, as long as it may.

    Raises:
        Mistaken: The client says UTF8 and has not enabled it.
        Refused: There is no message, or there are too many.
        BadSyntax: Something else stands between two messages.
        MailError: The mailbox can't take them.
    """
    facts = command.facts
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
        if announced.utf8 and not session.dialect.utf8:
            raise Mistaken("ENABLE UTF8=ACCEPT comes first.")
        if announced is first:
            await session.account.check_append(name)
        content, announced = await _take(session, announced)
        messages.append(NewMessage(content, *facts))
        if announced is not None:
            if not command.may_be_several:
                raise BadSyntax("end of command", announced.parts[0], command.tag)
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
