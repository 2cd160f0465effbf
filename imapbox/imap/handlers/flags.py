"""STORE and EXPUNGE: what changes messages. RFC 9051 §6.4.3, §6.4.6."""

from imapbox.imap.answers import Done
from imapbox.imap.session import BATCH, Session
from imapbox.model.errors import MailboxReadOnly
from imapbox.model.numbers import Uid
from imapbox.wire.imap.commands.selected import Expunge, Store


async def store(session: Session, command: Store) -> Done:
    """Change flags, and tell what they are then, unless the client knows."""
    selection = session.selection
    if selection.mailbox.read_only:
        raise MailboxReadOnly
    uids: list[Uid] = []
    messages = selection.messages(command.messages, by_uid=command.by_uid)
    for number, message in enumerate(messages, start=1):
        uids.append(message.uid)
        if not number % BATCH:
            await session.output.room()
    if uids:
        await selection.mailbox.set_flags(uids, command.change, command.flags)
        if not command.silent:
            await session.tell_flags(selection.again(uids), with_uid=command.by_uid)
    return Done("Flags stored.")


async def expunge(session: Session, _command: Expunge) -> Done:
    r"""Remove what is ``\Deleted``; the dispatcher's sync tells what went."""
    mailbox = session.selection.mailbox
    if mailbox.read_only:
        raise MailboxReadOnly
    await mailbox.expunge()
    return Done("Expunged.")
