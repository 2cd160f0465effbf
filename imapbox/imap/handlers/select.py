"""SELECT, EXAMINE, CLOSE, UNSELECT. RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2."""

from contextlib import suppress
from typing import Final

from imapbox.imap.answers import Done
from imapbox.imap.renaming import tell_selected
from imapbox.imap.resync import check_enabled, tell_what_happened
from imapbox.imap.session import Session
from imapbox.imap.states import State
from imapbox.model.errors import NotPermitted
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.authenticated import Examine, Select
from imapbox.wire.imap.commands.selected import Close, Unselect

# What is said behind it is of the other mailbox: RFC 9051 §7.1.
_CLOSED: Final = responses.untagged(
    responses.Status.OK, "The mailbox before is closed.", codes.CLOSED
)


async def select(session: Session, command: Select) -> Done:
    """Open a mailbox."""
    return await _open(session, command, read_only=False)


async def examine(session: Session, command: Examine) -> Done:
    """Open a mailbox to read only."""
    return await _open(session, command, read_only=True)


async def close(session: Session, _command: Close) -> Done:
    r"""Remove what is ``\Deleted``, silently, and leave the mailbox.

    Who has no right to remove it leaves it there: RFC 4314 §4.
    """
    mailbox = session.selection.mailbox
    if not mailbox.read_only:
        with suppress(NotPermitted):
            await mailbox.expunge()
    session.leave()
    return Done("Mailbox closed.")


async def unselect(session: Session, _command: Unselect) -> Done:
    """Leave the mailbox, and remove nothing."""
    session.leave()
    return Done("Mailbox left.")


async def _open(
    session: Session, command: Select | Examine, *, read_only: bool
) -> Done:
    resync = command.parameters.resync
    if resync is not None:
        check_enabled(session)
    # Whether or not another one opens, this one is left: RFC 9051 §6.3.2.
    if session.state is State.SELECTED:
        session.leave()
        session.output.write(_CLOSED)
    if command.parameters.condstore:
        session.tell_modseqs()
    name = command.mailbox.name()
    session.open(await session.account.select(name, read_only=read_only))
    for line in session.selection.opening():
        session.output.write(line)
    if session.dialect.rev2:
        await tell_selected(session, command.mailbox, name)
    if resync is not None:
        await tell_what_happened(session, resync)
    if session.selection.mailbox.read_only:
        return Done("Mailbox opened for reading.", codes.READ_ONLY)
    return Done("Mailbox opened.", codes.READ_WRITE)
