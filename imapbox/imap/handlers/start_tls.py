"""STARTTLS. RFC 9051 §6.2.1."""

from imapbox.imap.answers import Done, Mistaken
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.not_authenticated import StartTls


async def start_tls(session: Session, _command: StartTls) -> Done:
    """Agree to TLS, and begin it when that is written.

    What came in clear behind the command was not said by the client, or not by
    one that knows what it does: the session ends.
    """
    if session.encrypted:
        raise Mistaken("TLS is active.")
    if not session.may_start_tls:
        raise Mistaken("TLS is not offered here.")
    if session.input.framer.buffered:
        session.bye("Nothing may follow STARTTLS.")
        raise Mistaken("Nothing may follow STARTTLS.")
    return Done("Begin TLS now.", then=session.encrypt)
