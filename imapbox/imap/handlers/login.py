"""LOGIN. RFC 9051 §6.2.3."""

from imapbox.imap.admission import admit, require_privacy
from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.not_authenticated import Login


async def login(session: Session, command: Login) -> Done:
    """Let in whoever has this name and password."""
    require_privacy(session)
    return await admit(session, command.userid, command.password)
