"""Letting somebody in, or not: what LOGIN and AUTHENTICATE have in common.

Each failure is told later than the one before, and the third is the last, so
that guessing on one connection is slow. What was wrong is never said.

A right password may be known at once, and a wrong one never is: who hangs up
where no answer comes has learned that it was wrong. So a guess is held against its
address however it ends, unless there is a reason not to.
"""

from typing import Final

from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imapbox.auth.errors import AuthenticationFailed, AuthenticationUnavailable
from imapbox.imap.answers import Done, Refused
from imapbox.imap.crowd import Guess
from imapbox.imap.session import Session
from imapbox.mailbox.account_interface import Account
from imapbox.model.errors import MailError, NoSuchUser
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
        account = await _look_at(session, user, password, guess)
    finally:
        if session.stopping is not None:
            guess.forgive()  # it may be we who cut it off
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


async def _look_at(
    session: Session, user: bytes, password: bytes, guess: Guess
) -> Account:
    """Return the account that a password opens; forgive what was no wrong guess."""
    try:
        account = await session.logins.login(user, password)
    except (AuthenticationFailed, NoSuchUser):
        await turn_away(session, user)
        raise Refused(_WRONG, codes.AUTHENTICATIONFAILED) from None
    except AuthenticationUnavailable:
        _tell("not tried", session, user)
        # Who is gone gets this from a checker that was interrupted: he has guessed.
        if session.ended is None:
            # It may be nobody's fault, as where many log in at once. But it tells that
            # the password is none of those that are known at once, and costs as much.
            await _let_wait(session)
            guess.forgive()
        raise Refused("Please try again later.", codes.UNAVAILABLE) from None
    except MailError:
        guess.forgive()  # the password was right
        raise
    except CancelledError:
        _tell("given up", session, user)
        raise
    guess.forgive()
    return account


async def turn_away(session: Session, user: bytes) -> None:
    """Make a client that failed to log in wait; it is about to be refused."""
    _tell("refused", session, user)
    await _let_wait(session)


def _tell(outcome: str, session: Session, user: bytes) -> None:
    """Log what became of a login; of those that went well `admit` tells."""
    _log.info(
        "login {outcome} for {user!r} from {peer}",
        outcome=outcome,
        user=user[:_LOGGED_LENGTH],
        peer=session.peer.address,
    )


async def _let_wait(session: Session) -> None:
    """Count a failed login, once its client has waited as long as for the others."""
    delay = session.settings.failure_delay * 2**session.failed_logins
    await deferLater(session.clock, delay)
    _count_failure(session)


def _count_failure(session: Session) -> None:
    session.failed_logins += 1
    if session.failed_logins >= session.settings.failed_logins:
        session.bye("Too many failed logins.")
