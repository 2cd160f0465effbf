"""Calling what is not ours: at once or by a Deferred, and whatever it raises.

`MailboxException` is a refusal, and its text is for the client. Anything else is a
fault of the application: it rises, is logged, and the command is answered
NO [SERVERBUG]; the session goes on.
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.mail import imap4

from imapbox.imap.answers import Refused
from imapbox.model import errors
from imapbox.wire.imap import response_codes as codes

_LONGEST: Final = 200
_NO_TEXT: Final = "The application refused it."


async def ask(method: Callable[..., Any], *arguments: Any) -> Any:
    """Call something, and wait for what it returns.

    Raises:
        Refused: The application declines; told as it says.
        MailError: The same, where we have a word for it.
    """
    try:
        return await maybeDeferred(method, *arguments)
    except imap4.ReadOnlyMailbox:
        raise errors.MailboxReadOnly from None
    except imap4.MailboxCollision as error:
        raise errors.MailboxExists(str(error)) from None
    except imap4.NoSuchMailbox as error:
        raise errors.NoSuchMailbox(str(error)) from None
    except imap4.MailboxException as error:
        raise Refused(said(error), codes.CANNOT) from None


def said(error: Exception) -> str:
    """Return what an exception says, as an answer may say it."""
    text = "".join(filter(str.isprintable, str(error)))
    text = text.encode("ascii", "replace").decode().lstrip(" [")
    return text[:_LONGEST] or _NO_TEXT


def text_of(name: str | bytes) -> str:
    """Return a name or a flag, which may be octets, as text."""
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


async def turn(clock: Any) -> None:
    """Let others have their turn."""
    await deferLater(clock, 0)
