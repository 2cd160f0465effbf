r"""LIST, LSUB and NAMESPACE. RFC 9051 §6.3.9, §6.3.10; RFC 3501 §6.3.9."""

from collections.abc import Sequence

from imapbox.imap.answers import Done
from imapbox.imap.counting import COUNTED_AT_ONCE, quick_counts, status_if_any
from imapbox.imap.list_rows import ListRows, Row
from imapbox.imap.session import Session
from imapbox.mailbox.tree import levels_between
from imapbox.model.names import MailboxName
from imapbox.wire.imap import acl_responses, responses
from imapbox.wire.imap.commands.authenticated import Namespace
from imapbox.wire.imap.commands.listing import List, Lsub
from imapbox.wire.imap.commands.status import StatusAtt
from imapbox.wire.imap.responses import Attribute


async def list_(session: Session, command: List) -> Done:
    r"""Tell the names that match and are selected, and how they are.

    With a "%" at the end of a pattern, also the names that are no mailbox
    but have mailboxes below them.
    """
    if command.asks_delimiter:
        session.output.write(responses.list_delimiter())
        return Done("Listed.")
    if StatusAtt.HIGHESTMODSEQ in command.returning.status:
        session.tell_modseqs()
    # It implies more, and is not for clients that may not know it: RFC 5258 §3.
    knows = command.extended or session.dialect.rev2
    no_mailbox = Attribute.NONEXISTENT if knows else Attribute.NOSELECT
    rows = ListRows(command, await session.account.mailboxes(), no_mailbox)
    shown: list[Row] = []
    for row in rows.rows():
        if row is not None:
            shown.append(row)
        if len(shown) >= COUNTED_AT_ONCE:
            await _tell(session, command, shown)
            shown = []
        await session.output.room()
    await _tell(session, command, shown)
    return Done("Listed.")


async def lsub(session: Session, command: Lsub) -> Done:
    r"""Tell the subscribed names that match, whether or not they exist.

    With a "%" at the end of the pattern, also the names above subscribed
    ones, with ``\Noselect``.
    """
    if command.asks_delimiter:
        session.output.write(responses.lsub_delimiter())
        return Done("Listed.")
    pattern, levels = command.matcher(), command.level_matcher()
    names = await session.account.mailboxes()
    utf8 = session.dialect.utf8
    before = MailboxName("")
    for name in names.subscribed:
        for level in levels_between(before, name):
            if levels.matches(level):
                row = responses.lsub_mailbox((Attribute.NOSELECT,), level, utf8=utf8)
                session.output.write(row)
            await session.output.room()
        if pattern.matches(name):
            session.output.write(responses.lsub_mailbox((), name, utf8=utf8))
        await session.output.room()
        before = name
    return Done("Listed.")


async def namespace(session: Session, _command: Namespace) -> Done:
    """Tell where the user's own mailboxes are, and those of others."""
    namespaces = await session.account.namespaces()
    session.output.write(responses.namespace(*namespaces, utf8=session.dialect.utf8))
    return Done("Namespaces listed.")


async def _tell(session: Session, command: List, rows: Sequence[Row]) -> None:
    """Tell of names, and of each its counts, if they can be had. RFC 5819 §2.

    And what the user may do with it, if that is wanted: RFC 8440 §3.
    """
    utf8 = session.dialect.utf8
    items = command.returning.status
    counted = [row.name for row in rows if row.is_counted and items]
    quick = await quick_counts(session, counted, items)
    for row in rows:
        attributes, counts = row.attributes, b""
        if row.is_counted and items:
            line = await status_if_any(session, row.name, items, quick)
            if line is None:
                attributes = [Attribute.NONEXISTENT, *attributes]
            counts = line or b""
        selected_below = command.selecting if row.has_selected_below else ()
        listed = responses.list_mailbox(attributes, row.name, selected_below, utf8=utf8)
        if row.is_counted and command.returning.my_rights:
            counts = acl_responses.my_rights(row.name, row.rights, utf8=utf8) + counts
        session.output.write(listed + counts)
        await session.output.room()
