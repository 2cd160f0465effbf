"""Commands on names: CREATE to UNSUBSCRIBE. RFC 9051 §6.3.4 to §6.3.8."""

from typing import Final

from imapbox.imap.answers import Done, Refused
from imapbox.imap.progress import in_progress
from imapbox.imap.renaming import tell_other_name
from imapbox.imap.session import Session
from imapbox.model.names import INBOX
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.authenticated import (
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
)
from imapbox.wire.imap.object_ids import mailboxid
from imapbox.wire.imap.responses import Attribute

# Those of mailboxes that hold messages of their own; others would be views of all.
_USES: Final = {
    use.lower(): use for use in ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")
}


async def create(session: Session, command: Create) -> Done:
    """Make a mailbox, perhaps for a special use. Others may be for the same one.

    Raises:
        Refused: A mailbox can't be for one of these uses: RFC 6154 §3.
    """
    uses = [_USES.get(use.decode().lower()) for use in command.uses]
    known = list(dict.fromkeys(use for use in uses if use is not None))
    if None in uses:
        raise Refused("A mailbox can not be made for that.", codes.USEATTR)
    name = command.mailbox.name()
    mailbox_id = await session.account.create(name, known)
    session.notifying.tree.created(name, mailbox_id)
    tell_other_name(session, command.mailbox, name)
    code = codes.mailbox_object(mailboxid(mailbox_id)) if mailbox_id else None
    return Done("Mailbox made.", code)


async def delete(session: Session, command: Delete) -> Done:
    """Remove a mailbox."""
    name = command.mailbox.name()
    await session.account.delete(name)
    session.notifying.tree.deleted(name)
    tell_other_name(session, command.mailbox, name, (Attribute.NONEXISTENT,))
    return Done("Mailbox deleted.")


async def rename(session: Session, command: Rename) -> Done:
    """Give a mailbox another name."""
    old, new = command.mailbox.name(), command.new_name.name()
    with in_progress(session, "renaming"):  # of INBOX all messages are moved
        await session.account.rename(old, new)
    if old != INBOX:  # whose messages were moved
        session.notifying.tree.renamed(old, new)
    tell_other_name(session, command.new_name, new)
    return Done("Mailbox renamed.")


async def subscribe(session: Session, command: Subscribe) -> Done:
    """Remember a name."""
    name = command.mailbox.name()
    await session.account.subscribe(name)
    session.notifying.tree.subscribed(name)
    return Done("Subscribed.")


async def unsubscribe(session: Session, command: Unsubscribe) -> Done:
    """Forget a name."""
    name = command.mailbox.name()
    await session.account.unsubscribe(name)
    session.notifying.tree.unsubscribed(name)
    return Done("Unsubscribed.")
