"""CANCELUPDATE. RFC 5267 §4.3.5."""

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.cancel_update import CancelUpdate


async def cancel_update(session: Session, command: CancelUpdate) -> Done:
    """Tell nothing more of some results; a tag of none is no mistake."""
    session.selection.contexts.cancel(command.tags)
    return Done("No further updates.")
