"""COMPRESS. RFC 4978 §3."""

from imapbox.imap.answers import Done, Mistaken, Refused
from imapbox.imap.session import Session
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.compress import Compress


async def compress(session: Session, command: Compress) -> Done:
    """Agree to compress, and begin when that is written.

    As with STARTTLS, nothing may have come behind the command: it were read as
    something else than it was meant for.

    Raises:
        Refused: It is done already (COMPRESSIONACTIVE), or in another way than
            we know.
        Mistaken: Something came; the session ends.
    """
    if session.compressed:
        raise Refused("It is compressed already.", codes.COMPRESSIONACTIVE)
    if command.mechanism != b"DEFLATE":
        raise Refused("Only DEFLATE is known here.", codes.CANNOT)
    if session.input.unread:
        session.bye("Nothing may follow COMPRESS.")
        raise Mistaken("Nothing may follow COMPRESS.")
    return Done("Compressed from now on.", then=session.compress)
