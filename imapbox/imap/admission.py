"""Letting somebody in, or not: what LOGIN and AUTHENTICATE have in common.

Each failure is told later than the one before, and the third is the last, so
that guessing on one connection is slow. What was wrong is never said.
"""

from typing import Final

from twisted.internet.task import deferLater
from twisted.logger import Logger

from imapbox.auth.errors import AuthenticationFailed, AuthenticationUnavailable
from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.model.errors import NoSuchUser
from imapbox.wire.imap import response_codes as codes

_log = Logger()

PRIVACY_REQUIRED: Final = "Not without TLS."
TOO_MANY_GUESSES: Final = "Too many wrong passwords from your address; wait a while."
TOO_MANY_OF_USER: Final = "You have too many connections; close some."

_LOGGED_LENGTH: Final = 64
_WRONG: Final = "Wrong user name or password."


def require_privacy(session: Session) -> None:
    """Refuse to hear a password where somebody could listen. RFC 9051 §11.

    Raises:
        Refused: Said before the client sent it, if the client waits.
    """
    if not session.may_login:
        raise Refused(PRIVACY_REQUIRED, codes.PRIVACYREQUIRED)


async def admit(session: Session, user: bytes, password: bytes) -> Done:
    """Log a client in.

    Raises:
        Refused: It is not let in.
        MailError: Its account can not be opened now.
    """
    guess = session.guess()
    if guess is None:
        _count_failure(session)
        raise Refused(TOO_MANY_GUESSES, codes.UNAVAILABLE)
    try:
        account = await session.logins.login(user, password)
    except (AuthenticationFailed, NoSuchUser):
        guess.was_wrong()
        await turn_away(session, user)
        raise Refused(_WRONG, codes.AUTHENTICATIONFAILED) from None
    except AuthenticationUnavailable:
        raise Refused("Please try again later.", codes.UNAVAILABLE) from None
    finally:
        guess.end()
    if not session.take_seat(account.user):
        account.close()
        _count_failure(session)
        raise Refused(TOO_MANY_OF_USER, codes.LIMIT)
    session.log_in(account)
    _log.info(
        "login of {user} from {peer}, {how}",
        user=account.user,
        peer=session.peer.address,
        how="with TLS" if session.encrypted else "without TLS",
    )
    return Done("Logged in.", codes.capability(session.offer()))


async def turn_away(session: Session, user: bytes) -> None:
    """Make a client that failed to log in wait; it is about to be refused."""
    _log.info(
        "login refused for {user!r} from {peer}",
        user=user[:_LOGGED_LENGTH],
        peer=session.peer.address,
    )
    delay = session.settings.failure_delay * 2**session.failed_logins
    await deferLater(session.clock, delay)
    _count_failure(session)


def _count_failure(session: Session) -> None:
    session.failed_logins += 1
    if session.failed_logins >= session.settings.failed_logins:
        session.bye("Too many failed logins.")
