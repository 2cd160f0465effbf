r"""LIST, LSUB and STATUS. RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from imapbox.imap.answers import Done
from imapbox.imap.session import BATCH, Session
from imapbox.mailbox.interfaces import Status as Counts
from imapbox.model.names import MailboxName, parents
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.listing import List, Lsub, Status, StatusAtt
from imapbox.wire.imap.responses import Attribute

_NOSELECT: Final = (Attribute.NOSELECT,)
_COUNT: Final[Mapping[StatusAtt, Callable[[Counts], int]]] = {
    StatusAtt.MESSAGES: attrgetter("messages"),
    StatusAtt.RECENT: attrgetter("recent"),
    StatusAtt.UIDNEXT: attrgetter("uidnext"),
    StatusAtt.UIDVALIDITY: attrgetter("uidvalidity"),
    StatusAtt.UNSEEN: attrgetter("unseen"),
}


async def list_(session: Session, command: List) -> Done:
    r"""Tell the names that match.

    With a "%" at the end of the pattern, also the names that are no mailbox
    but have mailboxes below them, with ``\Noselect``.
    """
    if command.asks_delimiter:
        session.output.write(responses.list_delimiter())
        return Done("Listed.")
    selectable = {
        each.name: each.exists
        for each in await session.account.mailboxes()
        if each.exists or (each.has_children and _asks_levels(command))
    }
    await _tell(session, command, selectable)
    return Done("Listed.")


async def lsub(session: Session, command: Lsub) -> Done:
    r"""Tell the subscribed names that match, whether or not they exist.

    With a "%" at the end of the pattern, also the names above subscribed
    ones, with ``\Noselect``.
    """
    if command.asks_delimiter:
        session.output.write(responses.lsub_delimiter())
        return Done("Listed.")
    selectable: dict[MailboxName, bool] = {}
    for each in await session.account.mailboxes():
        if each.subscribed:
            if _asks_levels(command):
                for parent in parents(each.name):
                    selectable.setdefault(parent, False)
            selectable[each.name] = True
    await _tell(session, command, selectable)
    return Done("Listed.")


async def status(session: Session, command: Status) -> Done:
    """Tell how many messages of which kind a mailbox has."""
    name = command.mailbox.name()
    counts: Counts = await session.account.status(name)
    values = {item: _COUNT[item](counts) for item in command.items}
    session.output.write(responses.status(name, values))
    return Done("Counted.")


def _asks_levels(command: List) -> bool:
    return command.pattern.octets.endswith(b"%")


async def _tell(
    session: Session, command: List, selectable: Mapping[MailboxName, bool]
) -> None:
    pattern = command.matcher()
    row = responses.lsub_mailbox if command.name == "LSUB" else responses.list_mailbox
    for number, (name, can_be_selected) in enumerate(selectable.items(), start=1):
        if pattern.matches(name):
            session.output.write(row(() if can_be_selected else _NOSELECT, name))
        if not number % BATCH:
            await session.output.room()
