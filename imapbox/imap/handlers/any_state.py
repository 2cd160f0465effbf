"""CAPABILITY, NOOP, CHECK and LOGOUT. RFC 9051 §6.1."""

from imapbox.imap.answers import Done
from imapbox.imap.changes import sync
from imapbox.imap.session import Session
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.any_state import Capability, Logout, Noop
from imapbox.wire.imap.commands.selected import Check


async def capability(session: Session, _command: Capability) -> Done:
    """Say what is offered."""
    session.output.write(responses.capability(session.offer()))
    return Done("Capabilities listed.")


async def noop(session: Session, _command: Noop | Check) -> Done:
    """Say what is new: what was acknowledged before this command was read.

    Not left to the dispatcher, whose telling may fail without the command.
    """
    await sync(session, may_expunge=True)
    return Done("Nothing more.")


async def logout(session: Session, _command: Logout) -> Done:
    """Say good bye."""
    session.bye("Good bye.")
    return Done("Logged out.")
