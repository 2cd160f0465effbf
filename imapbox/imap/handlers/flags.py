"""STORE and EXPUNGE: what changes messages. RFC 9051 §6.4.3, §6.4.6, §6.4.9."""

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.model.errors import MailboxReadOnly, MessageGone
from imapbox.wire.imap.commands.selected import Expunge, Store


async def store(session: Session, command: Store) -> Done:
    """Change flags, and tell what they are then, unless the client knows.

    Raises:
        MessageGone: Flags are to be told by number, and some of the messages were
            expunged; the others' were changed and told. RFC 2180 §4.2.2, §4.2.3.
    """
    selection = session.selection
    if selection.mailbox.read_only:
        raise MailboxReadOnly
    uids = selection.uids(command.messages, by_uid=command.by_uid)
    if len(uids):
        await selection.mailbox.set_flags(uids, command.change, command.flags)
        if not command.silent:
            there = selection.mailbox.remaining(uids)
            now = selection.mailbox.marks_of(there)
            await session.tell_flags(now, with_uid=command.by_uid)
            if len(there) < len(uids) and not command.by_uid:
                raise MessageGone
    return Done("Flags stored.")


async def expunge(session: Session, command: Expunge) -> Done:
    r"""Remove what is ``\Deleted``; the dispatcher's sync tells what went."""
    selection = session.selection
    uids = None if command.uids is None else selection.resolve_uids(command.uids)
    await selection.mailbox.expunge(uids)
    return Done("Expunged.")
