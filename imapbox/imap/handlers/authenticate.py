"""AUTHENTICATE, with PLAIN as its one mechanism. RFC 9051 §6.2.2."""

from typing import Final

from imapbox.auth.errors import AuthenticationFailed
from imapbox.auth.sasl import BadSasl, plain_credentials
from imapbox.imap.admission import admit, require_privacy, turn_away
from imapbox.imap.answers import Done, Mistaken, Refused
from imapbox.imap.session import Session
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.not_authenticated import Authenticate, parse_sasl_line

_MAX_LINE: Final = 8 * 1024


async def authenticate(session: Session, command: Authenticate) -> Done:
    """Let in whoever has the name and password in the client's response."""
    if command.mechanism != "PLAIN":
        raise Refused("No such mechanism here.", codes.CANNOT)
    require_privacy(session)
    response = command.initial_response
    if response is None:
        session.output.write(responses.challenge(b""))
        response = parse_sasl_line(await session.input.line(_MAX_LINE))
    if response is None:
        raise Mistaken("Cancelled.")
    try:
        credentials = plain_credentials(response)
    except BadSasl:
        raise Mistaken("Not a PLAIN response.") from None
    except AuthenticationFailed:
        await turn_away(session, b"")
        raise Refused("Not as somebody else.", codes.AUTHENTICATIONFAILED) from None
    return await admit(session, credentials.user, credentials.password)
