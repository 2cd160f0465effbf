"""Telling which names and annotations of an account others changed. RFC 5465."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from imapbox.imap.interests import Interests
from imapbox.imap.known_tree import Affected
from imapbox.imap.list_rows import attributes_of
from imapbox.imap.name_walk import in_turns
from imapbox.imap.session import Session
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.notify import METADATA, Event
from imapbox.wire.imap.responses import Attribute


async def tell_names(session: Session, listed: Sequence[Listed]) -> None:
    """Tell which names came, went or changed. RFC 5465 §5.4, §5.5."""
    notifying = session.notifying
    affected = notifying.tree.learn(listed)
    names = await _rows(session, {each.name for each in affected})
    for change in affected:
        gone = Listed(change.name, subscribed=False, exists=False, has_children=False)
        row = names.get(change.name, gone)
        if _is_wanted(notifying.interests, row, change):
            line = responses.list_mailbox(
                _attributes(row),
                row.name,
                old_name=change.old_name,
                utf8=session.dialect.utf8,
            )
            session.output.write(line)
        await session.output.room()


async def tell_annotations(session: Session, listed: Sequence[Listed]) -> None:
    """Tell which annotations changed. RFC 5465 §5.6, §5.7."""
    interests = session.notifying.interests
    if not interests.of_all & METADATA:
        return
    rows = {each.mailbox_id: each for each in listed if each.exists}
    annotations = await session.account.all_metadata()
    for mailbox_id, entries in session.notifying.annotations.learn(annotations):
        row = rows.get(mailbox_id)
        if mailbox_id is None:
            wanted = Event.SERVER_METADATA_CHANGE in interests.of_all
        elif row is None:
            wanted = False  # it is gone, and that is told elsewhere
        else:
            wanted = Event.MAILBOX_METADATA_CHANGE in interests.of(row)
        if wanted:
            line = responses.metadata_changed(
                None if row is None else row.name,
                sorted(entries),
                utf8=session.dialect.utf8,
            )
            session.output.write(line)
        await session.output.room()


async def _rows(
    session: Session, names: Collection[MailboxName]
) -> dict[MailboxName, Listed]:
    """Return what LIST says of some names, of those of which it says anything."""
    if not names:
        return {}
    walk = in_turns(session, await session.account.mailboxes())
    return {each.name: each async for each in walk if each.name in names}


def _is_wanted(interests: Interests, row: Listed, change: Affected) -> bool:
    # Who was subscribed until now is told that this ended.
    was = replace(
        row,
        subscribed=row.subscribed or Event.SUBSCRIPTION_CHANGE in change.events,
    )
    wanted = interests.of(was)
    if change.old_name is not None:
        wanted |= interests.of(replace(was, name=change.old_name))
    return bool(wanted & change.events)


def _attributes(row: Listed) -> Sequence[Attribute]:
    attributes = [] if row.exists else [Attribute.NONEXISTENT]
    if row.subscribed:
        attributes.append(Attribute.SUBSCRIBED)
    return attributes + attributes_of(row)
