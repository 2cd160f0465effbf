r"""LIST, LSUB, NAMESPACE and STATUS.

RFC 9051 §6.3.9 to §6.3.11; RFC 3501 §6.3.9.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from imapbox.imap.answers import Done
from imapbox.imap.session import BATCH, Session
from imapbox.mailbox.interfaces import Listed
from imapbox.mailbox.interfaces import Status as Counts
from imapbox.model.names import MailboxName, parents
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.authenticated import Namespace
from imapbox.wire.imap.commands.listing import List, Lsub, Status, StatusAtt
from imapbox.wire.imap.responses import Attribute

_NOSELECT: Final = (Attribute.NOSELECT,)
_SPECIAL_USE: Final = {
    attribute.value.decode(): attribute
    for attribute in (
        Attribute.ALL,
        Attribute.ARCHIVE,
        Attribute.DRAFTS,
        Attribute.FLAGGED,
        Attribute.JUNK,
        Attribute.SENT,
        Attribute.TRASH,
    )
}
_COUNT: Final[Mapping[StatusAtt, Callable[[Counts], int]]] = {
    StatusAtt.MESSAGES: attrgetter("messages"),
    StatusAtt.RECENT: attrgetter("recent"),
    StatusAtt.UIDNEXT: attrgetter("uidnext"),
    StatusAtt.UIDVALIDITY: attrgetter("uidvalidity"),
    StatusAtt.UNSEEN: attrgetter("unseen"),
    StatusAtt.DELETED: attrgetter("deleted"),
    StatusAtt.SIZE: attrgetter("size"),
    StatusAtt.HIGHESTMODSEQ: attrgetter("highestmodseq"),
}


async def list_(session: Session, command: List) -> Done:
    r"""Tell the names that match.

    With a "%" at the end of the pattern, also the names that are no mailbox
    but have mailboxes below them, with ``\Noselect``.
    """
    if command.asks_delimiter:
        session.output.write(responses.list_delimiter())
        return Done("Listed.")
    listed = {
        each.name: _attributes(each)
        for each in await session.account.mailboxes()
        if _is_wanted(each, command)
    }
    await _tell(session, command, listed)
    return Done("Listed.")


async def lsub(session: Session, command: Lsub) -> Done:
    r"""Tell the subscribed names that match, whether or not they exist.

    With a "%" at the end of the pattern, also the names above subscribed
    ones, with ``\Noselect``.
    """
    if command.asks_delimiter:
        session.output.write(responses.lsub_delimiter())
        return Done("Listed.")
    listed: dict[MailboxName, Sequence[Attribute]] = {}
    for each in await session.account.mailboxes():
        if each.subscribed:
            if _asks_levels(command):
                for parent in parents(each.name):
                    listed.setdefault(parent, _NOSELECT)
            listed[each.name] = ()
    await _tell(session, command, listed)
    return Done("Listed.")


async def namespace(session: Session, _command: Namespace) -> Done:
    """Tell that all mailboxes are the user's own, and where they are."""
    session.output.write(responses.namespace())
    return Done("Namespaces listed.")


async def status(session: Session, command: Status) -> Done:
    """Tell how many messages of which kind a mailbox has."""
    if StatusAtt.HIGHESTMODSEQ in command.items:
        session.tell_modseqs()
    name = command.mailbox.name()
    deleted = StatusAtt.DELETED in command.items
    counts: Counts = await session.account.status(name, deleted=deleted)
    values = {item: _COUNT[item](counts) for item in command.items}
    session.output.write(responses.status(name, values))
    return Done("Counted.")


def _asks_levels(command: List) -> bool:
    return command.pattern.octets.endswith(b"%")


def _is_wanted(each: Listed, command: List) -> bool:
    if command.only_special_use:
        return each.special_use is not None
    return each.exists or (each.has_children and _asks_levels(command))


def _attributes(each: Listed) -> list[Attribute]:
    """Return what is to be said of a name. RFC 3348 §3, RFC 6154 §2."""
    attributes = [] if each.exists else [Attribute.NOSELECT]
    children = Attribute.HASCHILDREN if each.has_children else Attribute.HASNOCHILDREN
    attributes.append(children)
    if each.special_use in _SPECIAL_USE:
        attributes.append(_SPECIAL_USE[each.special_use])
    return attributes


async def _tell(
    session: Session,
    command: List,
    listed: Mapping[MailboxName, Sequence[Attribute]],
) -> None:
    pattern = command.matcher()
    row = responses.lsub_mailbox if command.name == "LSUB" else responses.list_mailbox
    for number, (name, attributes) in enumerate(listed.items(), start=1):
        if pattern.matches(name):
            session.output.write(row(attributes, name))
        if not number % BATCH:
            await session.output.room()
