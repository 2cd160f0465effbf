"""UNAUTHENTICATE. RFC 8437 §3."""

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.authenticated import Unauthenticate


async def unauthenticate(session: Session, _command: Unauthenticate) -> Done:
    """Be nobody again: for a program that acts for one user after the other.

    TLS and compression stay. What was said is told to the one who said it.
    """
    return Done("Nobody is logged in.", then=session.log_out)
