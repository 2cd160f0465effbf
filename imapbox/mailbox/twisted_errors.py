"""Our errors as twisted.mail's: what its server shows to the client."""

from collections.abc import Awaitable
from typing import TypeVar

from twisted.mail.imap4 import MailboxException, ReadOnlyMailbox

from imapbox.model.errors import MailboxReadOnly, MailError
from imapbox.model.numbers import NoSuchMessage

T = TypeVar("T")


async def told(work: Awaitable[T]) -> T:
    """Return the result of ``work``.

    Raises:
        MailboxException: It was refused; the text is for the client.
        ReadOnlyMailbox: That is why.
    """
    try:
        return await work
    except MailboxReadOnly:
        raise ReadOnlyMailbox from None
    except NoSuchMessage:
        raise MailboxException("There is no such message.") from None
    except MailError as error:
        raise MailboxException(error.sentence()) from error
