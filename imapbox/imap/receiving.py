"""Taking messages in, for APPEND and whatever is like it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from imapbox.imap.answers import Refused
from imapbox.imap.intake import Intake
from imapbox.imap.session import Session
from imapbox.mailbox.values import Appended, NewMessage
from imapbox.model.errors import MailError, NoSuchMailbox
from imapbox.model.names import MailboxName
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.append import Append
from imapbox.wire.imap.events import AppendAnnounced


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
async def taking_back(where: Appended) -> AsyncIterator[None]:
    """Take back what was stored, if what should follow can't be done."""
    try:
        yield
    except MailError:
        with suppress(MailError):
            await where.take_back()
        raise


async def take_messages(
    session: Session,
    name: MailboxName,
    command: Append,
    first: AppendAnnounced | None,
    messages: list[NewMessage],
) -> None:
    """Put into ``messages`` whatever the client sends or names, as long as it may.

    Args:
        session: Whose it is.
        name: Where they are to go.
        command: What is known before the first octets come.
        first: These, if any come.
        messages: Where they are put.

    Raises:
        Mistaken: The client says UTF8 and has not enabled it.
        Refused: There is no message, there are too many, or what is named is not
            there (BADURL).
        BadSyntax: Something else stands between two messages.
        MailError: The mailbox can't take them, or what is named can't be read.
    """
    await session.account.check_append(name)
    intake = Intake(session, command, messages)
    try:
        await intake.take_all(first)
    finally:
        intake.close()
