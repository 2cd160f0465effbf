"""Commands on names: CREATE to UNSUBSCRIBE. RFC 9051 §6.3.4 to §6.3.8."""

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.wire.imap.commands.authenticated import (
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
)


async def create(session: Session, command: Create) -> Done:
    """Make a mailbox."""
    await session.account.create(command.mailbox.name())
    return Done("Mailbox made.")


async def delete(session: Session, command: Delete) -> Done:
    """Remove a mailbox."""
    await session.account.delete(command.mailbox.name())
    return Done("Mailbox deleted.")


async def rename(session: Session, command: Rename) -> Done:
    """Give a mailbox another name."""
    await session.account.rename(command.mailbox.name(), command.new_name.name())
    return Done("Mailbox renamed.")


async def subscribe(session: Session, command: Subscribe) -> Done:
    """Remember a name."""
    await session.account.subscribe(command.mailbox.name())
    return Done("Subscribed.")


async def unsubscribe(session: Session, command: Unsubscribe) -> Done:
    """Forget a name."""
    await session.account.unsubscribe(command.mailbox.name())
    return Done("Unsubscribed.")
