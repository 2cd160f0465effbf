"""STATUS. RFC 9051 §6.3.11."""

from imapbox.imap.answers import Done
from imapbox.imap.counting import status_line
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.status import Status, StatusAtt


async def status(session: Session, command: Status) -> Done:
    """Tell how many messages of which kind a mailbox has."""
    if StatusAtt.HIGHESTMODSEQ in command.items:
        session.tell_modseqs()
    line = await status_line(session, command.mailbox.name(), command.items)
    session.output.write(line)
    return Done("Counted.")
